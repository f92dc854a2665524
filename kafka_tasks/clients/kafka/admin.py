"""Reads the cluster and its topics, through the AdminClient of confluent-kafka."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

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

# list_topics blocks Ctrl-C until it returns, so its time-out is short.
_SLICE_S = 0.25
_CLOSE_S = 1.0
# Seconds for a request that reads, and for one that changes something, by default.
ANSWER_S = 10.0
CHANGE_S = 30.0
_PORTION = 250


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One metadata answer; `controller` is a broker id, or None while there is none."""

    cluster_id: str | None
    controller: int | None
    brokers: Mapping[int, Address]
    topics: frozenset[str] = frozenset()


class Admin:
    """A connection to one cluster, or to one address of it. Use it with `with`.

    `timeout_s` is the limit for an answer, in seconds, unless a request has its own.
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
        # librdkafka waits for its threads, which read as long as anything comes.
        closing = threading.Thread(target=self._client.__exit__, args=(None,) * 3, daemon=True)
        closing.start()
        closing.join(_CLOSE_S)

    @property
    def cluster(self) -> Cluster:
        """The cluster that it is connected to."""
        return self._cluster

    @property
    def client(self) -> AdminClient:
        """The client of the library, for the modules beside this one."""
        return self._client

    def limit(self, asked_s: float | None, usual_s: float) -> float:
        """Return the seconds for an answer: of the request, the connection, or the usual."""
        return next(given for given in (asked_s, self._timeout_s, usual_s) if given is not None)

    def look(self, timeout_s: float = _SLICE_S) -> ClusterView:
        """Request the metadata once; raises `BrokerUnreachable` without an answer in time."""
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

    def racks(self, timeout_s: float | None = None) -> dict[int, str]:
        """Return the rack of each broker that has one."""
        limit = self.limit(timeout_s, ANSWER_S)
        future = self._client.describe_cluster(request_timeout=limit)
        found = awaited(future, "describe the cluster", limit)
        return {node.id: str(node.rack) for node in found.nodes if node.rack}

    def answers_as(self, broker_id: int, timeout_s: float) -> None:
        """Ask the broker at its advertised address whether it has this id.

        Raises `BrokerUnreachable` without an answer, `ClusterError` where another broker answers.
        """
        resource = ConfigResource(ResourceType.BROKER, str(broker_id))
        futures = self._client.describe_configs([resource], request_timeout=timeout_s)
        awaited(futures[resource], f"broker {broker_id} at its advertised address", timeout_s)

    def topics(
        self, *, timeout_s: float | None = None, name: str | None = None
    ) -> dict[str, TopicState]:
        """Return all topics, or the one with this name, without their settings."""
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
        """Return the settings of these topics, with the source of each value.

        Missing topics raise `TopicMissing`, or are left out. Requests go out in portions: a single
        one takes 37 MB of memory for each 1,000 topics.
        """
        wanted, limit = list(names), self.limit(timeout_s, ANSWER_S)
        found: dict[str, dict[str, ConfigValue]] = {}
        portions = [wanted[at : at + _PORTION] for at in range(0, len(wanted), _PORTION)]
        ahead = self._ask_configs(portions[0], limit) if portions else {}
        for at in range(len(portions)):
            under_way = ahead
            # The broker prepares the next portion while this one is read.
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
        """Return one topic with its settings, or None."""
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
                f"The server at {self._cluster.bootstrap_servers} is not a Kafka broker.",
                evidence=(str(error),),
                hint="invoke kafka.config shows the addresses",
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


# The lookup of an enum would take a quarter of the time for many topics.
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
