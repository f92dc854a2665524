"""Rows about the pytest plugin: whole runs of pytest, and single fixtures inside one."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from bench.children import timed
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace

_PLUGIN = ("-p", "kafka_tasks.pytest_plugin")
_QUIET = ("-q", "-p", "no:cacheprovider")

_EMPTY = """
def test_nothing():
    pass
"""

ONE = """
def test_one(kafka_topic, kafka_records):
    kafka_records.send(kafka_topic, b"x")
    assert kafka_records.take(kafka_topic)[0].value == b"x"
"""

_BY_HAND = """
from confluent_kafka import Consumer, Producer

servers = "localhost:PORT"
producer = Producer({"bootstrap.servers": servers})
producer.produce("by-hand", b"x")
producer.flush(30)
consumer = Consumer(
    {"bootstrap.servers": servers, "group.id": "by-hand", "auto.offset.reset": "earliest"}
)
consumer.subscribe(["by-hand"])
assert consumer.poll(30).value() == b"x"
consumer.close()
"""

_MANY = """
import pytest


@pytest.mark.parametrize("number", range(200))
def test_many(number, kafka_topic, kafka_records):
    kafka_records.send(kafka_topic, b"x")
    assert kafka_records.take(kafka_topic)[0].value == b"x"
"""

# The fixtures, and the same requests by plain clients that have worked once, in one process.
_INSIDE = """
import json
import time
from pathlib import Path
from statistics import median

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import NewTopic

ROUNDS = 20


def milliseconds(work):
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def test_inside(
    kafka_topic_factory, kafka_records, kafka_admin, kafka_client_config, kafka_group
):
    producer = Producer({**kafka_client_config, "linger.ms": 0})
    consumer = Consumer({**kafka_client_config, "group.id": kafka_group})
    topic = kafka_topic_factory()

    def create(number):
        kafka_admin.create_topics([NewTopic(f"{kafka_group}-{number}", 1)])
        while not leader(f"{kafka_group}-{number}"):
            time.sleep(0.002)

    def leader(name):
        found = kafka_admin.list_topics(name, timeout=10).topics[name].partitions
        return bool(found) and found[0].leader >= 0

    def both():
        kafka_records.send(topic, b"x")
        kafka_records.take(topic)

    def by_hand():
        producer.produce(topic, b"x")
        producer.flush(10)
        assert consumer.poll(10) is not None

    both()
    producer.list_topics(topic, timeout=10)
    consumer.list_topics(topic, timeout=10)
    found = {"topic": [], "record": []}
    for number in range(ROUNDS):
        ours = milliseconds(kafka_topic_factory)
        found["topic"].append((ours, milliseconds(lambda: create(number))))
    consumer.assign([TopicPartition(topic, 0, kafka_records.send(topic, b"x")[0].offset)])
    consumer.poll(10)
    kafka_records.take(topic)
    for _ in range(ROUNDS):
        ours = milliseconds(both)
        consumer.poll(10)
        theirs = milliseconds(by_hand)
        kafka_records.take(topic)
        found["record"].append((ours, theirs))
    consumer.close()
    medians = {name: [median(side) for side in zip(*pairs)] for name, pairs in found.items()}
    Path("medians.json").write_text(json.dumps(medians))
"""


# What one process, or each of two workers, measures of the fixture at the same time.
_TOPICS = """
import os
import time
from pathlib import Path
from statistics import median


def test_topics(kafka_topic_factory):
    kafka_topic_factory()
    found = []
    for _ in range(40):
        began = time.perf_counter()
        kafka_topic_factory()
        found.append(1000 * (time.perf_counter() - began))
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    Path(f"{worker}.median").write_text(str(median(found)))
"""


def _environ(ours: Workspace) -> Mapping[str, str]:
    """Return the environment of a run: the plugins that are named, and no others."""
    return {**ours.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run_pytest(ours: Workspace, text: str, *arguments: str, plugin: bool = True) -> float:
    """Run pytest on one file, as a whole process; return its seconds."""
    (ours.path / "test_measured.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", *_QUIET, *(_PLUGIN if plugin else ()), *arguments]
    return timed(command, cwd=ours.path, environ=_environ(ours), timeout_s=300).seconds


@row(
    "pytest-one",
    what="pytest on one test that sends and takes a record",
    against="up, plain confluent-kafka and down --wipe",
    limit=1.3,
)
def one(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both until everything is stopped and deleted."""
    with surroundings.workspace() as ours:
        script = ours.path / "by_hand.py"
        script.write_text(_BY_HAND.replace("PORT", str(ours.port)), encoding="utf-8")
        for _ in range(pairs):
            seconds = run_pytest(ours, ONE)
            alternative = ours.command("up").seconds
            command = [sys.executable, str(script)]
            alternative += timed(command, cwd=ours.path, environ=ours.environ).seconds
            alternative += ours.command("down", "--wipe", "--yes").seconds
            yield Pair(seconds, alternative)


@row(
    "pytest-keep",
    what="the same on the cluster that --kafka-keep left",
    against="pytest on an empty test",
    limit=520,
    unit="ms",
    compare="difference",
    repeats=3,
)
def keep(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes; the first run, which starts the cluster, does not count."""
    with surroundings.workspace() as ours:
        try:
            run_pytest(ours, ONE, "--kafka-keep")
            for _ in range(pairs):
                seconds = run_pytest(ours, ONE, "--kafka-keep")
                yield _milliseconds(seconds, run_pytest(ours, _EMPTY, plugin=False))
        finally:
            run_pytest(ours, _EMPTY, "--kafka-fresh")


@row(
    "pytest-200",
    what="200 tests with a topic each, two xdist workers",
    against="the same in one process",
    limit=1.0,
)
def two_hundred(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole runs, each with a cluster of its own."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            seconds = run_pytest(ours, _MANY, "-p", "xdist.plugin", "-n2")
            yield Pair(seconds, run_pytest(ours, _MANY))


def _milliseconds(ours: float, alternative: float) -> Pair:
    return Pair(1000 * ours, 1000 * alternative)


def _inside(surroundings: Surroundings, pairs: int, name: str) -> Iterator[Pair]:
    """Yield the medians of what a run measured inside."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            run_pytest(ours, _INSIDE)
            yield Pair(*json.loads(Path(ours.path, "medians.json").read_text())[name])


@row(
    "pytest-topic",
    what="kafka_topic: created, with a leader",
    against="create_topics and list_topics until there is a leader",
    limit=10,
    unit="ms",
    compare="difference",
)
def topic(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the median of 20 topics on clients that have worked before."""
    return _inside(surroundings, pairs, "topic")


@row(
    "pytest-topic-two",
    what="kafka_topic in two xdist workers at once, the slower of them",
    against="kafka_topic in one process",
    limit=15,
    unit="ms",
    compare="difference",
)
def topic_two(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the median of 40 topics in each worker, on one cluster."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            run_pytest(ours, _TOPICS, "-p", "xdist.plugin", "--dist=each", "--tx=2*popen")
            run_pytest(ours, _TOPICS)
            medians = {path.stem: float(path.read_text()) for path in ours.path.glob("*.median")}
            yield Pair(max(medians["gw0"], medians["gw1"]), medians["main"])


@row(
    "pytest-record",
    what="kafka_records: send one record and take it",
    against="produce, flush and poll of plain clients",
    limit=10,
    unit="ms",
    compare="difference",
)
def record(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the median of 20 records on clients that have worked before."""
    return _inside(surroundings, pairs, "record")
