"""What clients rely on: each compression codec, groups, idempotence and transactions."""

from __future__ import annotations

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients.kafka import group_admin, guarantees, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.records import Record, produce, read
from kafka_tasks.model.cluster import Cluster

_PARTITION = 0


def _end(admin: Admin, topic: str) -> int:
    return offsets.of_topic(admin, admin.topics(name=topic)[topic])[_PARTITION].end


def _values(cluster: Cluster, topic: str, start: int, count: int) -> list[bytes | None]:
    return [record.value for record in read(cluster, topic, {_PARTITION: start}, count=count)]


def _comes_back(cluster: Cluster, admin: Admin, topic: str, codec: str, limit_s: float) -> None:
    """Send a batch that becomes smaller, so that it travels compressed, and read it."""
    start = _end(admin, topic)
    values = [b"%s %d " % (codec.encode(), number) * 200 for number in range(5)]
    guarantees.produce_compressed(cluster, topic, values, codec, limit_s)
    assert _values(cluster, topic, start, len(values)) == values


@proves("compression-gzip")
def test_gzip(cluster: Cluster, admin: Admin, scratch: str, limit_s: float) -> None:
    """The broker accepts a batch compressed with gzip."""
    _comes_back(cluster, admin, scratch, "gzip", limit_s)


@proves("compression-snappy")
def test_snappy(cluster: Cluster, admin: Admin, scratch: str, limit_s: float) -> None:
    """The broker accepts a batch compressed with snappy, which takes a native library."""
    _comes_back(cluster, admin, scratch, "snappy", limit_s)


@proves("compression-lz4")
def test_lz4(cluster: Cluster, admin: Admin, scratch: str, limit_s: float) -> None:
    """The broker accepts a batch compressed with lz4."""
    _comes_back(cluster, admin, scratch, "lz4", limit_s)


@proves("compression-zstd")
def test_zstd(cluster: Cluster, admin: Admin, scratch: str, limit_s: float) -> None:
    """The broker accepts a batch compressed with zstd, which takes a native library."""
    _comes_back(cluster, admin, scratch, "zstd", limit_s)


@proves("group-resumes")
def test_a_group_resumes_at_its_offset(
    cluster: Cluster, admin: Admin, scratch: str, group: str, limit_s: float
) -> None:
    """A second member reads on after the offset that the first one committed."""
    produce(cluster, scratch, [Record(b"first"), Record(b"second")], at_once=True)
    first = guarantees.consume_in_group(cluster, scratch, group, limit_s)
    second = guarantees.consume_in_group(cluster, scratch, group, limit_s)
    assert second > first, f"read offset {second} after {first} was committed"
    found = group_admin.committed(admin, [group])[group]
    assert found == {(scratch, _PARTITION): second + 1}


@proves("idempotent-producer")
def test_an_idempotent_producer(
    cluster: Cluster, admin: Admin, scratch: str, limit_s: float
) -> None:
    """The broker gives a producer id, and has each record once and in order."""
    start = _end(admin, scratch)
    values = [b"once %d" % number for number in range(100)]
    guarantees.produce_idempotently(cluster, scratch, values, limit_s)
    end = _end(admin, scratch)
    assert end - start == len(values), f"{end - start} records are there, {len(values)} were sent"
    assert _values(cluster, scratch, start, len(values)) == values


@proves("transaction")
def test_a_transaction(
    cluster: Cluster, admin: Admin, scratch: str, run_prefix: str, limit_s: float
) -> None:
    """Of an aborted and a committed transaction, readers get the committed one alone."""
    start = _end(admin, scratch)
    guarantees.produce_in_transactions(
        cluster, scratch, f"{run_prefix}transaction", b"aborted", b"committed", limit_s
    )
    (found,) = read(cluster, scratch, {_PARTITION: start}, count=1)
    # Before it there are the aborted record and the marker that ends its transaction.
    assert (found.value, found.offset) == (b"committed", start + 2)
