"""Stand-ins for the outside world."""

# ruff: noqa: D102 - the methods are those of the real ones

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import OffsetSpec
from msgspec import structs

from kafka_tasks.clients.kafka.answers import ClusterView
from kafka_tasks.clients.kafka.changes import ConfigEdit, NewTopicRequest, Outcomes
from kafka_tasks.errors import InvalidInput, KafkaTasksError, TopicExists, TopicMissing
from kafka_tasks.model import topology
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import ConfigValue, PartitionState, TopicState


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
    seen without leaders. `lagging` is what another broker shows, look by look.
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
    lagging: list[dict[str, TopicState]] = field(default_factory=list)
    timeout_s: float | None = None

    @property
    def cluster(self) -> Cluster:
        """A cluster that was started here, in ZooKeeper mode, with these brokers."""
        number = len(self.brokers)
        return Cluster(Path(), "fake", topology.zookeeper_cluster(number), (), number)

    def require_contact(self) -> None:
        """Answer at once."""

    def __enter__(self) -> FakeAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def racks(self, timeout_s: float | None = None) -> dict[int, str]:
        """Return nothing: these brokers are in no rack."""
        return {}

    def called(self, what: str) -> None:
        self.calls.append(what)
        if waiting := self.errors.get(what.split()[0]):
            raise waiting.pop(0)

    def limit(self, asked_s: float | None, usual_s: float) -> float:
        return asked_s or self.timeout_s or usual_s

    def look(self, timeout_s: float | None = None) -> ClusterView:
        self.called("look")
        every = (at for state in self.there.values() for at in state.partitions)
        absent = frozenset(number for at in every for number in at.replicas) - set(self.brokers)
        return ClusterView(self.cluster_id, self.controller, self.brokers, absent=absent)

    def view(self, timeout_s: float | None = None) -> ClusterView:
        return self.look()

    def overview(self, timeout_s: float) -> tuple[ClusterView, dict[str, TopicState]]:
        return self.look(), self.topics()

    def of_each_broker(self, timeout_s: float) -> Iterator[dict[str, TopicState]]:
        yield from [*self.lagging[:1], self.there]
        del self.lagging[:1]

    def persistently(self, attempt: Callable[[float], Any], limit_s: float) -> Any:
        return attempt(limit_s)

    def still_there(self, names: Collection[str]) -> set[str]:
        return set(names) & set(self.there)

    def answers_as(self, broker_id: int, timeout_s: float) -> None:
        self.called(f"answers_as {broker_id}")

    def seen(self, *, timeout_s: float = 10.0, name: str | None = None) -> dict[str, TopicState]:
        return self.topics(timeout_s=timeout_s, name=name)

    def topics(
        self,
        *,
        timeout_s: float = 10.0,
        name: str | None = None,
        expected: Collection[str] = (),
    ) -> dict[str, TopicState]:
        self.called("topics")
        seen = dict(self.there)
        if self.leaderless > 0:
            self.leaderless -= 1
            seen = {key: _without_leaders(state) for key, state in seen.items()}
        if name is not None:
            seen = {key: state for key, state in seen.items() if key == name}
        return seen

    def describe(self, name: str, *, timeout_s: float = 10.0) -> TopicState | None:
        self.called(f"describe {name}")
        return self.there.get(name)

    def configs(
        self, names: Iterable[str], *, timeout_s: float = 10.0, missing_ok: bool = False
    ) -> dict[str, Mapping[str, ConfigValue]]:
        return {name: self.there[name].config for name in names if name in self.there}

    @property
    def client(self) -> Any:
        return FakeClient(self)


@dataclass
class FakeClient:
    """The library's own client, as far as it is asked for offsets: the first is 0, and new."""

    admin: FakeAdmin

    def list_offsets(
        self, asked: Mapping[TopicPartition, OffsetSpec], *, request_timeout: float
    ) -> dict[TopicPartition, Future[Any]]:
        found = {}
        for at, spec in asked.items():
            answer: Future[Any] = Future()
            offset = self.admin.records
            if spec._value == OffsetSpec.earliest()._value:
                offset = 0
            elif spec._value != OffsetSpec.latest()._value:
                offset = 0 if self.admin.records else -1
            answer.set_result(SimpleNamespace(offset=offset))
            found[at] = answer
        return found


def _without_leaders(state: TopicState) -> TopicState:
    bare = tuple(structs.replace(partition, leader=None) for partition in state.partitions)
    return replace(state, partitions=bare)


class FakeChanges:
    """`clients.kafka.changes` on a `FakeAdmin`: same names, same outcomes."""

    @staticmethod
    def create(
        admin: FakeAdmin, topics: Iterable[NewTopicRequest], *, timeout_s: float = 30.0
    ) -> Outcomes:
        def do(new: NewTopicRequest) -> None:
            admin.called(f"create {new.name} {new.partitions or -1} {new.replication_factor or -1}")
            if new.name in admin.there:
                raise TopicExists(f"The topic exists already: create topic {new.name}.")
            admin.there[new.name] = topic(
                new.name, new.partitions or 1, new.replication_factor or 1, new.config
            )

        return {new.name: _outcome(partial(do, new)) for new in topics}

    @staticmethod
    def delete(admin: FakeAdmin, names: Iterable[str], *, timeout_s: float = 30.0) -> Outcomes:
        def do(name: str) -> None:
            admin.called(f"delete {name}")
            if name not in admin.there:
                raise TopicMissing(f"The topic does not exist: delete topic {name}.")
            del admin.there[name]

        return {name: _outcome(partial(do, name)) for name in names}

    @staticmethod
    def ids(admin: FakeAdmin, names: Iterable[str], *, timeout_s: float = 10.0) -> dict[str, str]:
        return {name: str(id(admin.there[name])) for name in names if name in admin.there}

    @staticmethod
    def taken(admin: FakeAdmin, names: Iterable[str], *, timeout_s: float = 10.0) -> set[str]:
        return set(names) & set(admin.there)

    @staticmethod
    def add_partitions(
        admin: FakeAdmin, totals: Mapping[str, int], *, timeout_s: float = 30.0
    ) -> Outcomes:
        def do(name: str, total: int) -> None:
            admin.called(f"add_partitions {name} {total}")
            before = admin.there[name]
            if total <= len(before.partitions):
                raise InvalidInput(f"The broker refused: add partitions to {name}.")
            grown = topic(name, total, before.replication_factor)
            admin.there[name] = replace(grown, config=before.config)

        return {name: _outcome(partial(do, name, total)) for name, total in totals.items()}

    @staticmethod
    def alter_configs(
        admin: FakeAdmin, edits: Mapping[str, Sequence[ConfigEdit]], *, timeout_s: float = 30.0
    ) -> Outcomes:
        def do(name: str, some: Sequence[ConfigEdit]) -> None:
            admin.called(f"alter_configs {name}")
            config = dict(admin.there[name].config)
            config.update({e.key: ConfigValue(e.value, "dynamic-topic", True) for e in some})
            admin.there[name] = replace(admin.there[name], config=config)

        return {name: _outcome(partial(do, name, some)) for name, some in edits.items()}


def _outcome(do: Callable[[], None]) -> KafkaTasksError | None:
    try:
        do()
    except KafkaTasksError as error:
        return error
    return None
