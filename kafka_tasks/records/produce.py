"""Lines in, acknowledged records out, and an exact account where it ends early."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from kafka_tasks.clients.kafka.sender import Failure, Sender, size_of
from kafka_tasks.errors import BrokerUnreachable, InvalidInput, KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import TopicState
from kafka_tasks.records.interrupts import Interrupts
from kafka_tasks.records.lines import UNREAD, NotARecord, Outgoing, decode, read_text

# How long what is under way at Ctrl-C may take; a second Ctrl-C does not wait for it.
_PATIENCE_S = 5.0


@dataclass(slots=True)
class Sent:
    """What became of the lines so far: `unknown` were sent and got no answer."""

    lines: int = 0
    records: int = 0
    unknown: int = 0
    interrupted: bool = False


def produce(
    cluster: Cluster,
    topic: TopicState,
    blocks: Iterable[list[bytes]],
    *,
    timeout_s: float,
    max_bytes: int,
    keep_partitions: bool,
) -> Sent:
    """Send each line; returns when all are acknowledged, or at Ctrl-C.

    A bad line raises `InvalidInput` that names it: nothing after it is sent, what came before it is
    acknowledged first and counted.
    """
    sent = Sent()
    refused: KafkaTasksError | None = None
    with Interrupts() as interrupts:
        sending = Sender(
            cluster, topic.name, timeout_s=timeout_s, max_bytes=max_bytes, heed=interrupts.heed
        )
        try:
            for block in interrupts.through(blocks):
                _send(sending, block, sent, topic, max_bytes, keep_partitions=keep_partitions)
                sending.serve()
                if sending.failures:
                    break
            sending.flush()
        except KeyboardInterrupt:
            sent.interrupted = True
        except KafkaTasksError as error:
            refused = error
        _settle(sending, sent)
    if sending.failures:
        raise _failed(sending.failures, sent, topic.name, max_bytes, timeout_s)
    if refused is not None:
        raise _with_account(refused, sent)
    if sent.unknown and not sent.interrupted:
        raise BrokerUnreachable(
            f"{_records(sent.unknown)} to {topic.name} got no answer within {timeout_s:g} s; "
            f"{_count(sent.records)} sent.",
            hint="invoke kafka.status",
        )
    return sent


def _send(
    sending: Sender,
    block: list[bytes],
    sent: Sent,
    topic: TopicState,
    max_bytes: int,
    *,
    keep_partitions: bool,
) -> None:
    """Send the lines of a block, up to one that fails at once."""
    gather, at = sending.gather, sent.lines
    needs_key = _needs_key(topic)
    # JSON is no shorter than the key and the value that it holds.
    fit = max(map(len, block)) <= max_bytes
    try:
        for line in block:
            at += 1
            try:
                plain = read_text(line)
            except UNREAD:
                if not line or line.isspace():
                    continue
                record = _record(line, at, topic, keep_partitions=keep_partitions)
                taken = sending.send(at, record.value, record.key, **_further(record))
            else:
                if needs_key and plain.key is None:
                    raise _keyless(at, topic.name)
                if fit:
                    gather(at, plain.value, plain.key)
                    continue
                taken = sending.send(at, plain.value, plain.key)
            if not taken:
                return
    finally:
        sent.lines = at


def _further(record: Outgoing) -> dict[str, Any]:
    """What else librdkafka shall put into a record."""
    given: dict[str, Any] = {"partition": record.partition, "timestamp": record.timestamp}
    if record.headers:
        given["headers"] = list(record.headers)
    return {name: value for name, value in given.items() if value is not None}


def _settle(sending: Sender, sent: Sent) -> None:
    """Wait for what is under way, and count."""
    if sent.interrupted:
        sending.withdraw()
    try:
        sending.flush(_PATIENCE_S if sent.interrupted else None)
    except KeyboardInterrupt:
        sent.interrupted = True
    sent.unknown, sent.records = sending.pending, sending.acknowledged


def check(
    blocks: Iterable[list[bytes]], topic: TopicState, *, max_bytes: int, keep_partitions: bool
) -> int:
    """How many records the lines are; raises `InvalidInput` for the first that is none."""
    found = 0
    for number, line in enumerate(chain.from_iterable(blocks), 1):
        if line and not line.isspace():
            record = _record(line, number, topic, keep_partitions=keep_partitions)
            size = size_of(record.key, record.value, record.headers)
            if size > max_bytes:
                raise _too_large(number, size, topic.name, max_bytes)
            found += 1
    return found


def _record(line: bytes, number: int, topic: TopicState, *, keep_partitions: bool) -> Outgoing:
    try:
        record = decode(line)
    except NotARecord as error:
        raise InvalidInput(
            f"Line {number} cannot be sent: {error}.",
            hint='a line is {"key": "k", "value": "v"}, as kafka.consume prints it',
        ) from error
    if record.key is None and _needs_key(topic):
        raise _keyless(number, topic.name)
    if record.partition is None:
        return record
    if not keep_partitions:
        return Outgoing(record.value, record.key, record.headers, None, record.timestamp)
    if record.partition >= len(topic.partitions):
        raise InvalidInput(
            f"Line {number} is for partition {record.partition}; "
            f"{topic.name} has 0 to {len(topic.partitions) - 1}.",
            hint="--repartition lets the key choose the partition",
        )
    return record


def _needs_key(topic: TopicState) -> bool:
    """Whether the broker would refuse a record without a key, and all that are sent with it."""
    policy = topic.config.get("cleanup.policy")
    return policy is not None and "compact" in (policy.value or "")


def _keyless(number: int, topic: str) -> InvalidInput:
    return InvalidInput(
        f"Line {number} has no key, and {topic} is compacted: it keeps the last record of each.",
        hint='a line is {"key": "k", "value": "v"}, as kafka.consume prints it',
    )


def _failed(
    failures: dict[int, Failure], sent: Sent, topic: str, max_bytes: int, timeout_s: float
) -> KafkaTasksError:
    """The first line that failed, and what became of the others."""
    line = min(failures)
    first = failures[line]
    if first.too_large:
        return _with_account(_too_large(line, first.size, topic, max_bytes), sent)
    said = f"Line {line} was not acknowledged."
    if isinstance(first.error, BrokerUnreachable):
        said = (
            f"{_records(len(failures))} to {topic} got no answer within {timeout_s:g} s, "
            f"the first of them line {line}."
        )
    why = type(first.error)(said, evidence=first.error.evidence, hint=first.error.hint)
    return _with_account(why, sent, "")


def _too_large(line: int, size: int, topic: str, max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"Line {line} is a record of {size} bytes, larger than the topic takes "
        f"(max.message.bytes={max_bytes}).",
        hint=f"invoke kafka.topic.alter {topic} --set max.message.bytes={size + 1000}",
    )


def _with_account(error: KafkaTasksError, sent: Sent, where: str = " before it") -> KafkaTasksError:
    error.message = f"{error.message} {_count(sent.records).capitalize()} sent{where}."
    error.args = (error.message,)
    return error


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number} records"


def _count(number: int) -> str:
    if number == 0:
        return "nothing was"
    return f"{_records(number)} {'was' if number == 1 else 'were'}"
