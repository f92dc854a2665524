"""What has to survive in a real cluster: a topic with a record."""

from __future__ import annotations

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

_TIMEOUT_S = 30.0


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
    first, end = consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=_TIMEOUT_S)
    return bool(end > first)
