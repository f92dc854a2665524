"""Assigns partitions to brokers: with little movement, and an even load."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics.racks import Racks, uneven

# Topic → partition → broker ids, the preferred leader first.
Assignment = dict[str, dict[int, tuple[int, ...]]]


@dataclass(slots=True)
class _Load:
    """The number of replicas on each broker."""

    replicas: Counter[int] = field(default_factory=Counter)

    @classmethod
    def of(cls, topics: Iterable[TopicState]) -> _Load:
        load = cls()
        for state in topics:
            for partition in state.partitions:
                load.replicas.update(partition.replicas)
        return load


def spread(
    observed: Mapping[str, TopicState],
    wanted: Mapping[str, int | None],
    brokers: Sequence[int],
    racks: Mapping[str, Racks] | None = None,
) -> Assignment:
    """Return assignments that give each topic of `wanted` so many replicas; None: as it has.

    A growing partition keeps its replicas and adds the brokers with the fewest; a shrinking one
    drops the brokers with the most, its leader last. The replicas of topics in `racks` are spread
    over racks, by moves that spare the leader. Partitions that are as wanted are left out. The
    order of the input does not matter.
    """
    load = _Load.of(observed.values())
    found: Assignment = {}
    cuts = []
    for name in sorted(wanted):
        moved = {}
        over = (racks or {}).get(name, {})
        for partition in sorted(observed[name].partitions, key=lambda at: at.id):
            before, leader = partition.replicas, partition.leader
            size = wanted[name] or len(before)
            after = _grown(before, size, brokers, load, over)
            cut = _shrunk(after, size, leader, load, over)
            even = _evened(cut, leader, load, over)
            if even != before:
                moved[partition.id] = even
            if cut != after and even == cut:
                cuts.append(_Cut(moved, partition.id, before, _kept(before, leader), over))
        if moved:
            found[name] = moved
    while steps := _leveling(cuts, load):
        for step in steps:
            step.take(load)
    return found


@dataclass(frozen=True, slots=True)
class _Cut:
    """A partition that drops replicas: any of them except the one that it keeps."""

    moved: dict[int, tuple[int, ...]]
    partition: int
    before: tuple[int, ...]
    keeps: int
    racks: Racks

    def steps(self) -> Iterator[_Step]:
        """Yield the possible swaps of a staying replica with a dropped one."""
        stays = self.moved[self.partition]
        for going in stays:
            if going != self.keeps:
                rack = self.racks.get(going)
                others = (to for to in self.before if to not in stays)
                yield from (_Step(self, going, to) for to in others if self.racks.get(to) == rack)


@dataclass(frozen=True, slots=True)
class _Step:
    cut: _Cut
    going: int
    staying: int

    def take(self, load: _Load) -> None:
        """Drop the one replica and keep the other."""
        moved, number = self.cut.moved, self.cut.partition
        stays = {*moved[number], self.staying} - {self.going}
        moved[number] = tuple(broker for broker in self.cut.before if broker in stays)
        load.replicas.update({self.staying: 1, self.going: -1})


def _leveling(cuts: Sequence[_Cut], load: _Load) -> list[_Step]:
    """Return steps that move a replica from a broker to one with two fewer; none if all are even.

    Each partition by itself drops its fullest broker, which leaves too much on the leaders of the
    last partitions. The way from one broker to another may lead over a third.
    """
    steps: dict[int, dict[int, _Step]] = {}
    for cut in cuts:
        for step in cut.steps():
            steps.setdefault(step.going, {}).setdefault(step.staying, step)
    for first in sorted(steps, key=lambda broker: (-load.replicas[broker], broker)):
        ways: dict[int, list[_Step]] = {first: []}
        queue = [first]
        for at in queue:
            if load.replicas[first] - load.replicas[at] >= 2:
                return ways[at]
            for to, step in sorted(steps.get(at, {}).items()):
                if to not in ways:
                    ways[to] = [*ways[at], step]
                    queue.append(to)
    return []


def _grown(
    replicas: tuple[int, ...], size: int, brokers: Sequence[int], load: _Load, racks: Racks
) -> tuple[int, ...]:
    found = replicas
    while len(found) < size:
        free = [broker for broker in brokers if broker not in found]
        held = Counter(racks.get(broker) for broker in found)
        least = min(free, key=lambda at: (held[racks.get(at)], load.replicas[at], at))
        load.replicas[least] += 1
        found = (*found, least)
    return found


def _shrunk(
    replicas: tuple[int, ...], size: int, leader: int | None, load: _Load, racks: Racks
) -> tuple[int, ...]:
    found = replicas
    while len(found) > size:
        others = [broker for broker in found if broker != _kept(found, leader)]
        held = Counter(racks.get(broker) for broker in found)
        most = max(others, key=lambda at: (held[racks.get(at)], load.replicas[at], at))
        load.replicas[most] -= 1
        found = tuple(broker for broker in found if broker != most)
    return found


def _evened(
    replicas: tuple[int, ...], leader: int | None, load: _Load, racks: Racks
) -> tuple[int, ...]:
    """Move replicas from the fullest rack to the emptiest until both are even."""
    found = replicas
    while (pair := uneven(found, racks)) is not None:
        full, empty = pair
        going = [at for at in found if racks.get(at) == full and at != _kept(found, leader)]
        coming = [at for at, rack in racks.items() if rack == empty and at not in found]
        most = max(going, key=lambda at: (load.replicas[at], at))
        least = min(coming, key=lambda at: (load.replicas[at], at))
        load.replicas.update({least: 1, most: -1})
        found = tuple(least if at == most else at for at in found)
    return found


def _kept(replicas: tuple[int, ...], leader: int | None) -> int:
    return leader if leader is not None and leader in replicas else replicas[0]


def as_reassignment_json(assignment: Assignment) -> str:
    """Return the assignment as the file that `kafka-reassign-partitions --execute` takes."""
    partitions = [
        {"topic": name, "partition": number, "replicas": list(replicas)}
        for name, moved in sorted(assignment.items())
        for number, replicas in sorted(moved.items())
    ]
    return json.dumps({"version": 1, "partitions": partitions}, indent=1)
