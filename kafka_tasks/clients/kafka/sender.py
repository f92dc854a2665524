"""The one sender: records with acks=all, one by one or in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_tasks.clients.kafka.connection import SLICE_S, configuration, connected
from kafka_tasks.clients.kafka.counted_producer import abandon
from kafka_tasks.clients.kafka.late_refusals import LateRefusals
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline


class _Answer(msgspec.Struct, gc=False):
    """The callback of a record; half a million exist at once, untracked by the collector."""

    told: Any
    at: int

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self.told(self.at, error, message)


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a record was not acknowledged; `size` is that of key, value and headers.

    `partition` is the one that it was sent to, where that is known.
    """

    error: KafkaTasksError
    size: int
    too_large: bool
    partition: int | None = None


def _properties(
    timeout_s: float, max_bytes: int, hears: bool, at_once: bool
) -> dict[str, str | int | bool]:
    return {
        "acks": "all",
        "enable.idempotence": not at_once,
        "partitioner": "murmur2_random",
        "linger.ms": 0 if at_once else 5,
        # A batch that is larger than the topic allows is refused with all that is in it.
        "batch.size": min(1_000_000, max_bytes),
        "batch.num.messages": 50_000,
        "queue.buffering.max.messages": 500_000,
        "message.timeout.ms": int(timeout_s * 1000),
        "message.max.bytes": min(max(max_bytes, 1000), 1_000_000_000),
        "delivery.report.only.error": not hears,
    }


class Sender:
    """Sends records with acks=all, in order and once each, also through a broker's restart.

    Use it with `with`, which withdraws at its end what was not acknowledged.

    `failures` maps the caller's number of a record to the reason why it was not acknowledged; after
    the first one, `flush` withdraws the records that are still queued. Keys choose partitions as in
    the Java client. `heard` is called with each acknowledged record, which costs time. `at_once` is
    for few records: none waits for a batch, and none for a producer id, which takes a fresh broker
    a second; so a retry may change their order.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        timeout_s: float = 60.0,
        max_bytes: int = 1_000_000,
        heed: Callable[[], None] = lambda: None,
        heard: Callable[[Message], None] | None = None,
        at_once: bool = False,
    ) -> None:
        self.failures: dict[int, Failure] = {}
        self.accepted = 0
        self._reports = 0
        self._gathered: list[dict[str, Any]] = []
        self._cluster = cluster
        self._topic = topic
        self._timeout_s = timeout_s
        self._heed = heed
        self._heard = heard
        self._purged = False
        self._closed = False
        self._refusals = LateRefusals(cluster)
        further = _properties(timeout_s, max_bytes, heard is not None, at_once)
        heeding = {"error_cb": self._refusals.heard}
        self._producer = connected(Producer, {**configuration(cluster), **further, **heeding})
        self._told = self._reported

    def __enter__(self) -> Sender:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        abandon(self._producer)

    @property
    def pending(self) -> int:
        """The number of records without an answer yet."""
        return len(self._producer)

    @property
    def acknowledged(self) -> int:
        """The number of records that are in the topic for sure."""
        return self.accepted - self._reports - self.pending

    def gather(self, at: int, value: Any, key: Any) -> None:
        """Add a record, text or bytes, to the block that `serve`, `send` or `flush` sends next.

        `at` is its number in `failures`. Pass a record that may be too large to `send`: after a
        failure in a block, the records behind it are sent all the same.
        """
        self._gathered.append({"value": value, "key": key, "callback": _Answer(self._told, at)})

    def send(self, at: int, value: Any, key: Any, **further: Any) -> bool:
        """Send a record after the gathered block; return False where that failed.

        `further`: partition, timestamp (milliseconds), headers (a list of pairs).
        """
        # Only this call takes `further`; the one for a block is three times as fast.
        produce: Callable[..., None] = partial(
            self._producer.produce, on_delivery=_Answer(self._told, at), **further
        )
        if not self._send_gathered():
            return False
        while True:
            try:
                produce(self._topic, value, key)
            except BufferError:
                self._make_room()
            except KafkaException as error:
                self._fail(at, error.args[0], size_of(key, value, further.get("headers")))
                return False
            else:
                self.accepted += 1
                return True

    def _send_gathered(self) -> bool:
        """Send the gathered block in order; return False where a record was refused."""
        while self._gathered:
            self.accepted += self._producer.produce_batch(self._topic, self._gathered)
            # A refused record carries its error; after a full queue, all that follow wait too.
            self._gathered = [record for record in self._gathered if "_error" in record]
            errors = [record.pop("_error") for record in self._gathered]
            if errors and errors[0].code() != KafkaError._QUEUE_FULL:
                first = self._gathered[0]
                self._gathered.clear()
                size = size_of(first["key"], first["value"], None)
                self._fail(first["callback"].at, errors[0], size)
                return False
            if errors:
                self._make_room()
        return True

    def _make_room(self) -> None:
        self._poll(SLICE_S)
        self._heed()

    def _poll(self, timeout_s: float) -> None:
        """Receive reports; raises `NotPermitted` where the cluster gives no producer id."""
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:
            raise self._translated(error) from error

    def _translated(self, error: KafkaException) -> KafkaTasksError:
        what = f"produce to {self._topic}"
        if error.args[0].code() == KafkaError._MSG_TIMED_OUT:
            refused = self._refusals.error(what)
            if refused is not None:
                return refused
        needed = Right(self._cluster, "WRITE", "topic", self._topic)
        return needing(needed)(error, what)

    def serve(self) -> None:
        """Send the gathered block, and receive reports of failures; call this regularly."""
        self._send_gathered()
        self._poll(0)

    def _reported(self, at: int, error: KafkaError | None, message: Message) -> None:
        if self._closed:  # counted before
            return
        if error is None:
            if self._heard is not None:
                self._heard(message)
            return
        self._reports += 1
        if error.code() != KafkaError._PURGE_QUEUE:
            size = size_of(message.key(), message.value(), message.headers())
            self._fail(at, error, size, message.partition())

    def _fail(self, at: int, error: KafkaError, size: int, partition: int | None = None) -> None:
        why = self._translated(KafkaException(error))
        is_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE
        self.failures[at] = Failure(why, size, is_large, partition)

    def withdraw(self) -> None:
        """Withdraw the records that are not under way yet."""
        self._gathered.clear()
        if not self._purged:
            self._purged = True
            self._producer.purge(in_queue=True, in_flight=False)

    def flush(self, timeout_s: float | None = None) -> int:
        """Send the gathered block and wait for all answers; return how many are missing."""
        deadline = Deadline.after(self._timeout_s + 5.0 if timeout_s is None else timeout_s)
        self._send_gathered()
        while self.pending and not deadline.expired():
            self._poll(SLICE_S)
            if self._reports:
                self.withdraw()
            self._heed()
        return self.pending


def size_of(key: Any, value: Any, headers: Any) -> int:
    """Return the bytes of a record as librdkafka counts them, without framing."""
    parts = (part for pair in ((key, value), *(headers or ())) for part in pair if part)
    return sum(len(part.encode() if isinstance(part, str) else part) for part in parts)
