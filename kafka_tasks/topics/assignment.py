"""Which brokers shall have which partitions: as little movement as possible, brokers kept even."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kafka_tasks.model.topic import TopicState

# Topic → partition → broker ids, the preferred leader first.
Assignment = dict[str, dict[int, tuple[int, ...]]]


@dataclass(slots=True)
class _Load:
    """How many replicas each broker has."""

    replicas: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, topics: Iterable[TopicState]) -> _Load:
        load = cls()
        for state in topics:
            for partition in state.partitions:
                load.replicas.update(partition.replicas)
        return load


def spread(
    observed: Mapping[str, TopicState], wanted: Mapping[str, int], brokers: Sequence[int]
) -> Assignment:
    """Explicit assignments that give each topic of `wanted` so many replicas.

    What grows keeps the replicas it has and takes the brokers with the fewest; what shrinks lets go
    of the brokers with the most, of its leader last. Partitions that have what is wanted already
    are left out. The same input in any order gives the same answer.
    """
    load = _Load.of(observed.values())
    found: Assignment = {}
    for name in sorted(wanted):
        moved = {}
        for partition in sorted(observed[name].partitions, key=lambda at: at.id):
            before = partition.replicas
            after = _grown(before, wanted[name], brokers, load)
            after = _shrunk(after, wanted[name], partition.leader, load)
            if after != before:
                moved[partition.id] = after
        if moved:
            found[name] = moved
    return found


def _grown(
    replicas: tuple[int, ...], size: int, brokers: Sequence[int], load: _Load
) -> tuple[int, ...]:
    found = replicas
    while len(found) < size:
        free = [broker for broker in brokers if broker not in found]
        least = min(free, key=lambda broker: (load.replicas[broker], broker))
        load.replicas[least] += 1
        found = (*found, least)
    return found


def _shrunk(
    replicas: tuple[int, ...], size: int, leader: int | None, load: _Load
) -> tuple[int, ...]:
    found = replicas
    while len(found) > size:
        keeps = leader if leader in found else found[0]
        others = [broker for broker in found if broker != keeps]
        most = max(others, key=lambda broker: (load.replicas[broker], broker))
        load.replicas[most] -= 1
        found = tuple(broker for broker in found if broker != most)
    return found


def as_reassignment_json(assignment: Assignment) -> str:
    """The same as the file that `kafka-reassign-partitions --execute` takes."""
    partitions = [
        {"topic": name, "partition": number, "replicas": list(replicas)}
        for name, moved in sorted(assignment.items())
        for number, replicas in sorted(moved.items())
    ]
    return json.dumps({"version": 1, "partitions": partitions}, indent=1)
