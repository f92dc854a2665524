"""Lines in, acknowledged records out, and an exact account where it ends early."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kafka_tasks.clients.kafka.stream import Sending
from kafka_tasks.errors import BrokerUnreachable, InvalidInput, KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import TopicState
from kafka_tasks.records.lines import NotARecord, Outgoing, decode

# How often to hear of failures, in records.
_EVERY = 1000
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
    lines: Iterable[bytes],
    *,
    timeout_s: float,
    max_bytes: int,
    keep_partitions: bool,
) -> Sent:
    """Send each line; returns when all are acknowledged, or at Ctrl-C.

    A bad line raises `InvalidInput` that names it: nothing after it is sent, what came before it is
    acknowledged first and counted.
    """
    sending = Sending(cluster, topic.name, timeout_s=timeout_s, max_bytes=max_bytes)
    sent = Sent()
    stopped: KafkaTasksError | None = None
    try:
        for line in lines:
            sent.lines += 1
            if line.isspace():
                continue
            record = _record(line, sent.lines, topic, keep_partitions=keep_partitions)
            sending.send(sent.lines, record)
            if sending.accepted % _EVERY == 0:
                sending.serve()
                if sending.failures:
                    break
        sending.flush()
    except KeyboardInterrupt:
        sent.interrupted = True
    except KafkaTasksError as error:
        stopped = error
    sent.unknown = sending.flush(_PATIENCE_S if sent.interrupted else None)
    sent.records = sending.accepted - len(sending.failures) - sent.unknown
    if sending.failures:
        raise _failed(sending.failures, sent, max_bytes)
    if stopped is not None:
        raise _stopped(stopped, sent, max_bytes)
    if sent.unknown and not sent.interrupted:
        raise BrokerUnreachable(
            f"{sent.unknown} records to {topic.name} were not acknowledged within {timeout_s:g} s; "
            f"{_count(sent.records)} sent.",
            hint="invoke kafka.status",
        )
    return sent


def check(lines: Iterable[bytes], topic: TopicState, *, keep_partitions: bool) -> int:
    """How many records the lines are; raises `InvalidInput` for the first that is none."""
    found = 0
    for number, line in enumerate(lines, 1):
        if not line.isspace():
            _record(line, number, topic, keep_partitions=keep_partitions)
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


def _stopped(error: KafkaTasksError, sent: Sent, max_bytes: int) -> KafkaTasksError:
    if "MSG_SIZE_TOO_LARGE" in " ".join(error.evidence):
        error = _too_large(sent.lines, max_bytes)
    return _with_account(error, sent)


def _failed(failures: dict[int, KafkaTasksError], sent: Sent, max_bytes: int) -> KafkaTasksError:
    """The first line that failed; idempotence lets nothing after it overtake it."""
    line = min(failures)
    cause = failures[line]
    if "MSG_SIZE_TOO_LARGE" in " ".join(cause.evidence):
        return _with_account(_too_large(line, max_bytes), sent)
    kind = type(cause)
    return _with_account(
        kind(f"Line {line} was not acknowledged.", evidence=cause.evidence, hint=cause.hint), sent
    )


def _too_large(line: int, max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"Line {line} is a record larger than the topic takes ({max_bytes} bytes).",
        hint="invoke kafka.topic.alter NAME --set max.message.bytes=…",
    )


def _with_account(error: KafkaTasksError, sent: Sent) -> KafkaTasksError:
    error.message = f"{error.message} {_count(sent.records).capitalize()} sent before it."
    error.args = (error.message,)
    return error


def _count(number: int) -> str:
    if number == 0:
        return "nothing was"
    return "1 record was" if number == 1 else f"{number} records were"
