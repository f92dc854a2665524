"""What has to survive in a real cluster: a topic with a record."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

_TIMEOUT_S = 30.0
_TRIES = 50


def create(bootstrap_servers: str, name: str) -> None:
    """Create a topic and send it a record; return when the broker has acknowledged both."""
    address: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap_servers}
    with AdminClient(address) as admin:
        told = admin.create_topics([NewTopic(name, 1, 1)], operation_timeout=_TIMEOUT_S)
        told[name].result(timeout=_TIMEOUT_S)
    producer = Producer({**address, "acks": "all"})
    producer.produce(name, b"kept")
    assert producer.flush(_TIMEOUT_S) == 0


def names(bootstrap_servers: str) -> set[str]:
    """Return the topics whose record is there."""
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "contract"})
    try:
        found = consumer.list_topics(timeout=_TIMEOUT_S).topics
        return {name for name in found if name[:2] != "__" and _has_record(consumer, name)}
    finally:
        consumer.close()


def _has_record(consumer: Consumer, name: str) -> bool:
    """Ask as a client does, who asks again while a leader has just taken over."""
    partition = TopicPartition(name, 0)
    for _ in range(_TRIES):
        try:
            first, end = consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.NOT_LEADER_FOR_PARTITION:
                raise
            time.sleep(0.1)
        else:
            return bool(end > first)
    raise AssertionError(f"{name} has no leader that says so")
