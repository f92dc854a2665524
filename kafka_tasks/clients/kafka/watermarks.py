"""Records by position: sent on a shared client, and read by assignment, without a group."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)

from kafka_tasks.clients.kafka.connection import translate
from kafka_tasks.clients.kafka.retriable import NO_TOPIC, is_retriable
from kafka_tasks.errors import BrokerUnreachable, TopicMissing
from kafka_tasks.retry import Deadline

_ANSWER_S = 10.0
_SLICE_S = 0.1


def send(
    producer: Producer, topic: str, records: Iterable[Mapping[str, Any]], timeout_s: float
) -> list[Message]:
    """Send records and return them as acknowledged, in their order; raises `KafkaTasksError`."""
    _partitions(producer, topic)
    answers: dict[int, Message] = {}
    errors: list[KafkaError] = []
    sent = 0
    for record in records:

        def heard(error: KafkaError | None, message: Message, number: int = sent) -> None:
            if error is not None:
                errors.append(error)
            else:
                answers[number] = message

        producer.produce(topic, on_delivery=heard, **record)
        sent += 1
    producer.flush(timeout_s)
    if errors:
        raise translate(KafkaException(errors[0]), f"send to {topic}")
    if len(answers) < sent:
        raise BrokerUnreachable(
            f"{sent - len(answers)} of {sent} records to {topic} were not acknowledged within "
            f"{timeout_s:g} s.",
            hint="kafka-tasks list shows every cluster of this machine",
        )
    return [answers[number] for number in range(sent)]


def _partitions(client: Producer | Consumer, topic: str) -> list[int]:
    """Return the partitions of a topic, after which records to it need no further wait."""
    try:
        found = client.list_topics(topic, timeout=_ANSWER_S).topics[topic]
    except KafkaException as error:
        raise translate(error, f"metadata of {topic}") from error
    if found.error is not None and found.error.code() in NO_TOPIC:
        raise TopicMissing(f"The topic {topic} does not exist.", hint="create it, or ask for one")
    return sorted(found.partitions)


def beginnings(consumer: Consumer, topics: Iterable[str]) -> list[TopicPartition]:
    """Return every partition of these topics, at its beginning; raises `TopicMissing`."""
    return [
        TopicPartition(topic, number, OFFSET_BEGINNING)
        for topic in topics
        for number in _partitions(consumer, topic)
    ]


def bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    """Return the first and the next offset of each partition."""
    places = [TopicPartition(topic, number) for number in _partitions(consumer, topic)]
    try:
        found = [consumer.get_watermark_offsets(place, timeout=_ANSWER_S) for place in places]
    except KafkaException as error:
        raise translate(error, f"offsets of {topic}") from error
    return {place.partition: marks for place, marks in zip(places, found, strict=True)}


def read(
    consumer: Consumer, topic: str, starts: Mapping[int, int], most: int, timeout_s: float
) -> list[Message]:
    """Return up to so many records from these offsets on; fewer after the time limit."""
    found: list[Message] = []
    deadline = Deadline.after(timeout_s)
    with _assigned(consumer, topic, starts):
        while len(found) < most and (came := _next(consumer, topic, most - len(found), deadline)):
            found += came
    return found


def read_to(
    consumer: Consumer,
    topic: str,
    starts: Mapping[int, int],
    ends: Mapping[int, int],
    timeout_s: float,
) -> list[Message]:
    """Return the records between these offsets; raises `BrokerUnreachable` after the time limit.

    The last offsets may be of no record, as the marker of a transaction: the consumer has to tell
    when a partition is at its end (`enable.partition.eof`).
    """
    found: list[Message] = []
    left = set(starts)
    deadline = Deadline.after(timeout_s)
    with _assigned(consumer, topic, starts):
        while left:
            message = consumer.poll(_SLICE_S)
            if message is not None and _is_end(message):
                left.discard(_place(message)[0])
            elif message is not None and _is_record(message, topic):
                number, offset = _place(message)
                found += [message] if offset < ends[number] else []
                if offset + 1 >= ends[number]:
                    left.discard(number)
            elif deadline.expired():
                raise BrokerUnreachable(
                    f"{len(found)} records of {topic} were read within {timeout_s:g} s, and more "
                    "are there.",
                    hint=f"kafka_records.all({topic!r}, timeout=60)",
                )
    return found


def _place(message: Message) -> tuple[int, int]:
    number, offset = message.partition(), message.offset()
    assert number is not None and offset is not None
    return number, offset


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


@contextlib.contextmanager
def _assigned(consumer: Consumer, topic: str, starts: Mapping[int, int]) -> Iterator[None]:
    consumer.assign([TopicPartition(topic, number, at) for number, at in starts.items()])
    try:
        yield
    finally:
        consumer.unassign()


def _next(consumer: Consumer, topic: str, most: int, deadline: Deadline) -> list[Message]:
    """Return the next record and those that have come with it; nothing after the deadline."""
    while True:
        first = consumer.poll(min(_SLICE_S, max(0.0, deadline.remaining())))
        if first is not None:
            found = [first, *(consumer.consume(most - 1, timeout=0) if most > 1 else ())]
            if good := [each for each in found if _is_record(each, topic)]:
                return good
        if deadline.expired():
            return []


def _is_record(message: Message, topic: str) -> bool:
    """Return False for an error that passes; raises any other."""
    error = message.error()
    if error is not None and not is_retriable(error) and not _is_end(message):
        raise translate(KafkaException(error), f"read from {topic}")
    return error is None
