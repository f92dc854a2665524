"""Moves replicas and reads their sizes: confluent-kafka has no call for either."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.changes import Outcomes
from kafka_tasks.clients.kafka.kafka_python import TIMEOUT_MS, connected, translated, unsupported
from kafka_tasks.clients.kafka.permissions import Right
from kafka_tasks.clients.kafka.retriable import CODES
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.cluster import Cluster

# Topic → partition → its future brokers, the preferred leader first.
_Assignment = Mapping[str, Mapping[int, tuple[int, ...]]]


def unavailable(cluster: Cluster) -> str | None:
    """Return why replicas of this cluster cannot be moved from here, or None if they can."""
    unknown = unsupported(cluster)
    if unknown:
        return f"the client that moves them does not support {', '.join(unknown)}"
    return None


class Replicas:
    """A connection that lists and moves replicas. Use it with `with`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __enter__(self) -> Replicas:
        self._client = connected(self._cluster)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self._client.close()

    def move(self, assignment: _Assignment) -> Outcomes:
        """Request these brokers for these partitions; accepted is not yet moved."""
        from kafka import TopicPartition

        asked = {
            TopicPartition(topic, number): list(replicas)
            for topic, partitions in assignment.items()
            for number, replicas in partitions.items()
        }
        with translated("move replicas", Right(self._cluster, "ALTER", "cluster")):
            answers = self._client.alter_partition_reassignments(asked, timeout_ms=TIMEOUT_MS)
        outcomes: Outcomes = dict.fromkeys(assignment)
        for at, error in answers.items():
            # `NoError` is a class here, too.
            code = 0 if error is None else getattr(error, "errno", 1)
            if code:
                kind = BrokerUnreachable if code in CODES else ClusterError
                outcomes[at.topic] = kind(
                    f"The replicas of {at.topic} cannot be moved.",
                    evidence=(f"partition {at.partition}: {error.__name__}",),
                    hint=f"invoke kafka.topic.describe {at.topic}",
                )
        return outcomes

    def moving(self) -> dict[str, set[int]]:
        """Return the partitions whose replicas are being moved, by topic."""
        needed = Right(self._cluster, "DESCRIBE", "cluster")
        with translated("list the replicas that are being moved", needed):
            found = self._client.list_partition_reassignments(timeout_ms=TIMEOUT_MS)
        under_way: dict[str, set[int]] = defaultdict(set)
        for at in found:
            under_way[at.topic].add(at.partition)
        return dict(under_way)

    def sizes(self) -> dict[str, int]:
        """Return the bytes of each topic on all disks, followers included."""
        needed = Right(self._cluster, "DESCRIBE", "cluster")
        with translated("read the sizes of the logs", needed):
            answers = self._client.describe_log_dirs()
        found: dict[str, int] = defaultdict(int)
        for directory in _directories(answers):
            for topic in directory.get("topics", ()):
                found[topic["name"]] += sum(at["partition_size"] for at in topic["partitions"])
        return dict(found)


def sizes(admin: Admin) -> dict[str, int]:
    """Return the bytes of each topic on all brokers; raises `BrokerUnreachable`."""

    def attempt(_: float) -> dict[str, int]:
        with Replicas(admin.cluster) as replicas:
            return replicas.sizes()

    return admin.persistently(attempt, admin.limit(None, CHANGE_S))


def _directories(answers: Any) -> Iterator[Mapping[str, Any]]:
    for broker in answers:
        yield from broker.get("log_dirs", broker.get("results", ()))
