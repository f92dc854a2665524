"""Answers of brokers as values, and what judges those about topics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from confluent_kafka.admin import ClusterMetadata, ConfigSource, TopicMetadata
from msgspec import Struct

from kafka_tasks.model.address import Address
from kafka_tasks.model.topic import ConfigValue, PartitionState, TopicState


class ClusterView(Struct, frozen=True):
    """One metadata answer; `controller` is a broker id, or None while there is none.

    `absent` are brokers that have replicas and are not among those that serve.
    """

    cluster_id: str | None
    controller: int | None
    brokers: Mapping[int, Address]
    topics: frozenset[str] = frozenset()
    absent: frozenset[int] = frozenset()


class TopicsAnswer(Struct, frozen=True):
    """The topics that one broker answered with.

    `whole` where it was asked for all of them; `lacking` are names that were asked for and are not
    among them.
    """

    view: ClusterView
    lacking: frozenset[str] = frozenset()
    whole: bool = True


class Completeness(Protocol):
    """Judges whether an answer has all topics: a broker that starts shows none, or not all."""

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return why the answer may lack topics, or None where it is the cluster's."""


def view_of(metadata: ClusterMetadata) -> ClusterView:
    """Return what a metadata answer says of the cluster."""
    return ClusterView(
        metadata.cluster_id,
        metadata.controller_id if metadata.controller_id >= 0 else None,
        {node: Address(str(at.host), int(at.port or 0)) for node, at in metadata.brokers.items()},
        frozenset(metadata.topics),
        frozenset(
            replica
            for topic in metadata.topics.values()
            for partition in topic.partitions.values()
            for replica in partition.replicas
        )
        - metadata.brokers.keys(),
    )


def _state_of(topic: TopicMetadata) -> TopicState:
    """Return a topic of a metadata answer, without its settings."""
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


def states_of(metadata: ClusterMetadata) -> dict[str, TopicState]:
    """Return the topics of a metadata answer, without their settings."""
    return {
        str(topic.topic): _state_of(topic)
        for topic in metadata.topics.values()
        if topic.error is None or topic.partitions
    }


# The lookup of an enum would take a quarter of the time for many topics.
_SOURCES = {
    source.value: source.name.removesuffix("_CONFIG").lower().replace("_", "-")
    for source in ConfigSource
}
_SET_ON_TOPIC = ConfigSource.DYNAMIC_TOPIC_CONFIG.value


def config_value_of(entry: Any) -> ConfigValue:
    """Return a setting with its source."""
    return ConfigValue(
        None if entry.is_sensitive else entry.value,
        _SOURCES[entry.source],
        entry.source == _SET_ON_TOPIC,
        bool(entry.is_sensitive),
    )
