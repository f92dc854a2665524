"""Records are read as they were written."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Sequence
from typing import Any

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients.kafka.records import Record, produce, read
from kafka_tasks.model.cluster import Cluster

_LARGE_BYTES = 900_000


def _round_trip(cluster: Cluster, topic: str, records: Sequence[Record]) -> list[Record]:
    """Write the records and read them from the topic's only partition, in order."""
    sent = produce(cluster, topic, records, at_once=True)
    first = min(record.offset or 0 for record in sent)
    return list(read(cluster, topic, {0: first}, count=len(records)))


def _content(records: Sequence[Record]) -> list[tuple[Any, ...]]:
    return [(record.key, record.value, record.headers) for record in records]


@proves("keys-and-headers")
def test_keys_values_and_headers_come_back(cluster: Cluster, scratch: str) -> None:
    """Any bytes, empty and missing ones, repeated header names, and the order are kept."""
    every_byte = bytes(range(256))
    records = [
        Record(b"plain", key=b"key", headers=(("one", b"1"), ("two", b"2"))),
        Record(every_byte, key=every_byte, headers=(("bytes", every_byte),)),
        Record(b"", key=b"", headers=(("empty", b""),)),
        Record(b"no key"),
        Record(b"again", key=b"key", headers=(("same", b"a"), ("same", b"b"), ("none", None))),
        Record("Größe 🐘".encode(), key="ключ".encode(), headers=(("ключ", "値".encode()),)),
    ]
    assert _content(_round_trip(cluster, scratch, records)) == _content(records)


@proves("timestamps")
def test_timestamps_come_back(cluster: Cluster, scratch: str) -> None:
    """Timestamps in milliseconds are kept: old, current and out of order."""
    now = int(time.time() * 1000)
    stamps = [now, 1, now - 1, 951_782_400_123, now]
    records = [Record(b"stamped", timestamp_ms=stamp) for stamp in stamps]
    found = _round_trip(cluster, scratch, records)
    assert [record.timestamp_ms for record in found] == stamps


@proves("null-values")
def test_null_values_come_back(cluster: Cluster, scratch: str) -> None:
    """A null value stays null and does not become empty."""
    records = [Record(None, key=b"gone"), Record(b"", key=b"empty"), Record(None)]
    assert _content(_round_trip(cluster, scratch, records)) == _content(records)


@proves("large-records")
def test_large_records_come_back(cluster: Cluster, scratch: str) -> None:
    """900 kB of incompressible data arrive unchanged."""
    source = random.Random(900)  # noqa: S311
    records = [Record(source.randbytes(_LARGE_BYTES), key=b"large") for _ in range(3)]
    found = _round_trip(cluster, scratch, records)
    assert [len(record.value or b"") for record in found] == [_LARGE_BYTES] * 3
    assert _sums(found) == _sums(records)


def _sums(records: Sequence[Record]) -> list[str]:
    return [hashlib.sha256(record.value or b"").hexdigest() for record in records]
