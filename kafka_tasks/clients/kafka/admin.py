"""What the cluster is and which topics it has, through confluent-kafka's AdminClient."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,
    ConfigResource,
    ConfigSource,
    ResourceType,
    TopicMetadata,
)

from kafka_tasks.clients.kafka.connection import (
    awaited,
    configuration,
    connected,
    not_yet,
    translate,
)
from kafka_tasks.errors import BrokerUnreachable, TopicMissing
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import ConfigValue, PartitionState, TopicState
from kafka_tasks.retry import Deadline, OutOfTime, RetryPolicy

T = TypeVar("T")

# list_topics holds Ctrl-C back for as long as it may take, so it may never take long.
_SLICE_S = 0.25
_GOODBYE_S = 1.0
# How long a question, and how long a change, may take where nobody says it.
ANSWER_S = 10.0
CHANGE_S = 30.0
_PORTION = 250


@dataclass(frozen=True, slots=True)
class ClusterView:
    """What one metadata answer says: `controller` is a broker id, or None while there is none."""

    cluster_id: str | None
    controller: int | None
    brokers: Mapping[int, Address]
    topics: frozenset[str] = frozenset()


class Admin:
    """A connection to one cluster, or to one address of it. Use it with `with`.

    `timeout_s` is how many seconds an answer is waited for, where a request does not say it.
    """

    def __init__(
        self,
        cluster: Cluster,
        *,
        bootstrap: str | None = None,
        policy: RetryPolicy | None = None,
        timeout_s: float | None = None,
    ) -> None:
        self._cluster = cluster
        self._timeout_s = timeout_s
        self._policy = policy or RetryPolicy()
        self._client = connected(AdminClient, configuration(cluster, bootstrap))

    def __enter__(self) -> Admin:
        return self

    def __exit__(self, *_: object) -> None:
        # librdkafka reads on for as long as anything comes, and waits for itself to end.
        closing = threading.Thread(target=self._client.__exit__, args=(None,) * 3, daemon=True)
        closing.start()
        closing.join(_GOODBYE_S)

    @property
    def client(self) -> AdminClient:
        """The library's own client, for the modules beside this one."""
        return self._client

    def limit(self, asked_s: float | None, usual_s: float) -> float:
        """Seconds for an answer: what a request asks for, else this connection, else the usual."""
        return next(given for given in (asked_s, self._timeout_s, usual_s) if given is not None)

    def look(self, timeout_s: float = _SLICE_S) -> ClusterView:
        """One metadata request; raises `BrokerUnreachable` when it is not answered in time."""
        metadata = self._metadata(timeout_s)
        return ClusterView(
            metadata.cluster_id,
            metadata.controller_id if metadata.controller_id >= 0 else None,
            {
                node: Address(str(at.host), int(at.port or 0))
                for node, at in metadata.brokers.items()
            },
            frozenset(metadata.topics),
        )

    def answers_as(self, broker_id: int, timeout_s: float) -> None:
        """Ask this broker, at the address it advertises, whether it has this id.

        Raises `BrokerUnreachable` where nothing answers there, `ClusterError` where another
        broker does.
        """
        resource = ConfigResource(ResourceType.BROKER, str(broker_id))
        futures = self._client.describe_configs([resource], request_timeout=timeout_s)
        awaited(futures[resource], f"broker {broker_id} at its advertised address", timeout_s)

    def topics(
        self, *, timeout_s: float | None = None, name: str | None = None
    ) -> dict[str, TopicState]:
        """Every topic, or the one of this name; without their settings."""
        limit = self.limit(timeout_s, ANSWER_S)

        def check() -> ClusterMetadata:
            try:
                return self._metadata(min(_SLICE_S * 4, limit), name)
            except BrokerUnreachable as error:
                raise not_yet(error) from error

        try:
            found = self._policy.until(check, Deadline.after(limit))
        except OutOfTime as error:
            raise BrokerUnreachable(
                f"No broker answered at {self._cluster.bootstrap_servers} within {limit:g} s.",
                evidence=(str(error),),
                hint="invoke kafka.status",
            ) from error
        return {
            str(topic.topic): _state(topic)
            for topic in found.topics.values()
            if topic.error is None or topic.partitions
        }

    def configs(
        self, names: Iterable[str], *, timeout_s: float | None = None, missing_ok: bool = False
    ) -> dict[str, dict[str, ConfigValue]]:
        """The settings of these topics, with where each value comes from.

        Topics that are not there raise `TopicMissing`, or are left out. Asked in portions: one
        request for all costs 37 MB of memory for each 1,000 topics.
        """
        wanted, limit = list(names), self.limit(timeout_s, ANSWER_S)
        found: dict[str, dict[str, ConfigValue]] = {}
        portions = [wanted[at : at + _PORTION] for at in range(0, len(wanted), _PORTION)]
        ahead = self._ask_configs(portions[0], limit) if portions else {}
        for at in range(len(portions)):
            under_way = ahead
            # The broker works on the next portion while this one is read.
            ahead = self._ask_configs(portions[at + 1], limit) if at + 1 < len(portions) else {}
            for name, future in under_way.items():
                try:
                    entries = awaited(future, f"describe topic {name}", limit)
                except TopicMissing:
                    if not missing_ok:
                        raise
                    continue
                found[name] = {entry.name: _config_value(entry) for entry in entries.values()}
        return found

    def _ask_configs(self, names: Sequence[str], timeout_s: float) -> dict[str, Future[Any]]:
        asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self._client.describe_configs(asked, request_timeout=timeout_s)
        return {resource.name: future for resource, future in futures.items()}

    def describe(self, name: str, *, timeout_s: float | None = None) -> TopicState | None:
        """One topic with its settings, or None."""
        state = self.topics(timeout_s=timeout_s, name=name).get(name)
        if state is None:
            return None
        config = self.configs([name], timeout_s=timeout_s)[name]
        return TopicState(state.name, state.partitions, config)

    def _metadata(self, timeout_s: float, topic: str | None = None) -> ClusterMetadata:
        try:
            if topic is None:
                return self._client.list_topics(timeout=timeout_s)
            return self._client.list_topics(topic, timeout=timeout_s)
        except KafkaException as error:
            raise translate(error, f"metadata from {self._cluster.bootstrap_servers}") from error
        except (UnicodeDecodeError, SystemError) as error:
            raise BrokerUnreachable(
                f"What answers at {self._cluster.bootstrap_servers} is no Kafka broker.",
                evidence=(str(error),),
                hint="invoke kafka.config shows which addresses are asked",
            ) from error


def _state(topic: TopicMetadata) -> TopicState:
    partitions = tuple(
        PartitionState(
            number,
            found.leader if found.leader >= 0 else None,
            tuple(found.replicas),
            tuple(found.isrs),
        )
        for number, found in sorted(topic.partitions.items())
    )
    return TopicState(str(topic.topic), partitions)


# An enum's own lookup is a quarter of the time that many topics take.
_SOURCES = {
    source.value: source.name.removesuffix("_CONFIG").lower().replace("_", "-")
    for source in ConfigSource
}
_SET_ON_TOPIC = ConfigSource.DYNAMIC_TOPIC_CONFIG.value


def _config_value(entry: Any) -> ConfigValue:
    return ConfigValue(
        None if entry.is_sensitive else entry.value,
        _SOURCES[entry.source],
        entry.source == _SET_ON_TOPIC,
        bool(entry.is_sensitive),
    )
