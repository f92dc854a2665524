"""Records in and out: produced with acks=all, read back by partition and offset."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from kafka_tasks.clients.kafka.connection import configuration, connected, translate
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline

_SLICE_S = 0.1

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `timestamp_ms` is milliseconds since the epoch, None lets the client choose."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    partition: int | None = None
    timestamp_ms: int | None = None
    offset: int | None = None


def produce(
    cluster: Cluster,
    topic: str,
    records: Iterable[Record],
    *,
    timeout_s: float = 30.0,
    idempotent: bool = True,
) -> list[Record]:
    """Send the records and return them as acknowledged: with offsets, and without headers.

    `idempotent` keeps their order through retries; a first producer id costs a fresh broker a
    second, which a single record need not pay.

    Raises `ClusterError` or `BrokerUnreachable` when any of them was not acknowledged in time.
    """
    producer = connected(
        Producer,
        {
            **configuration(cluster),
            "acks": "all",
            "enable.idempotence": idempotent,
            "linger.ms": 0,
            "message.timeout.ms": int(timeout_s * 1000),
            "message.max.bytes": 2_000_000,
        },
    )
    acknowledged: list[Record] = []
    failures: list[KafkaError] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failures.append(error)
        else:
            acknowledged.append(from_message(message))

    deadline = Deadline.after(timeout_s)
    sent = 0
    for record in records:
        _send(producer, topic, record, delivered)
        sent += 1
    while len(producer) and not deadline.expired():
        producer.poll(_SLICE_S)
    if failures:
        raise translate(KafkaException(failures[0]), f"produce to {topic}")
    if len(acknowledged) < sent:
        raise BrokerUnreachable(
            f"{sent - len(acknowledged)} of {sent} records to {topic} were not acknowledged "
            f"within {timeout_s:g} s.",
            hint="invoke kafka.status",
        )
    return acknowledged


def _send(producer: Producer, topic: str, record: Record, delivered: Callable[..., None]) -> None:
    options: dict[str, Any] = {"on_delivery": delivered}
    if record.partition is not None:
        options["partition"] = record.partition
    if record.timestamp_ms is not None:
        options["timestamp"] = record.timestamp_ms
    if record.headers:
        options["headers"] = list(record.headers)
    while True:
        try:
            producer.produce(topic, value=record.value, key=record.key, **options)
            producer.poll(0)
            return
        except BufferError:
            producer.poll(_SLICE_S)


def read(
    cluster: Cluster,
    topic: str,
    starts: Sequence[tuple[int, int]],
    *,
    count: int,
    timeout_s: float = 30.0,
) -> Iterator[Record]:
    """Read up to `count` records from these (partition, offset) positions, without a group."""
    consumer = connected(
        Consumer,
        {
            **configuration(cluster),
            "group.id": "kafka-tasks",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 10,
            "fetch.error.backoff.ms": 20,
        },
    )
    deadline = Deadline.after(timeout_s)
    try:
        consumer.assign([TopicPartition(topic, number, offset) for number, offset in starts])
        left = count
        while left > 0 and not deadline.expired():
            for message in consumer.consume(min(left, 500), timeout=_SLICE_S):
                if (error := message.error()) is not None:
                    raise translate(KafkaException(error), f"consume from {topic}")
                left -= 1
                yield from_message(message)
    finally:
        consumer.close()


def from_message(message: Message) -> Record:
    """librdkafka's message as a record."""
    kind, stamp = message.timestamp()
    pairs: Any = message.headers() or ()
    headers = tuple((name, value) for name, value in pairs)
    return Record(
        value=message.value(),
        key=message.key(),
        headers=headers,
        partition=message.partition(),
        timestamp_ms=stamp if kind else None,
        offset=message.offset(),
    )


def roundtrip(cluster: Cluster, topic: str, *, timeout_s: float = 10.0) -> float:
    """Send one canary record with acks=all and read that very record; returns milliseconds.

    Raises `ClusterError` when it does not come back as it went in.
    """
    began = time.perf_counter()
    stamp = time.time_ns()
    canary = Record(
        value=f"canary {stamp}".encode(), key=b"kafka-tasks", headers=(("canary", b"1"),)
    )
    (sent,) = produce(cluster, topic, [canary], timeout_s=timeout_s, idempotent=False)
    assert sent.partition is not None and sent.offset is not None
    position = [(sent.partition, sent.offset)]
    back = next(iter(read(cluster, topic, position, count=1, timeout_s=timeout_s)), None)
    if back is None:
        raise ClusterError(
            f"The canary record in {topic}-{sent.partition} at offset {sent.offset} was "
            f"acknowledged but did not come back within {timeout_s:g} s.",
            hint="invoke kafka.status; invoke kafka.doctor",
        )
    if (back.value, back.key, back.headers) != (canary.value, canary.key, canary.headers):
        raise ClusterError(
            f"The record at {topic}-{sent.partition} offset {sent.offset} is not the one sent.",
            hint="invoke kafka.doctor",
        )
    return round((time.perf_counter() - began) * 1000, 1)
