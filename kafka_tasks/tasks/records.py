"""Records in and out, as JSON lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, missing
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import number, task

if TYPE_CHECKING:
    from io import BufferedReader

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.clients.kafka.reader import Reader
    from kafka_tasks.model.positions import Position
    from kafka_tasks.model.topic import TopicState

# What a broker accepts where the topic does not say.
_MAX_BYTES = 1_000_000


def _topic(admin: Admin, name: str, *, settings: bool) -> TopicState:
    from kafka_tasks.topics.model import check_name

    check_name(name, "kafka.produce" if settings else "kafka.consume")
    state = admin.describe(name) if settings else admin.topics(name=name).get(name)
    if state is None:
        raise missing(name, admin.topics())
    return state


@task(
    help={
        "topic": "name of the topic",
        "from_": "start, end, +N, -N (the last N), @TIMESTAMP or an offset (default start)",
        "count": "stop after so many records",
        "exit": "stop at the end as it is now",
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
    from kafka_tasks.model.positions import parse_position

    position = parse_position(from_, flag="--from")
    most, only = number(count, "--count"), number(partition, "--partition")
    _require_end(call, most, to_end=exit)
    with _reading(call, topic, position, only, to_end=exit) as reading:
        if call.output == "text":
            _print(reading, most, to_end=exit)
            return None
        from kafka_tasks.records.lines import document
        from kafka_tasks.render.views import consumed

        records = [document(message) for batch in reading.batches(most) for message in batch]
        return shown(consumed.Consumed(topic, records), consumed)


def _require_end(call: Call, most: int | None, *, to_end: bool) -> None:
    """Raise `InvalidInput` for a count that is none, and for a document that would never end."""
    from kafka_tasks.errors import InvalidInput

    if most is not None and most < 0:
        raise InvalidInput(f"--count is {most}; it starts at 0.", hint="--count 10")
    if call.output != "text" and most is None and not to_end:
        raise InvalidInput(
            f"--output {call.output} prints one document, so it needs an end.",
            hint="add --exit or --count; without --output, each record is a line of JSON",
        )


def _reading(
    call: Call, topic: str, position: Position, partition: int | None, *, to_end: bool
) -> Reader:
    """Return a reader of the topic from this position; the admin client is closed by then."""
    from kafka_tasks.clients.kafka.reader import Reader
    from kafka_tasks.lifecycle.complete_answers import completeness
    from kafka_tasks.records import consume as where

    with connected(call) as (session, cluster, admin):
        places = where.places(_topic(admin, topic, settings=False), partition)
        starts, ends = where.bounds(admin, places, position)
        limit = session.settings.timeout
    return Reader(
        cluster,
        topic,
        starts,
        ends=ends if to_end else None,
        timeout_s=limit,
        completeness=completeness(cluster),
    )


def _print(reading: Reader, most: int | None, *, to_end: bool) -> None:
    """Print lines as they come; Ctrl-C is an error only where an end was asked for."""
    from kafka_tasks.errors import Interrupted
    from kafka_tasks.records.lines import encode
    from kafka_tasks.render.words import counted

    out = sys.stdout.buffer
    try:
        for batch in reading.batches(most):
            if batch:
                out.write(encode(batch))
                out.flush()
            elif _has_no_reader(out.fileno()):
                return
    except KeyboardInterrupt:
        if to_end or most is not None:
            raise Interrupted(
                f"Interrupted after {counted(reading.given, 'record')}, before the end."
            ) from None


def _has_no_reader(descriptor: int) -> bool:
    """Return True for a pipe that is closed at the other end: no write has failed yet."""
    import select

    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in poll.poll(0))


@task(
    help={
        "topic": "name of the topic",
        "file": "a file of JSON lines (default: standard input)",
        "repartition": "choose the partition by key; ignore the line's partition",
        "timeout": "seconds to wait for acknowledgements (default 60)",
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
    from kafka_tasks.render.views import dry, produced
    from kafka_tasks.render.words import counted

    with connected(call) as (session, cluster, admin):
        state = _topic(admin, topic, settings=True)
        limit = state.config.get("max.message.bytes")
        most = int(limit.value) if limit is not None and limit.value else _MAX_BYTES
        timeout_s = session.settings.timeout
    keep = not repartition
    with _blocks(file, most) as blocks:
        if call.dry:
            found = sending.check(blocks, state, max_bytes=most, keep_partitions=keep)
            # The document has `would` twice over: readers of it rely on the word.
            would = f"send {counted(found, 'record')} to {topic}"
            return shown(dry.Dry(would, {"would": f"would {would}"}), dry)
        sent = sending.produce(
            cluster, state, blocks, timeout_s=timeout_s, max_bytes=most, keep_partitions=keep
        )
    return shown(produced.Produced(topic, sent), produced, 130 if sent.interrupted else 0)


@contextmanager
def _blocks(file: str, record_bytes: int) -> Iterator[Iterable[list[bytes]]]:
    """Yield the lines of a file, or of standard input; raises `InvalidInput`."""
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
