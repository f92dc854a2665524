"""What consumer groups have committed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka.connection import configuration, connected
from kafka_tasks.clients.kafka.time_limits import patiently
from kafka_tasks.model.cluster import Cluster

_SLICE_S = 5.0


def commit(
    cluster: Cluster, group: str, topic: str, offsets: Mapping[int, int], *, timeout_s: float = 30.0
) -> None:
    """Commit these offsets (by partition) for a group without members; raises `ClusterError`."""
    wanted = [TopicPartition(topic, number, offset) for number, offset in offsets.items()]

    with _consumer(cluster, group) as consumer:

        def attempt() -> None:
            for done in consumer.commit(offsets=wanted, asynchronous=False) or ():
                if done.error is not None:
                    raise KafkaException(done.error)

        patiently(attempt, f"commit offsets of {group}", timeout_s)


def committed(
    cluster: Cluster, group: str, topic: str, partitions: Iterable[int], *, timeout_s: float = 30.0
) -> dict[int, int]:
    """What the group has committed; partitions without an offset are left out."""
    wanted = [TopicPartition(topic, number) for number in partitions]

    with _consumer(cluster, group) as consumer:

        def attempt() -> dict[int, int]:
            found = consumer.committed(wanted, timeout=min(timeout_s, _SLICE_S))
            return {at.partition: at.offset for at in found if at.offset >= 0}

        return patiently(attempt, f"committed offsets of {group}", timeout_s)


def delete(cluster: Cluster, group: str, *, timeout_s: float = 30.0) -> bool:
    """Delete a group; returns False where there was none."""
    with connected(AdminClient, configuration(cluster)) as client:

        def attempt() -> bool:
            futures = client.delete_consumer_groups([group], request_timeout=_SLICE_S)
            try:
                futures[group].result(timeout=_SLICE_S + 1.0)
            except KafkaException as error:
                if error.args[0].code() == KafkaError.GROUP_ID_NOT_FOUND:
                    return False
                raise
            return True

        return patiently(attempt, f"delete group {group}", timeout_s)


@contextmanager
def _consumer(cluster: Cluster, group: str) -> Iterator[Consumer]:
    consumer = connected(
        Consumer, {**configuration(cluster), "group.id": group, "enable.auto.commit": False}
    )
    try:
        yield consumer
    finally:
        consumer.close()
