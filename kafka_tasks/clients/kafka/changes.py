"""Changes topics, many in one request; every topic has its own outcome."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Literal

from confluent_kafka import KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)
from msgspec import Struct

from kafka_tasks.clients.kafka.admin import ANSWER_S, CHANGE_S, Admin
from kafka_tasks.clients.kafka.connection import awaited, undecided
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.errors import BrokerUnreachable, KafkaTasksError, TopicExists

# Topic → None where it was changed, else the error.
Outcomes = dict[str, KafkaTasksError | None]

_Operation = Literal["set", "delete", "append", "subtract"]

# Lets the broker choose.
_BROKER_DEFAULT = -1


class NewTopicRequest(Struct, frozen=True):
    """A topic to create; for None the broker chooses."""

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: Mapping[str, str] | None = None


class ConfigEdit(Struct, frozen=True):
    """One change of one topic setting; `append` and `subtract` are for lists."""

    key: str
    operation: _Operation = "set"
    value: str | None = None


def create(
    admin: Admin, topics: Iterable[NewTopicRequest], *, timeout_s: float | None = None
) -> Outcomes:
    """Create topics; accepted ones have no leaders yet."""
    wanted = [
        NewTopic(
            topic.name,
            num_partitions=topic.partitions or _BROKER_DEFAULT,
            replication_factor=topic.replication_factor or _BROKER_DEFAULT,
            config=dict(topic.config or {}),
        )
        for topic in topics
    ]
    if not wanted:
        return {}
    limit = admin.limit(timeout_s, CHANGE_S)
    futures = admin.client.create_topics(wanted, request_timeout=limit, operation_timeout=limit)
    return _outcomes(admin, futures, "create topic", "CREATE", limit)


def add_partitions(
    admin: Admin,
    totals: Mapping[str, int],
    *,
    timeout_s: float | None = None,
    validate_only: bool = False,
) -> Outcomes:
    """Give these topics so many partitions in total; never fewer than they have.

    `validate_only` asks the broker and changes nothing.
    """
    if not totals:
        return {}
    wanted = [NewPartitions(name, total) for name, total in totals.items()]
    limit = admin.limit(timeout_s, CHANGE_S)
    futures = admin.client.create_partitions(
        wanted, request_timeout=limit, validate_only=validate_only
    )
    return _outcomes(admin, futures, "add partitions to", "ALTER", limit)


def alter_configs(
    admin: Admin,
    edits: Mapping[str, Sequence[ConfigEdit]],
    *,
    timeout_s: float | None = None,
    validate_only: bool = False,
) -> Outcomes:
    """Change topic settings; the others keep their values.

    `validate_only` asks the broker and changes nothing.
    """
    if not edits:
        return {}
    wanted = [_resource(name, changed) for name, changed in edits.items()]
    limit = admin.limit(timeout_s, CHANGE_S)
    futures = admin.client.incremental_alter_configs(
        wanted, request_timeout=limit, validate_only=validate_only
    )
    by_name = {resource.name: future for resource, future in futures.items()}
    return _outcomes(admin, by_name, "alter topic", "ALTER_CONFIGS", limit)


def delete(admin: Admin, names: Iterable[str], *, timeout_s: float | None = None) -> Outcomes:
    """Delete topics; accepted ones may still exist for a moment."""
    wanted = list(names)
    if not wanted:
        return {}
    limit = admin.limit(timeout_s, CHANGE_S)
    futures = admin.client.delete_topics(wanted, request_timeout=limit)
    return _outcomes(admin, futures, "delete topic", "DELETE", limit)


def taken(admin: Admin, names: Iterable[str], *, timeout_s: float | None = None) -> set[str]:
    """Return the names that no new topic can have: of topics that exist, or are being deleted.

    The controller knows the latter when the metadata has forgotten them. Raises
    `BrokerUnreachable`.
    """
    wanted = [NewTopic(name, num_partitions=1, replication_factor=1) for name in names]
    if not wanted:
        return set()
    limit = admin.limit(timeout_s, ANSWER_S)
    futures = admin.client.create_topics(wanted, request_timeout=limit, validate_only=True)
    outcomes = _outcomes(admin, futures, "check the name of topic", "CREATE", limit)
    require({name: e for name, e in outcomes.items() if isinstance(e, BrokerUnreachable)})
    return {name for name, error in outcomes.items() if isinstance(error, TopicExists)}


def ids(admin: Admin, names: Iterable[str], *, timeout_s: float | None = None) -> dict[str, str]:
    """Return the ids of topics that have one; another topic of the same name has another id."""
    wanted = list(names)
    if not wanted:
        return {}
    limit = admin.limit(timeout_s, ANSWER_S)
    asked = admin.client.describe_topics(TopicCollection(wanted), request_timeout=limit)
    found = {}
    for name, future in asked.items():
        with contextlib.suppress(KafkaException):
            found[name] = str(future.result().topic_id)
    return found


def trim(
    admin: Admin, topic: str, before: Mapping[int, int], *, timeout_s: float | None = None
) -> dict[int, int]:
    """Delete the records before these offsets, by partition; return the new first offsets.

    An offset of -1 means the end. Raises `ClusterError` or `BrokerUnreachable`.
    """
    wanted = [TopicPartition(topic, number, offset) for number, offset in before.items()]
    if not wanted:
        return {}

    needed = needing(Right(admin.cluster, "DELETE", "topic", topic))

    def attempt(seconds: float) -> dict[int, int]:
        futures = admin.client.delete_records(wanted, request_timeout=seconds)
        return {
            at.partition: int(
                awaited(each, f"trim {topic}-{at.partition}", seconds, needed).low_watermark
            )
            for at, each in futures.items()
        }

    try:
        return admin.persistently(attempt, admin.limit(timeout_s, CHANGE_S))
    except BrokerUnreachable as error:
        what, look = f"The trim of topic {topic}", f"invoke kafka.topic.describe {topic}"
        raise undecided(error, what, look) from error


def require(outcomes: Outcomes) -> None:
    """Raise the first error among these outcomes."""
    for error in outcomes.values():
        if error is not None:
            raise error


def _resource(topic: str, edits: Sequence[ConfigEdit]) -> ConfigResource:
    return ConfigResource(ResourceType.TOPIC, topic, incremental_configs=list(map(_entry, edits)))


def _entry(edit: ConfigEdit) -> ConfigEntry:
    return ConfigEntry(
        edit.key,
        edit.value,
        incremental_operation=AlterConfigOpType[edit.operation.upper()],
    )


def _outcomes(
    admin: Admin, futures: Mapping[str, Future[Any]], verb: str, right: str, timeout_s: float
) -> Outcomes:
    found: Outcomes = {}
    for name, future in futures.items():
        needed = needing(Right(admin.cluster, right, "topic", name))
        try:
            awaited(future, f"{verb} {name}", timeout_s, needed)
            found[name] = None
        except KafkaTasksError as error:
            found[name] = error
    return found
