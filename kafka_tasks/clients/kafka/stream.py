"""Many records: read in batches without a group, sent in batches with acks=all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from kafka_tasks.clients.kafka.connection import configuration, connected, is_away, translate
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, TopicMissing
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline

# What is said of an offset that is not in the log any more.
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)

_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)

# How long one call into the library may hold Ctrl-C back.
_SLICE_S = 0.1
_BATCH = 10_000


class Reading:
    """Reads partitions from given offsets. Use it with `with`, and iterate over `batches`.

    `ends` stops each partition at that offset; a partition that has no record left before it (its
    end is a marker, or was compacted away) stops there too. `given` counts the records so far.
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
        self.given = 0
        self._topic = topic
        self._ends = ends
        self._timeout_s = timeout_s
        self._open = {
            number: at for number, at in starts.items() if ends is None or at < ends[number]
        }
        self._away: KafkaError | None = None
        self._patience = Deadline.after(timeout_s)
        self._consumer = connected(
            Consumer,
            {
                **configuration(cluster),
                "group.id": "kafka-tasks",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": ends is not None,
                "fetch.wait.max.ms": 50,
                "fetch.error.backoff.ms": 20,
                # A full queue is asked again after so long; the default is a second.
                "fetch.queue.backoff.ms": 5,
                "queued.min.messages": 100_000,
                "fetch.message.max.bytes": 4 * 1024 * 1024,
                "check.crcs": False,
                "error_cb": self._failed,
            },
        )

    def __enter__(self) -> Reading:
        places = self._places(self._open)
        if places:
            self._consumer.assign(places)
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def _places(self, numbers: Iterable[int]) -> list[TopicPartition]:
        return [
            TopicPartition(self._topic, number, self._open.get(number, 0)) for number in numbers
        ]

    def _failed(self, error: KafkaError) -> None:
        if is_away(error):
            if self._away is None:
                self._patience = Deadline.after(self._timeout_s)
            self._away = error

    def batches(self, most: int | None = None) -> Iterator[list[Message]]:
        """Records as they come, never more than `most` in all; an empty batch: nothing new.

        Raises `BrokerUnreachable` when no broker answered for the timeout, `ClusterError` for an
        offset that is not there any more, and `TopicMissing` after the timeout.
        """
        while self._open and self.given != most:
            found = self._next(_BATCH if most is None else min(most - self.given, _BATCH))
            good = [message for message in found if message.error() is None]
            if len(good) < len(found):
                self._heed(found)
            if good and self._ends is not None:
                good = self._before_ends(good, self._ends)
            if found:
                self._away = None
                self._patience = Deadline.after(self._timeout_s)
            else:
                self._bear_silence()
            self.given += len(good)
            yield good

    def _next(self, most: int) -> list[Message]:
        """What is there, or the first that comes: asked for many, the library waits for many."""
        if found := self._consumer.consume(most, timeout=0):
            return found
        first = self._consumer.poll(_SLICE_S)
        return [] if first is None else [first]

    def _heed(self, found: list[Message]) -> None:
        """Ends of partitions, and what went wrong."""
        for message in found:
            error = message.error()
            if error is None or is_away(error):
                continue
            number = message.partition()
            if error.code() == KafkaError._PARTITION_EOF:
                self._close([number])
            elif error.code() in _GONE:
                raise ClusterError(
                    f"The next records of {self._topic}-{number} have been deleted meanwhile; "
                    f"{self.given} were read before.",
                    evidence=(error.str(),),
                    hint=f"invoke kafka.consume {self._topic} --from start",
                )
            else:
                raise translate(KafkaException(error), f"consume from {self._topic}")

    def _before_ends(self, good: list[Message], ends: Mapping[int, int]) -> list[Message]:
        """Those that lie before their partition's end; a partition that is at its end is closed."""
        following = {
            place.partition: place.offset
            for place in self._consumer.position(self._places(self._open))
        }
        if any(at > ends[number] for number, at in following.items()):
            good = [message for message in good if _is_before(message, ends)]
        self._close([number for number, at in following.items() if at >= ends[number]])
        return good

    def _close(self, numbers: Iterable[int | None]) -> None:
        closed = [number for number in numbers if number in self._open]
        if closed:
            self._consumer.pause(self._places(closed))
        for number in closed:
            del self._open[number]

    def _bear_silence(self) -> None:
        """Nothing new is no news when following; else it may last as long as the timeout."""
        if not self._patience.expired():
            return
        answered = self._answered()
        if self._ends is None and (answered or self._away is None):
            self._away = None
            self._patience = Deadline.after(self._timeout_s)
            return
        raise BrokerUnreachable(
            f"Nothing has come from {self._topic} for {self._timeout_s:g} s; "
            f"{self.given} records were read before.",
            evidence=(f"{self._away.name()}: {self._away.str()}",) if self._away else (),
            hint="invoke kafka.status",
        )

    def _answered(self) -> bool:
        """Whether a broker is there; raises `TopicMissing`, which nothing else would ever say."""
        try:
            seen = self._consumer.list_topics(self._topic, timeout=_SLICE_S * 3)
        except KafkaException:
            return False
        found = seen.topics.get(self._topic)
        gone = found is None or (found.error and found.error.code() in _NO_TOPIC)
        # A broker that has only just come back does not know its topics yet.
        if gone and self._away is None:
            raise TopicMissing(
                f"The topic {self._topic} has been deleted meanwhile; "
                f"{self.given} records were read before.",
                hint="invoke kafka.topic.list",
            )
        return True


def _is_before(message: Message, ends: Mapping[int, int]) -> bool:
    number, offset = message.partition(), message.offset()
    return number is not None and offset is not None and offset < ends[number]


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
    one, what is still in the queue is `withdrawn`. Keys choose partitions as Java's client does.
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
        self.withdrawn = 0
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
        self._producer.poll(_SLICE_S)
        self._heed()

    def serve(self) -> None:
        """Send what was gathered, and hear of failures; to be called now and then."""
        self._send_gathered()
        self._producer.poll(0)

    def _reported(self, at: int, error: KafkaError | None, message: Message) -> None:
        if error is None:
            return
        self._reports += 1
        if error.code() == KafkaError._PURGE_QUEUE:
            self.withdrawn += 1
        else:
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
            self._producer.poll(_SLICE_S)
            if self._reports:
                self.withdraw()
            self._heed()
        return self.pending


def size_of(key: Any, value: Any, headers: Any) -> int:
    """Bytes of a record as librdkafka counts them, without what frames it."""
    parts = (part for pair in ((key, value), *(headers or ())) for part in pair if part)
    return sum(len(part.encode() if isinstance(part, str) else part) for part in parts)
