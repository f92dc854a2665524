"""What brokers have acknowledged, and whether all of it is still there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)

TOPIC = "ledger"
PARTITIONS = 4
# Records a second: enough that every fault meets some on their way, and few enough to read again.
RATE = 400
_COMMON = {"log_level": 0}


@dataclass
class Partition:
    """One partition: numbers 0, 1, 2, … were sent to it, in this order."""

    # For each number, 1 once it was acknowledged: the others may be there or not.
    acknowledged: bytearray = field(default_factory=bytearray)
    # Acknowledged and not read again yet: number → offset, -1 where the broker did not say.
    open: dict[int, int] = field(default_factory=dict)
    # Read before its acknowledgement was counted, or never acknowledged.
    ahead: dict[int, int] = field(default_factory=dict)
    read_to: int = 0
    last_read: int = -1


class Violated(AssertionError):
    """An acknowledged record is missing, out of order, or there twice."""


class Writer:
    """Sends numbered records with `acks=all` until it is closed, whatever happens to the broker.

    It is idempotent, as a careful client is: what comes twice or out of order was the cluster's
    doing.
    """

    def __init__(self, client: Mapping[str, str]) -> None:
        self.partitions = [Partition() for _ in range(PARTITIONS)]
        self.restarts = 0
        self._client = client
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    @property
    def acknowledged(self) -> int:
        """Records that were acknowledged until now."""
        return sum(sum(partition.acknowledged) for partition in self.partitions)

    def close(self) -> None:
        """Send what is on its way, at most for a minute, and end."""
        self._ended.set()
        self._thread.join(90)

    def _write(self) -> None:
        while not self._ended.is_set():
            producer = Producer(
                {
                    **_COMMON,
                    **self._client,
                    "acks": "all",
                    "enable.idempotence": True,
                    "message.timeout.ms": 0,
                    "reconnect.backoff.max.ms": 500,
                }
            )
            try:
                self._fill(producer)
                producer.flush(60)
            except KafkaException:  # an idempotent producer may meet errors that it cannot survive
                self.restarts += 1
                producer.purge()
                producer.flush(5)

    def _fill(self, producer: Producer) -> None:
        number = 0
        while not self._ended.is_set():
            try:
                self._send(producer, number % PARTITIONS)
                number += 1
            except BufferError:
                producer.poll(0.1)
            if number % 20 == 0:
                self._ended.wait(20 / RATE)
                producer.poll(0)

    def _send(self, producer: Producer, at: int) -> None:
        partition = self.partitions[at]
        number = len(partition.acknowledged)

        def told(error: KafkaError | None, message: Any) -> None:
            if error is None:
                with self._lock:
                    offset = message.offset()
                    partition.open[number] = offset if offset is not None else -1
                    partition.acknowledged[number] = 1

        producer.produce(TOPIC, str(number), f"key-{at}", at, on_delivery=told)
        partition.acknowledged.append(0)

    def taken(self) -> list[dict[int, int]]:
        """What was acknowledged and not read again yet, for each partition."""
        with self._lock:
            return [dict(partition.open) for partition in self.partitions]

    def settled(self, read: list[dict[int, int]]) -> None:
        """These have been read again."""
        with self._lock:
            for partition, numbers in zip(self.partitions, read, strict=True):
                for number in numbers:
                    del partition.open[number]


def check_new(writer: Writer, client: Mapping[str, str]) -> int:
    """Read what came since the last time; returns how many records.

    Raises `Violated` unless every acknowledged record is among them, at its offset, and each
    partition's numbers only grow.
    """
    owed = writer.taken()
    count = 0
    with _reader(client) as reader:
        for at, partition in enumerate(writer.partitions):
            found = _read(reader, at, partition.read_to, partition.last_read)
            count += len(found)
            if found:
                partition.last_read = max(found)
                partition.read_to = found[partition.last_read] + 1
            partition.ahead.update(found)
            _require(at, owed[at], partition.ahead)
            for number in owed[at]:
                del partition.ahead[number]
    writer.settled(owed)
    return count


def check_all(writer: Writer, client: Mapping[str, str]) -> int:
    """Read everything from the beginning, after the writer has ended.

    Returns how many acknowledged records are there; raises `Violated` if not all are.
    """
    count = 0
    with _reader(client) as reader:
        for at, partition in enumerate(writer.partitions):
            found = _read(reader, at, 0, -1)
            told = [number for number, flag in enumerate(partition.acknowledged) if flag]
            _require_numbers(at, told, found)
            count += sum(number in found for number in told)
    return count


@contextmanager
def _reader(client: Mapping[str, str]) -> Iterator[Consumer]:
    consumer = Consumer(
        {
            **_COMMON,
            **client,
            "group.id": "ledger-reader",
            "enable.auto.commit": False,
        }
    )
    try:
        yield consumer
    finally:
        consumer.close()


def _read(reader: Consumer, at: int, start: int, last: int) -> dict[int, int]:
    """Number → offset of a partition's records from `start` to its end as it is now."""
    low, end = reader.get_watermark_offsets(TopicPartition(TOPIC, at), timeout=15)
    if low:
        raise Violated(f"partition {at} begins at {low}: its first records are gone")
    reader.assign([TopicPartition(TOPIC, at, start)])
    found: dict[int, int] = {}
    position = start
    ends_at = time.monotonic() + 60
    while position < end:
        if time.monotonic() > ends_at:
            raise Violated(f"partition {at} was read to {position} of {end} within 60 s")
        for message in reader.consume(500, timeout=0.2):
            if message.error() is not None:
                continue
            number, position = int(message.value() or b""), (message.offset() or 0) + 1
            if number <= last:
                raise Violated(f"partition {at}, offset {position - 1}: {number} after {last}")
            found[number], last = position - 1, number
    return found


def _require(at: int, owed: Mapping[int, int], found: Mapping[int, int]) -> None:
    _require_numbers(at, owed, found)
    moved = [n for n, offset in owed.items() if offset >= 0 and found[n] != offset]
    if moved:
        raise Violated(f"partition {at}: {sorted(moved)[:5]} … are at other offsets than were told")


def _require_numbers(at: int, told: Iterable[int], found: Mapping[int, int]) -> None:
    missing = sorted(number for number in told if number not in found)
    if missing:
        raise Violated(f"partition {at} lost {len(missing)} acknowledged: {missing[:5]} …")
