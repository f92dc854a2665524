"""Many records: read in batches without a group, sent in batches with acks=all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from kafka_tasks.clients.kafka.connection import configuration, is_away, quiet_logger, translate
from kafka_tasks.errors import BrokerUnreachable, KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline

# How long one call into the library may hold Ctrl-C back.
_SLICE_S = 0.1
_BATCH = 5000


class Reading:
    """Reads partitions from given offsets. Use it with `with`, and iterate over `batches`.

    `ends` stops each partition at that offset; a partition that has no record left before it (its
    end is a marker, or was compacted away) stops there too.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        starts: Mapping[int, int],
        *,
        ends: Mapping[int, int] | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        self._topic = topic
        self._ends = ends
        self._timeout_s = timeout_s
        self._open = {
            number: at for number, at in starts.items() if ends is None or at < ends[number]
        }
        self._away: KafkaError | None = None
        self._patience = Deadline.after(timeout_s)
        self._consumer = Consumer(
            {
                **configuration(cluster),
                "group.id": "kafka-tasks",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": ends is not None,
                "fetch.wait.max.ms": 50,
                "fetch.error.backoff.ms": 20,
                "queued.min.messages": 100_000,
                "fetch.message.max.bytes": 4 * 1024 * 1024,
                "check.crcs": False,
                "error_cb": self._failed,
            },
            logger=quiet_logger(),
        )

    def __enter__(self) -> Reading:
        places = [TopicPartition(self._topic, number, at) for number, at in self._open.items()]
        if places:
            self._consumer.assign(places)
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def _failed(self, error: KafkaError) -> None:
        if is_away(error):
            if self._away is None:
                self._patience = Deadline.after(self._timeout_s)
            self._away = error

    def batches(self, most: int | None = None) -> Iterator[list[Message]]:
        """Records as they come, never more than `most` in all; an empty batch: nothing new.

        Raises `BrokerUnreachable` when no broker answered for the timeout, `ClusterError` for an
        offset that is not there any more.
        """
        left = most
        while self._open and left != 0:
            size = _BATCH if left is None else min(left, _BATCH)
            found = self._consumer.consume(size, timeout=_SLICE_S)
            good = self._kept(found)
            if found:
                self._away = None
            elif self._away is not None and self._patience.expired():
                raise BrokerUnreachable(
                    f"No broker has answered for {self._timeout_s:g} s.",
                    evidence=(f"{self._away.name()}: {self._away.str()}",),
                    hint="invoke kafka.status",
                )
            if left is not None:
                left -= len(good)
            yield good

    def _kept(self, found: list[Message]) -> list[Message]:
        """What is a record, and lies before its partition's end."""
        if self._ends is None:
            for message in found:
                if message.error() is not None:
                    return self._without_events(found)
            return found
        return self._without_events(found)

    def _without_events(self, found: list[Message]) -> list[Message]:
        good = []
        for message in found:
            number = message.partition()
            assert number is not None
            if (error := message.error()) is not None:
                if error.code() == KafkaError._PARTITION_EOF:
                    self._close(number)
                    continue
                if is_away(error):
                    continue
                raise translate(KafkaException(error), f"consume from {self._topic}")
            if self._ends is None:
                good.append(message)
                continue
            offset = message.offset()
            assert offset is not None
            end = self._ends[number]
            if offset < end:
                good.append(message)
            if offset >= end - 1:
                self._close(number)
        return good

    def _close(self, number: int) -> None:
        self._open.pop(number, None)


class Sending:
    """Sends records with acks=all, in order and once each, also through a broker's restart.

    `failures` maps what the caller named a record by to why it was not acknowledged.
    """

    def __init__(
        self, cluster: Cluster, topic: str, *, timeout_s: float = 60.0, max_bytes: int = 1_000_000
    ) -> None:
        self._topic = topic
        self._timeout_s = timeout_s
        self.failures: dict[int, KafkaTasksError] = {}
        self.accepted = 0
        self._producer = Producer(
            {
                **configuration(cluster),
                "acks": "all",
                "enable.idempotence": True,
                "linger.ms": 5,
                "batch.size": 1_000_000,
                "batch.num.messages": 50_000,
                "queue.buffering.max.messages": 500_000,
                "message.timeout.ms": int(timeout_s * 1000),
                "message.max.bytes": max_bytes,
                "delivery.report.only.error": True,
            },
            logger=quiet_logger(),
        )
        self._produce: Callable[..., None] = self._producer.produce

    def send(self, at: int, record: Any) -> None:
        """Take a record in; `at` is what it is called by in `failures`. Raises for its size."""
        options: dict[str, Any] = {}
        if record.partition is not None:
            options["partition"] = record.partition
        if record.timestamp is not None:
            options["timestamp"] = record.timestamp
        if record.headers:
            options["headers"] = list(record.headers)
        while True:
            try:
                self._produce(
                    self._topic,
                    record.value,
                    record.key,
                    on_delivery=partial(self._reported, at),
                    **options,
                )
                self.accepted += 1
                return
            except BufferError:
                self._producer.poll(_SLICE_S)
            except KafkaException as error:
                raise translate(error, f"produce to {self._topic}") from error

    def serve(self) -> None:
        """Hear of failures; to be called now and then."""
        self._producer.poll(0)

    def _reported(self, at: int, error: KafkaError | None, _: Message) -> None:
        if error is not None:
            why = translate(KafkaException(error), f"produce to {self._topic}")
            self.failures[at] = why

    def flush(self, timeout_s: float | None = None) -> int:
        """Wait until every record has its answer; returns how many have none."""
        deadline = Deadline.after(self._timeout_s + 5.0 if timeout_s is None else timeout_s)
        while len(self._producer) and not deadline.expired():
            self._producer.poll(_SLICE_S)
        return len(self._producer)
