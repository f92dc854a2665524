"""Many records, sent in batches with acks=all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_tasks.clients.kafka.connection import SLICE_S, configuration, connected, translate
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline


class _Answer(msgspec.Struct, gc=False):
    """What waits for a record's answer: half a million at a time, which nobody need search."""

    told: Any
    at: int

    def __call__(self, error: KafkaError | None, message: Message) -> None:
        self.told(self.at, error, message)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record was not acknowledged; `size` is that of its key, value and headers."""

    error: KafkaTasksError
    size: int
    too_large: bool


class Sending:
    """Sends records with acks=all, in order and once each, also through a broker's restart.

    `failures` maps what the caller named a record by to why it was not acknowledged; once there is
    one, what is still in the queue is taken back. Keys choose partitions as Java's client does.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        *,
        timeout_s: float = 60.0,
        max_bytes: int = 1_000_000,
        heed: Callable[[], None] = lambda: None,
    ) -> None:
        self.failures: dict[int, Failure] = {}
        self.accepted = 0
        self._reports = 0
        self._gathered: list[dict[str, Any]] = []
        self._topic = topic
        self._timeout_s = timeout_s
        self._heed = heed
        self._purged = False
        self._producer = connected(
            Producer,
            {
                **configuration(cluster),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                # A batch that is larger than the topic allows is refused with all that is in it.
                "batch.size": min(1_000_000, max_bytes),
                "batch.num.messages": 50_000,
                "queue.buffering.max.messages": 500_000,
                "message.timeout.ms": int(timeout_s * 1000),
                "message.max.bytes": min(max(max_bytes, 1000), 1_000_000_000),
                "delivery.report.only.error": True,
            },
        )
        self._told = self._reported

    @property
    def pending(self) -> int:
        """How many records have no answer yet."""
        return len(self._producer)

    @property
    def acknowledged(self) -> int:
        """How many records are in the topic for sure."""
        return self.accepted - self._reports - self.pending

    def gather(self, at: int, value: Any, key: Any) -> None:
        """Take a record in, text or bytes, for the next `serve`, `send` or `flush` to send.

        `at` is what it is called by in `failures`. One that may be too large is for `send`: of
        those gathered, others that come later would be sent all the same.
        """
        self._gathered.append({"value": value, "key": key, "callback": _Answer(self._told, at)})

    def send(self, at: int, value: Any, key: Any, **further: Any) -> bool:
        """Send a record after those that were gathered; False where that failed.

        `further`: partition, timestamp (milliseconds), headers (a list of pairs).
        """
        # Only this call knows `further`; that for many at once is three times as fast.
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
        """Hand over what was gathered, in its order; False where one was not taken."""
        while self._gathered:
            self.accepted += self._producer.produce_batch(self._topic, self._gathered)
            # What was not taken says why; where there is no room for one, all that follow wait.
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
        self._producer.poll(SLICE_S)
        self._heed()

    def serve(self) -> None:
        """Send what was gathered, and hear of failures; to be called now and then."""
        self._send_gathered()
        self._producer.poll(0)

    def _reported(self, at: int, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        self._reports += 1
        if error.code() != KafkaError._PURGE_QUEUE:
            self._fail(at, error, size_of(message.key(), message.value(), message.headers()))

    def _fail(self, at: int, error: KafkaError, size: int) -> None:
        why = translate(KafkaException(error), f"produce to {self._topic}")
        self.failures[at] = Failure(why, size, error.code() == KafkaError.MSG_SIZE_TOO_LARGE)

    def withdraw(self) -> None:
        """Take back what is not under way yet."""
        self._gathered.clear()
        if not self._purged:
            self._purged = True
            self._producer.purge(in_queue=True, in_flight=False)

    def flush(self, timeout_s: float | None = None) -> int:
        """Send what was gathered and wait for every answer; returns how many have none."""
        deadline = Deadline.after(self._timeout_s + 5.0 if timeout_s is None else timeout_s)
        self._send_gathered()
        while self.pending and not deadline.expired():
            self._producer.poll(SLICE_S)
            if self._reports:
                self.withdraw()
            self._heed()
        return self.pending


def size_of(key: Any, value: Any, headers: Any) -> int:
    """Bytes of a record as librdkafka counts them, without what frames it."""
    parts = (part for pair in ((key, value), *(headers or ())) for part in pair if part)
    return sum(len(part.encode() if isinstance(part, str) else part) for part in parts)
