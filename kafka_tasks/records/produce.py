"""Sends lines as records, and counts exactly what was sent where that ends early."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.sender import Failure, Sender, size_of
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, InvalidInput, KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import TopicState
from kafka_tasks.records.interrupts import Interrupts
from kafka_tasks.records.lines import UNREAD, NotARecord, Outgoing, decode, read_text

# Seconds for the records that are under way at Ctrl-C; a second Ctrl-C does not wait for them.
_INTERRUPTED_S = 5.0
_LOOK_S = 3.0


@dataclass(slots=True)
class Sent:
    """The counts so far; `unknown` records were sent and got no answer."""

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
    """Send each line; return when all are acknowledged, or at Ctrl-C.

    A bad line raises `InvalidInput` with its number: no line after it is sent, the lines before it
    are acknowledged first and counted.
    """
    with (
        Interrupts() as interrupts,
        Sender(
            cluster, topic.name, timeout_s=timeout_s, max_bytes=max_bytes, heed=interrupts.heed
        ) as sender,
    ):
        work = _Work(sender, topic, max_bytes, keep_partitions)
        refused = work.send_all(interrupts.through(blocks))
        work.finish()
    sent = work.sent
    if sender.failures:
        first = sender.failures[min(sender.failures)]
        short = _shortage(cluster, topic, first) if _timed_out(first) else None
        raise _failed(sender.failures, sent, topic.name, max_bytes, timeout_s, short)
    if refused is not None:
        raise _with_count(refused, sent)
    if sent.unknown and not sent.interrupted:
        raise BrokerUnreachable(
            f"{_records(sent.unknown)} to {topic.name} got no answer within {timeout_s:g} s; "
            f"{_count(sent.records)} sent.",
            hint="invoke kafka.status",
        )
    return sent


class _Work:
    """The lines on their way to the sender, and the counts."""

    def __init__(
        self, sender: Sender, topic: TopicState, max_bytes: int, keep_partitions: bool
    ) -> None:
        self.sent = Sent()
        self._sender = sender
        self._topic = topic
        self._needs_key = _needs_key(topic)
        self._max_bytes = max_bytes
        self._keep_partitions = keep_partitions

    def send_all(self, blocks: Iterable[list[bytes]]) -> KafkaTasksError | None:
        """Send lines up to the first failure or Ctrl-C; return the error of a bad line."""
        try:
            for block in blocks:
                self._send(block)
                self._sender.serve()
                if self._sender.failures:
                    break
            self._sender.flush()
        except KeyboardInterrupt:
            self.sent.interrupted = True
        except KafkaTasksError as error:
            return error
        return None

    def _send(self, block: list[bytes]) -> None:
        """Send the lines of a block, up to one that fails at once."""
        gather, at, needs_key = self._sender.gather, self.sent.lines, self._needs_key
        # A line is never shorter than its key and its value.
        fit = max(map(len, block)) <= self._max_bytes
        try:
            for line in block:
                at += 1
                try:
                    plain = read_text(line)
                except UNREAD:
                    if not self._send_further(line, at):
                        return
                    continue
                if needs_key and plain.key is None:
                    raise _keyless(at, self._topic.name)
                if fit:
                    gather(at, plain.value, plain.key)
                elif not self._sender.send(at, plain.value, plain.key):
                    return
        finally:
            self.sent.lines = at

    def _send_further(self, line: bytes, at: int) -> bool:
        """Send a line with more than text, unless it is blank; return False where that failed."""
        if not line or line.isspace():
            return True
        record = _record(line, at, self._topic, keep_partitions=self._keep_partitions)
        return self._sender.send(at, record.value, record.key, **_further(record))

    def finish(self) -> None:
        """Wait for the records under way, and count."""
        if self.sent.interrupted:
            self._sender.withdraw()
        try:
            self._sender.flush(_INTERRUPTED_S if self.sent.interrupted else None)
        except KeyboardInterrupt:
            self.sent.interrupted = True
        self.sent.unknown, self.sent.records = self._sender.pending, self._sender.acknowledged


def _further(record: Outgoing) -> dict[str, Any]:
    """Return the other parts of a record, as librdkafka calls them."""
    given: dict[str, Any] = {"partition": record.partition, "timestamp": record.timestamp}
    if record.headers:
        given["headers"] = list(record.headers)
    return {name: value for name, value in given.items() if value is not None}


def check(
    blocks: Iterable[list[bytes]], topic: TopicState, *, max_bytes: int, keep_partitions: bool
) -> int:
    """Return the number of records; raises `InvalidInput` for the first line that is none."""
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
    """Return True if the broker refuses records without a key, and all in their batch."""
    policy = topic.config.get("cleanup.policy")
    return policy is not None and "compact" in (policy.value or "")


def _keyless(number: int, topic: str) -> InvalidInput:
    return InvalidInput(
        f"Line {number} has no key, and {topic} is compacted: it keeps the last record of each.",
        hint='a line is {"key": "k", "value": "v"}, as kafka.consume prints it',
    )


def _timed_out(failure: Failure) -> bool:
    return isinstance(failure.error, BrokerUnreachable)


def _shortage(cluster: Cluster, topic: TopicState, failure: Failure) -> str | None:
    """Return why the leader refuses records of this partition, for want of replicas in sync.

    The library repeats them until they time out, and does not say what the leader answered.
    """
    needed = topic.config.get("min.insync.replicas")
    if needed is None or needed.value is None or not needed.value.isdigit():
        return None
    try:
        with Admin(cluster) as admin:
            now = admin.seen(name=topic.name, timeout_s=_LOOK_S).get(topic.name, topic)
    except KafkaTasksError:
        return None
    at = next((each for each in now.partitions if each.id == failure.partition), None)
    # Brokers never ask for more than there are replicas.
    if at is None or at.leader is None or len(at.isr) >= min(int(needed.value), len(at.replicas)):
        return None
    return (
        f"NOT_ENOUGH_REPLICAS: {topic.name}-{at.id} has {len(at.isr)} of {len(at.replicas)} "
        f"replicas in sync, and min.insync.replicas is {needed.value}"
    )


def _failed(
    failures: dict[int, Failure],
    sent: Sent,
    topic: str,
    max_bytes: int,
    timeout_s: float,
    short: str | None,
) -> KafkaTasksError:
    """Return the error for the first line that failed, with the counts of the others."""
    line = min(failures)
    first = failures[line]
    if first.too_large:
        return _with_count(_too_large(line, first.size, topic, max_bytes), sent)
    said = f"Line {line} was not acknowledged."
    evidence, hint = first.error.evidence, first.error.hint
    if _timed_out(first):
        refused = "was refused" if len(failures) == 1 else "were refused"
        how = refused if short else "got no answer"
        said = (
            f"{_records(len(failures))} to {topic} {how} within {timeout_s:g} s, "
            f"the first of them line {line}."
        )
    if short:
        evidence = (short,)
        hint = f"invoke kafka.topic.describe {topic}; invoke kafka.wait --in-sync"
    why = first.error
    if isinstance(why, CannotConnect):
        said, evidence = why.message, (f"line {line} was not acknowledged", *evidence)
    why.message, why.evidence, why.hint = said, evidence, hint
    return _with_count(why, sent, "")


def _too_large(line: int, size: int, topic: str, max_bytes: int) -> InvalidInput:
    return InvalidInput(
        f"Line {line} is a record of {size} bytes, larger than the topic takes "
        f"(max.message.bytes={max_bytes}).",
        hint=f"invoke kafka.topic.alter {topic} --set max.message.bytes={size + 1000}",
    )


def _with_count(error: KafkaTasksError, sent: Sent, where: str = " before it") -> KafkaTasksError:
    error.message = f"{error.message} {_count(sent.records).capitalize()} sent{where}."
    error.args = (error.message,)
    return error


def _records(number: int) -> str:
    return "1 record" if number == 1 else f"{number} records"


def _count(number: int) -> str:
    if number == 0:
        return "nothing was"
    return f"{_records(number)} {'was' if number == 1 else 'were'}"
