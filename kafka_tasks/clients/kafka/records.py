"""Whole records through the sender and the reader, and the canary that proves a topic."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Message

from kafka_tasks.clients.kafka.reader import Reader
from kafka_tasks.clients.kafka.sender import Sender
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline

# Twice the default limit of a broker, which decides.
_MAX_BYTES = 2_000_000

_Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One record; `timestamp_ms` is milliseconds since the epoch, None the client's choice."""

    value: bytes | None
    key: bytes | None = None
    headers: _Headers = ()
    partition: int | None = None
    timestamp_ms: int | None = None
    offset: int | None = None


def produce(
    cluster: Cluster,
    topic: str,
    records: Iterable[Record],
    *,
    timeout_s: float = 30.0,
    at_once: bool = False,
) -> list[Record]:
    """Send records and return them as acknowledged: with offsets, and without headers.

    `at_once` is explained at `Sender`. Raises `ClusterError` or `BrokerUnreachable` where one of
    them was not acknowledged in time.
    """
    acknowledged: list[Record] = []
    with Sender(
        cluster,
        topic,
        timeout_s=timeout_s,
        max_bytes=_MAX_BYTES,
        heard=lambda message: acknowledged.append(_from_message(message)),
        at_once=at_once,
    ) as sender:
        sent = _send(sender, records)
        sender.flush(timeout_s)
    for failure in sender.failures.values():
        raise failure.error
    if len(acknowledged) < sent:
        raise BrokerUnreachable(
            f"{sent - len(acknowledged)} of {sent} records to {topic} were not acknowledged "
            f"within {timeout_s:g} s.",
            hint="invoke kafka.status",
        )
    return acknowledged


def _send(sender: Sender, records: Iterable[Record]) -> int:
    """Send records up to one that fails at once; return their number."""
    sent = 0
    for record in records:
        sent += 1
        if not sender.send(sent, record.value, record.key, **_further(record)):
            break
        sender.serve()
    return sent


def _further(record: Record) -> dict[str, Any]:
    given = {
        "partition": record.partition,
        "timestamp": record.timestamp_ms,
        "headers": list(record.headers) or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def read(
    cluster: Cluster,
    topic: str,
    starts: Mapping[int, int],
    *,
    count: int,
    timeout_s: float = 30.0,
) -> Iterator[Record]:
    """Read up to `count` records from these offsets, by partition; fewer after the timeout."""
    deadline = Deadline.after(timeout_s)
    # The reader's own limit comes later: the caller judges what is missing.
    with Reader(cluster, topic, starts, timeout_s=timeout_s * 2) as reader:
        for batch in reader.batches(count):
            yield from map(_from_message, batch)
            if deadline.expired():
                return


def _from_message(message: Message) -> Record:
    """Return a message of librdkafka as a record."""
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
    """Send one canary record with acks=all and read that very record; return milliseconds.

    Raises `ClusterError` where it does not come back unchanged.
    """
    began = time.perf_counter()
    content = f"canary {time.time_ns()}".encode()
    canary = Record(content, key=b"kafka-tasks", headers=(("canary", b"1"),))
    (sent,) = produce(cluster, topic, [canary], timeout_s=timeout_s, at_once=True)
    assert sent.partition is not None and sent.offset is not None
    position = {sent.partition: sent.offset}
    back = next(iter(read(cluster, topic, position, count=1, timeout_s=timeout_s)), None)
    place = f"{topic}-{sent.partition} at offset {sent.offset}"
    if back is None:
        raise ClusterError(
            f"The canary record in {place} was acknowledged but did not come back within "
            f"{timeout_s:g} s.",
            hint="invoke kafka.status; invoke kafka.doctor",
        )
    if (back.value, back.key, back.headers) != (canary.value, canary.key, canary.headers):
        raise ClusterError(
            f"The record in {place} is not the one sent.", hint="invoke kafka.doctor"
        )
    return round((time.perf_counter() - began) * 1000, 1)
