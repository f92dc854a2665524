"""Records in and out, as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from kafka_tasks.tasks._cluster_access import connected, missing
from kafka_tasks.tasks._options import Call, Outcome, number, verb

if TYPE_CHECKING:
    from io import BufferedReader

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.clients.kafka.reader import Reader
    from kafka_tasks.model.topic import TopicState


def _topic(admin: Admin, name: str, *, settings: bool) -> TopicState:
    from kafka_tasks.topics.model import check_name

    check_name(name, "kafka.produce" if settings else "kafka.consume")
    state = admin.describe(name) if settings else admin.topics(name=name).get(name)
    if state is None:
        raise missing(name, admin.topics())
    return state


@verb(
    help={
        "from_": "start, end, +N, -N (the last N), @TIMESTAMP or an offset (default start)",
        "count": "stop after so many records",
        "exit": "stop at what is the end now",
        "partition": "only this partition",
        "timeout": "seconds without any broker (default 60)",
    },
    completes={"topic": "topics"},
)
def consume(
    call: Call,
    topic: str,
    from_: str = "start",
    count: str | None = None,
    exit: bool = False,
    partition: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome | None:
    """Print records as JSON lines, until Ctrl-C, --count or --exit."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.records import consume as where

    position = parse_position(from_, flag="--from")
    most, only = number(count, "--count"), number(partition, "--partition")
    if most is not None and most < 0:
        raise InvalidInput(f"--count is {most}; it starts at 0.", hint="--count 10")
    if call.output != "text" and most is None and not exit:
        raise InvalidInput(
            f"--output {call.output} prints one document, so it needs an end.",
            hint="add --exit or --count; without --output, each record is a line of JSON",
        )
    from kafka_tasks.clients.kafka.reader import Reader

    with connected(call) as (session, cluster, admin):
        places = where.places(_topic(admin, topic, settings=False), only)
        starts, ends = where.bounds(admin, places, position)
        limit = session.settings.timeout
    reading = Reader(cluster, topic, starts, ends=ends if exit else None, timeout_s=limit)
    with reading:
        if call.output != "text":
            from kafka_tasks.records.lines import document

            records = [document(message) for batch in reading.batches(most) for message in batch]
            return Outcome({"schema": 1, "topic": topic, "records": records}, str)
        _print(reading, most, to_end=exit)
    return None


def _print(reading: Reader, most: int | None, *, to_end: bool) -> None:
    """Lines as they come; Ctrl-C is how following ends, so it is no error there."""
    from kafka_tasks.errors import Interrupted
    from kafka_tasks.records.lines import encode

    out = sys.stdout.buffer
    try:
        for batch in reading.batches(most):
            if batch:
                out.write(encode(batch))
                out.flush()
            elif _reader_gone(out.fileno()):
                return
    except KeyboardInterrupt:
        if to_end or most is not None:
            raise Interrupted(
                f"Interrupted after {_records(reading.given)}, before the end."
            ) from None


def _reader_gone(descriptor: int) -> bool:
    """Whether the other end of a pipe is closed: without a record nothing would tell."""
    import select

    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


@verb(
    help={
        "file": "a file of JSON lines (default: standard input)",
        "repartition": "let the key choose the partition, whatever the line says",
    },
    completes={"topic": "topics"},
)
def produce(
    call: Call,
    topic: str,
    file: str = "-",
    repartition: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Send JSON lines, as kafka.consume prints them, with acks=all."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.records import produce as sending

    with connected(call) as (session, cluster, admin):
        state = _topic(admin, topic, settings=True)
        limit = state.config.get("max.message.bytes")
        most = int(limit.value) if limit is not None and limit.value else 1_000_000
        timeout_s = session.settings.timeout
    with _blocks(file, most) as blocks:
        if call.dry:
            found = sending.check(blocks, state, max_bytes=most, keep_partitions=not repartition)
            text = f"would send {_records(found)} to {topic}"
            return Outcome({"schema": 1, "dry": True, "would": text}, lambda: text)
        sent = sending.produce(
            cluster,
            state,
            blocks,
            timeout_s=timeout_s,
            max_bytes=most,
            keep_partitions=not repartition,
        )
    document = {
        "schema": 1,
        "topic": topic,
        "sent": sent.records,
        "unknown": sent.unknown,
        "lines": sent.lines,
        "interrupted": sent.interrupted,
    }
    return Outcome(document, lambda: _account(sent, topic), 130 if sent.interrupted else 0)


def _account(sent: Any, topic: str) -> str:
    text = f"{_records(sent.records)} sent to {topic}."
    if not sent.interrupted:
        return text
    unknown = f" {_records(sent.unknown)} sent without an answer." if sent.unknown else ""
    return f"Interrupted in line {sent.lines}: {text}{unknown}"


def _records(count: int) -> str:
    return "1 record" if count == 1 else f"{count} records"


@contextmanager
def _blocks(file: str, record_bytes: int) -> Iterator[Iterable[list[bytes]]]:
    """The lines of a file, or of standard input; raises `InvalidInput`."""
    from kafka_tasks.records.source import blocks_of

    if file == "-":
        if sys.stdin is None:
            yield []
            return
        if sys.stdin.isatty():
            print('One record a line, as {"value": "…"}; Ctrl-D ends.', file=sys.stderr)
        yield blocks_of(cast("BufferedReader", sys.stdin.buffer), record_bytes)
        return
    from kafka_tasks.errors import InvalidInput

    try:
        source = open(file, "rb")  # noqa: SIM115
    except OSError as error:
        raise InvalidInput(
            f"{file} cannot be read: {error.strerror}.", hint=f"ls -l {file}"
        ) from error
    with source:
        yield blocks_of(source, record_bytes)
