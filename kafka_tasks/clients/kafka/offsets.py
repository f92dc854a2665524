"""The one way to read offsets: of many partitions, in few requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec

from kafka_tasks.clients.kafka.admin import ANSWER_S, Admin
from kafka_tasks.clients.kafka.connection import awaited
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.errors import InvalidInput, KafkaTasksError, TopicMissing
from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import Offsets, TopicState
from kafka_tasks.retry import NotYet

# Measured: a thousand partitions a request take less time each than many thousands.
_BATCH = 1000
# The offset of a moment after the last record; what is smaller is none at all.
_NO_RECORD = -1


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
    for batch in _batches(asked):
        specs = (OffsetSpec.earliest(), OffsetSpec.latest())
        first, following = _asked(admin, batch, specs, timeout_s)
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
    for batch in _batches(asked):
        (answers,) = _asked(admin, batch, (OffsetSpec.for_timestamp(moment_ms),), timeout_s)
        for place, offset in answers.items():
            found[place] = None if offset is None or offset < 0 else offset
    return found


def _batches(asked: Iterable[Place]) -> Iterator[list[Place]]:
    every = list(asked)
    for first in range(0, len(every), _BATCH):
        yield every[first : first + _BATCH]


_Answers = Mapping[Place, int | None]


def _asked(
    admin: Admin, batch: list[Place], specs: Sequence[OffsetSpec], timeout_s: float | None
) -> list[_Answers]:
    """Return the answers to each spec; None where the topic is certainly gone."""

    def attempt(seconds: float) -> list[_Answers]:
        # All requests are under way at once.
        futures = [_ask(admin, batch, spec, seconds) for spec in specs]
        found = [_answers(admin, each, seconds) for each in futures]
        gone = {place[0] for each in found for place, offset in each.items() if offset is None}
        if gone and (there := admin.still_there(gone)):
            raise NotYet(f"the leader of {min(there)} does not know it yet")
        return found

    return admin.persistently(attempt, admin.limit(timeout_s, ANSWER_S))


_Futures = Mapping[TopicPartition, Future[Any]]


def _ask(admin: Admin, batch: list[Place], spec: OffsetSpec, timeout_s: float) -> _Futures:
    wanted = {TopicPartition(topic, number): spec for topic, number in batch}
    return admin.client.list_offsets(wanted, request_timeout=timeout_s)


def _answers(admin: Admin, futures: _Futures, timeout_s: float) -> _Answers:
    found: dict[Place, int | None] = {}
    for at, future in futures.items():
        try:
            what = f"offsets of {at.topic}-{at.partition}"
            needed = needing(Right(admin.cluster, "DESCRIBE", "topic", at.topic))
            answer = awaited(future, what, timeout_s, partial(_translated, needed))
            if answer.offset < _NO_RECORD:
                # Leaders changed while the library asked: 6 of 571 reads during restarts.
                raise NotYet(f"the {what} are not known yet")
            found[at.topic, at.partition] = answer.offset
        except TopicMissing:
            found[at.topic, at.partition] = None
    return found


def _translated(
    otherwise: Callable[[KafkaException, str], KafkaTasksError], error: KafkaException, what: str
) -> KafkaTasksError:
    """Return the error of this package; without any leader, the library tells of no topic."""
    if error.args[0].code() == KafkaError._NOENT:
        return TopicMissing(f"There are no leaders: {what}.", hint="invoke kafka.status")
    return otherwise(error, what)
