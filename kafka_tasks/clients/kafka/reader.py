"""The one reader: records in batches, without a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import TopicMetadata

from kafka_tasks.clients.kafka.answers import (
    ClusterView,
    Completeness,
    TopicsAnswer,
    view_of,
)
from kafka_tasks.clients.kafka.connection import SLICE_S, configuration, connected, translate
from kafka_tasks.clients.kafka.late_refusals import LateRefusals
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.clients.kafka.retriable import NO_TOPIC, is_retriable
from kafka_tasks.errors import BrokerUnreachable, ClusterError, TopicMissing
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline, NotYet

# The errors for an offset that is no longer in the log.
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE)

# The library looks for the coordinator of a group that is only a name here.
_GROUP = KafkaError.GROUP_AUTHORIZATION_FAILED

_BATCH = 10_000

_PROPERTIES = {
    "group.id": "kafka-tasks",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "fetch.wait.max.ms": 50,
    "fetch.error.backoff.ms": 20,
    # A full queue is asked again after so long; the default is a second.
    "fetch.queue.backoff.ms": 5,
    "queued.min.messages": 100_000,
    "fetch.message.max.bytes": 4 * 1024 * 1024,
    "check.crcs": False,
}


class Reader:
    """Reads partitions from given offsets. Use it with `with`, and iterate over `batches`.

    `ends` stops each partition at that offset; a partition without a further record before it (its
    end is a marker, or was compacted away) stops there too. `given` counts the records so far.
    `completeness` judges an answer without the topic; without it, the first one counts.
    """

    def __init__(
        self,
        cluster: Cluster,
        topic: str,
        starts: Mapping[int, int],
        *,
        ends: Mapping[int, int] | None = None,
        timeout_s: float = 30.0,
        completeness: Completeness | None = None,
    ) -> None:
        self.given = 0
        self._completeness = completeness
        self._missing: KafkaError | None = None
        self._cluster = cluster
        self._topic = topic
        self._ends = ends
        self._timeout_s = timeout_s
        self._open = {
            number: at for number, at in starts.items() if ends is None or at < ends[number]
        }
        self._away: KafkaError | None = None
        self._refusals = LateRefusals(cluster)
        self._deadline = Deadline.after(timeout_s)
        further = {"enable.partition.eof": ends is not None, "error_cb": self._failed}
        self._consumer = connected(Consumer, {**configuration(cluster), **_PROPERTIES, **further})

    def __enter__(self) -> Reader:
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
        self._refusals.heard(error)
        if is_retriable(error):
            if self._away is None:
                self._deadline = Deadline.after(self._timeout_s)
            self._away = error

    def batches(self, most: int | None = None) -> Iterator[list[Message]]:
        """Yield records as they come, up to `most` in all; an empty batch means nothing new.

        Raises `BrokerUnreachable` when no broker answered for the timeout, `ClusterError` for an
        offset that was deleted, `TopicMissing` after the timeout, and `CannotConnect` when brokers
        refuse further connections.
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
                self._refusals.overcome()
                self._deadline = Deadline.after(self._timeout_s)
            else:
                if refused := self._refusals.error(f"consume from {self._topic}"):
                    raise refused
                self._require_topic()
                self._require_answer()
            self.given += len(good)
            yield good

    def _next(self, most: int) -> list[Message]:
        """Return what is there, or the next record: asked for many, the library waits for many."""
        if found := self._consumer.consume(most, timeout=0):
            return found
        first = self._consumer.poll(SLICE_S)
        return [] if first is None else [first]

    def _heed(self, found: list[Message]) -> None:
        """Close partitions that are at their end, and raise the error of any other."""
        for message in found:
            error = message.error()
            if error is None or is_retriable(error) or error.code() == _GROUP:
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
            elif error.code() in (*NO_TOPIC, KafkaError._UNKNOWN_PARTITION):
                self._missing = error
            else:
                needed = Right(self._cluster, "READ", "topic", self._topic)
                raise needing(needed)(KafkaException(error), f"consume from {self._topic}")

    def _before_ends(self, good: list[Message], ends: Mapping[int, int]) -> list[Message]:
        """Drop records past the end of their partition, and close partitions at their end."""
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

    def _require_answer(self) -> None:
        """Allow silence when following; otherwise raise `BrokerUnreachable` after the timeout."""
        if not self._deadline.expired():
            return
        answered = self._answered()
        if self._ends is None and (answered or self._away is None):
            self._away = None
            self._deadline = Deadline.after(self._timeout_s)
            return
        raise BrokerUnreachable(
            f"Nothing has come from {self._topic} for {self._timeout_s:g} s; "
            f"{self.given} records were read before.",
            evidence=(f"{self._away.name()}: {self._away.str()}",) if self._away else (),
            hint="invoke kafka.status",
        )

    def _require_topic(self) -> None:
        """Raise `TopicMissing` where a broker said that the topic is gone, and it is."""
        if self._missing is None:
            return
        try:
            shown = self._shown()
        except NotYet:
            return
        if shown is None:
            return
        error, self._missing = self._missing, None
        if not set(self._open) <= set(shown.partitions):
            raise translate(KafkaException(error), f"consume from {self._topic}")

    def _answered(self) -> bool:
        """Return whether a broker answers; raises `TopicMissing`, which nothing else reports."""
        try:
            return self._shown() is not None
        except NotYet:
            return True

    def _shown(self) -> TopicMetadata | None:
        """Return the topic as a broker shows it; None where no broker answers.

        Raises `TopicMissing`, or `NotYet` where a broker without it may have an empty cache.
        """
        try:
            seen = self._consumer.list_topics(self._topic, timeout=SLICE_S * 3)
        except KafkaException:
            return None
        found: TopicMetadata | None = seen.topics.get(self._topic)
        if found is not None and not (found.error and found.error.code() in NO_TOPIC):
            return found
        if self._doubts(view_of(seen)):
            raise NotYet("the topic is not shown yet")
        raise TopicMissing(
            f"The topic {self._topic} has been deleted meanwhile; "
            f"{self.given} records were read before.",
            hint="invoke kafka.topic.list",
        )

    def _doubts(self, view: ClusterView) -> bool:
        if self._completeness is None:
            # A broker that has only just come back does not know its topics yet.
            return self._away is not None
        answer = TopicsAnswer(view, frozenset({self._topic}), whole=False)
        return self._completeness.doubt(answer, self._timeout_s) is not None


def _is_before(message: Message, ends: Mapping[int, int]) -> bool:
    number, offset = message.partition(), message.offset()
    return number is not None and offset is not None and offset < ends[number]
