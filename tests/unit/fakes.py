"""Stand-ins for the outside world."""

# ruff: noqa: D102 - the methods are those of the real ones

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kafka_tasks.clients.kafka.admin import ClusterView
from kafka_tasks.errors import KafkaTasksError, TopicExists, TopicMissing
from kafka_tasks.model.cluster import Address
from kafka_tasks.model.topic import ConfigValue, Offsets, PartitionState, TopicState


def topic(
    name: str,
    partitions: int = 1,
    replicas: int = 1,
    config: Mapping[str, str] | None = None,
    leader: int | None = 1,
) -> TopicState:
    """A topic as a cluster would describe it."""
    nodes = tuple(range(1, replicas + 1))
    return TopicState(
        name,
        tuple(PartitionState(number, leader, nodes, nodes) for number in range(partitions)),
        {key: ConfigValue(value, "dynamic-topic", True) for key, value in (config or {}).items()},
    )


@dataclass
class FakeAdmin:
    """A cluster's topics in memory, with the surprises of a real one.

    `errors` are raised by the next calls, verb by verb; `leaderless` is how often a new topic is
    seen without leaders.
    """

    there: dict[str, TopicState] = field(default_factory=dict)
    brokers: Mapping[int, Address] = field(default_factory=lambda: {1: Address("localhost", 9092)})
    controller: int | None = 1
    cluster_id: str | None = "kraftless-id"
    errors: dict[str, list[KafkaTasksError]] = field(default_factory=dict)
    leaderless: int = 0
    calls: list[str] = field(default_factory=list)
    closed: int = 0
    records: int = 0

    def __enter__(self) -> FakeAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if waiting := self.errors.get(what.split()[0]):
            raise waiting.pop(0)

    def look(self, timeout_s: float = 0.25) -> ClusterView:
        self._called("look")
        return ClusterView(self.cluster_id, self.controller, self.brokers)

    def answers_as(self, broker_id: int, timeout_s: float) -> None:
        self._called(f"answers_as {broker_id}")

    def topics(self, *, timeout_s: float = 10.0, name: str | None = None) -> dict[str, TopicState]:
        self._called("topics")
        seen = dict(self.there)
        if self.leaderless > 0:
            self.leaderless -= 1
            seen = {key: _without_leaders(state) for key, state in seen.items()}
        if name is not None:
            seen = {key: state for key, state in seen.items() if key == name}
        return seen

    def describe(self, name: str, *, timeout_s: float = 10.0) -> TopicState | None:
        self._called(f"describe {name}")
        return self.there.get(name)

    def configs(
        self, names: Iterable[str], *, timeout_s: float = 10.0
    ) -> dict[str, Mapping[str, ConfigValue]]:
        return {name: self.there[name].config for name in names}

    def create(
        self,
        name: str,
        *,
        partitions: int,
        replication_factor: int,
        config: Mapping[str, str],
        timeout_s: float = 30.0,
    ) -> None:
        self._called(f"create {name} {partitions} {replication_factor}")
        if name in self.there:
            raise TopicExists(f"The topic exists already: create topic {name}.")
        self.there[name] = topic(name, max(1, partitions), max(1, replication_factor), config)

    def delete(self, names: Sequence[str], *, timeout_s: float = 30.0) -> None:
        self._called(f"delete {','.join(names)}")
        for name in names:
            if name not in self.there:
                raise TopicMissing(f"There is no such topic: delete topic {name}.")
            del self.there[name]

    def offsets(self, state: TopicState, *, timeout_s: float = 10.0) -> dict[int, Offsets]:
        return {partition.id: Offsets(0, self.records) for partition in state.partitions}


def _without_leaders(state: TopicState) -> TopicState:
    bare = tuple(replace(partition, leader=None) for partition in state.partitions)
    return replace(state, partitions=bare)
