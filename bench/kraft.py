"""Rows about Kafka 4, and about the repair of a killed broker in both modes."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator

import psutil

from bench.children import timed
from bench.quorum_by_hand import QuorumByHand
from bench.rows import Pair, row
from bench.surroundings import Servers, Surroundings, Workspace, console, servers

_KAFKA_4 = {"KAFKA_TASKS_VERSION": "4.4"}


def fetched_kafka_4(surroundings: Surroundings) -> Servers:
    """Return Kafka 4 as kafka-tasks would start it, with jars and class archives in the cache."""
    environ = {**surroundings.environ, **_KAFKA_4}
    timed([console("kafka-tasks"), "pull"], cwd=surroundings.root, environ=environ, timeout_s=900)
    return servers(surroundings.root, environ)


@row(
    "kraft-up",
    what="kafka-tasks up of Kafka 4.4, from the prompt to ready",
    against="kafka-storage format and kafka.Kafka by hand, polled every 20 ms",
    limit=0.45,
)
def up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure starts on empty data, kafka-tasks as a whole process."""
    kafka = fetched_kafka_4(surroundings)
    with surroundings.workspace(_KAFKA_4) as ours, QuorumByHand(surroundings, kafka) as theirs:
        for _ in range(pairs):
            seconds = ours.command("up").seconds
            ours.wipe()
            alternative = theirs.start()
            theirs.wipe()
            yield Pair(seconds, alternative)


@row(
    "kraft-up-second",
    what="the same",
    against="1 s",
    limit=1.0,
)
def up_second(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the same start against a second by the clock."""
    fetched_kafka_4(surroundings)
    with surroundings.workspace(_KAFKA_4) as ours:
        for _ in range(pairs):
            yield Pair(ours.command("up").seconds, 1.0)
            ours.wipe()


@row(
    "kraft-three",
    what="kafka-tasks up of Kafka 4.4 with three brokers",
    against="three nodes by hand, until each answers",
    limit=0.5,
)
def three(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure starts of three combined nodes on empty data."""
    kafka = fetched_kafka_4(surroundings)
    settings = {**_KAFKA_4, "KAFKA_TASKS_BROKERS": "3"}
    with surroundings.workspace(settings) as ours, QuorumByHand(surroundings, kafka, 3) as theirs:
        for _ in range(pairs):
            seconds = ours.command("up").seconds
            ours.wipe()
            alternative = theirs.start()
            theirs.wipe()
            yield Pair(seconds, alternative)


@row(
    "kraft-killed",
    what="SIGKILL of the only node of Kafka 4.4, then kafka-tasks up",
    against="the same by hand, with Kafka's session of 9 s",
    limit=0.25,
)
def killed(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the repair, from the prompt to ready."""
    kafka = fetched_kafka_4(surroundings)
    with surroundings.workspace(_KAFKA_4) as ours, QuorumByHand(surroundings, kafka) as theirs:
        for _ in range(pairs):
            seconds = _repaired(ours)
            ours.wipe()
            theirs.start()
            theirs.kill()
            alternative = theirs.again()
            theirs.wipe()
            yield Pair(seconds, alternative)


@row(
    "zookeeper-killed",
    what="SIGKILL of the only broker in ZooKeeper mode, then kafka-tasks up",
    against="2.5 s",
    limit=1.0,
)
def zookeeper_killed(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the repair, from the prompt to ready; the session is Kafka's own 18 s."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            yield Pair(_repaired(ours), 2.5)
            ours.wipe()


def _repaired(ours: Workspace) -> float:
    """Start, kill the broker, and return the seconds of the next `up`."""
    found = json.loads(ours.command("up", "--output", "json").output)
    (pid,) = (each["pid"] for each in found["services"] if each["name"] == "kafka")
    broker = psutil.Process(pid)
    os.kill(pid, signal.SIGKILL)
    psutil.wait_procs([broker], timeout=30)
    return ours.command("up").seconds
