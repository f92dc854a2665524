"""The one way to read offsets: of many partitions, in few requests."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec

from kafka_tasks.clients.kafka.admin import ANSWER_S, Admin
from kafka_tasks.clients.kafka.connection import awaited
from kafka_tasks.errors import InvalidInput, TopicMissing
from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import Offsets, TopicState

# Measured: a thousand partitions a request take less time each than many thousands.
_BATCH = 1000


def places(states: Iterable[TopicState]) -> list[Place]:
    """Return the partitions of these topics that have a leader to ask."""
    return [
        (state.name, partition.id)
        for state in states
        for partition in state.partitions
        if partition.leader is not None
    ]


def chosen(state: TopicState, numbers: Collection[int]) -> list[Place]:
    """Return these partitions of a topic, or all; raises `InvalidInput` for a missing one."""
    there = [partition.id for partition in state.partitions]
    for number in numbers:
        if number not in there:
            raise InvalidInput(
                f"The topic {state.name} has no partition {number}; it has 0 to {there[-1]}.",
                hint=f"invoke kafka.topic.describe {state.name}",
            )
    return [(state.name, number) for number in numbers or there]


def ranges(
    admin: Admin, asked: Iterable[Place], *, timeout_s: float | None = None
) -> dict[Place, Offsets | None]:
    """Return the first and the next offset of each; None where the topic was deleted meanwhile."""
    found: dict[Place, Offsets | None] = {}
    limit = admin.limit(timeout_s, ANSWER_S)
    for batch in _batches(asked):
        starts = _ask(admin, batch, OffsetSpec.earliest(), limit)
        ends = _ask(admin, batch, OffsetSpec.latest(), limit)
        first, following = _answers(starts, limit), _answers(ends, limit)
        for place in batch:
            start, end = first[place], following[place]
            found[place] = None if start is None or end is None else Offsets(start, end)
    return found


def of_topic(
    admin: Admin, state: TopicState, *, timeout_s: float | None = None
) -> dict[int, Offsets]:
    """Return the first and the next offset of each partition of a topic.

    Raises `TopicMissing` where the topic was deleted meanwhile.
    """
    asked = [(state.name, partition.id) for partition in state.partitions]
    found = {at: log for at, log in ranges(admin, asked, timeout_s=timeout_s).items() if log}
    if len(found) < len(asked):
        raise TopicMissing(
            f"The topic {state.name} was deleted meanwhile.", hint="invoke kafka.topic.list"
        )
    return {number: log for (_, number), log in found.items()}


def at_time(
    admin: Admin, asked: Iterable[Place], moment_ms: int, *, timeout_s: float | None = None
) -> dict[Place, int | None]:
    """Return the first offset at or after this moment; None where every record is older."""
    found: dict[Place, int | None] = {}
    limit = admin.limit(timeout_s, ANSWER_S)
    for batch in _batches(asked):
        futures = _ask(admin, batch, OffsetSpec.for_timestamp(moment_ms), limit)
        for place, offset in _answers(futures, limit).items():
            found[place] = None if offset is None or offset < 0 else offset
    return found


def _batches(asked: Iterable[Place]) -> Iterator[list[Place]]:
    every = list(asked)
    for first in range(0, len(every), _BATCH):
        yield every[first : first + _BATCH]


_Futures = Mapping[TopicPartition, Future[Any]]


def _ask(admin: Admin, batch: list[Place], spec: OffsetSpec, timeout_s: float) -> _Futures:
    wanted = {TopicPartition(topic, number): spec for topic, number in batch}
    return admin.client.list_offsets(wanted, request_timeout=timeout_s)


def _answers(futures: _Futures, timeout_s: float) -> dict[Place, int | None]:
    found: dict[Place, int | None] = {}
    for at, future in futures.items():
        try:
            answer = awaited(future, f"offsets of {at.topic}-{at.partition}", timeout_s)
            found[at.topic, at.partition] = answer.offset
        except TopicMissing:
            found[at.topic, at.partition] = None
    return found
