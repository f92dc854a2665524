"""Rows about records: produce and consume a million of 100 bytes."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from bench.children import Unmeasured, spawn, stop, timed
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace, console

_COUNT = 1_000_000
_TIMEOUT_S = 300.0

# Both alternatives use msgspec, as kafka-tasks does.
_BARE_CONSUME = """\
import sys, msgspec
from confluent_kafka import Consumer, TopicPartition
encode = msgspec.json.Encoder().encode
consumer = Consumer({"bootstrap.servers": sys.argv[1], "group.id": "bare",
                     "enable.auto.commit": False})
consumer.assign([TopicPartition(sys.argv[2], n, 0) for n in range(4)])
left, out = int(sys.argv[3]), sys.stdout.buffer
while left:
    lines = []
    for m in consumer.consume(5000, timeout=1):
        key, value = m.key(), m.value()
        lines.append(encode({
            "key": key.decode() if key is not None else None, "value": value.decode(),
            "headers": m.headers() or [], "partition": m.partition(), "offset": m.offset(),
            "timestamp": m.timestamp()[1]}))
    if lines:
        out.write(b"\\n".join(lines) + b"\\n")
        left -= len(lines)
out.flush()
consumer.close()
"""

_BARE_PRODUCE = """\
import sys, msgspec
from confluent_kafka import Producer
decode = msgspec.json.Decoder().decode
producer = Producer({"bootstrap.servers": sys.argv[1], "acks": "all", "linger.ms": 5,
                     "enable.idempotence": True, "queue.buffering.max.messages": 500000})
for line in open(sys.argv[3], "rb"):
    record = decode(line)
    while True:
        try:
            producer.produce(sys.argv[2], record["value"], record["key"])
            break
        except BufferError:
            producer.poll(0.1)
producer.flush()
"""


def _lines(path: Path) -> Path:
    """Write a million records of 100 bytes as JSON lines; return the file."""
    target = path / "million.jsonl"
    with open(target, "w", encoding="ascii") as out:
        for number in range(_COUNT):
            out.write(f'{{"key":null,"value":"{f"{number:010d}" * 10}"}}\n')
    return target


def _to_file(ours: Workspace, arguments: list[str], name: str) -> float:
    """Run a command with its output in a file; return the seconds."""
    import time

    target = ours.path / name
    target.unlink(missing_ok=True)
    started = time.perf_counter()
    child = spawn(arguments, cwd=ours.path, environ=ours.environ, output=target)
    try:
        child.wait(_TIMEOUT_S)
    finally:
        stop(child)
    seconds = time.perf_counter() - started
    if child.returncode != 0:
        raise Unmeasured(f"{arguments[1]} exited with {child.returncode}")
    return seconds


def _produced(ours: Workspace, source: Path, topic: str) -> float:
    ours.command("topic.create", topic, "--partitions", "4")
    arguments = [console("kafka-tasks"), "produce", topic, "--file", str(source)]
    done = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
    if f"{_COUNT} records sent" not in done.output:
        raise Unmeasured(f"some records were not sent: {done.output}")
    return done.seconds


@row(
    "consume-1m",
    what="kafka-tasks consume of 1,000,000 records of 100 bytes",
    against="a bare batch-consume loop that writes the same lines",
    limit=1.2,
)
def consume_million(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both on the same topic; they must write the same lines."""
    with surroundings.workspace() as ours:
        ours.command("up")
        _produced(ours, _lines(ours.path), "million")
        broker = f"127.0.0.1:{ours.port}"
        command = [console("kafka-tasks"), "consume", "million", "--exit"]
        bare = [sys.executable, "-c", _BARE_CONSUME, broker, "million", str(_COUNT)]
        for _ in range(pairs):
            pair = Pair(_to_file(ours, command, "ours"), _to_file(ours, bare, "bare"))
            if (ours.path / "ours").stat().st_size != (ours.path / "bare").stat().st_size:
                raise Unmeasured("the two outputs differ in size")
            yield pair


@row(
    "produce-1m",
    what="kafka-tasks produce of 1,000,000 records of 100 bytes from a file",
    against="a bare produce loop over the same file",
    limit=1.2,
)
def produce_million(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both with a new topic, on a broker that already gives producer ids."""
    with surroundings.workspace() as ours:
        ours.command("up")
        source = _lines(ours.path)
        _produced(ours, source, "warm")
        for number in range(pairs):
            seconds = _produced(ours, source, f"ours-{number}")
            ours.command("topic.create", f"bare-{number}", "--partitions", "4")
            arguments = [
                *(sys.executable, "-c", _BARE_PRODUCE, f"127.0.0.1:{ours.port}"),
                *(f"bare-{number}", str(source)),
            ]
            bare = timed(arguments, cwd=ours.path, environ=ours.environ, timeout_s=_TIMEOUT_S)
            yield Pair(seconds, bare.seconds)
            ours.command("topic.delete", f"ours-{number},bare-{number}", "--yes")
