"""Rows about the compose runtime: kafka-tasks and the old Compose file on the same images."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from pathlib import Path

from bench.baseline import IMAGES, Baseline, require_images
from bench.children import Unmeasured, timed
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace, console

_IDLE_S = 60.0
# The settings of Confluent Platform 8.
KRAFT = {
    "KAFKA_TASKS_RUNTIME": "compose",
    "KAFKA_TASKS_VERSION": "8.3",
    "KAFKA_TASKS_KAFKA_IMAGE": "kafka-tasks-test/cp-kafka:4.3",
    "KAFKA_TASKS_CONTROLLER_PORT": "auto",
}


@contextlib.contextmanager
def _both(surroundings: Surroundings) -> Iterator[tuple[Workspace, Baseline]]:
    """Yield an empty kafka-tasks project and one with the old file, on the same images."""
    require_images(surroundings.environ)
    own = {f"KAFKA_TASKS_{name}": image for name, image in IMAGES.items()}
    settings = {**own, "KAFKA_TASKS_RUNTIME": "compose"}
    with surroundings.workspace(settings) as ours, Baseline(surroundings) as theirs:
        yield ours, theirs


@row(
    "compose-up",
    what="kafka-tasks up --runtime compose, images present, empty volumes",
    against="docker compose up -d --wait of the old file",
    limit=0.35,
)
def up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure a start from the prompt to ready, with empty volumes."""
    with _both(surroundings) as (ours, theirs):
        for _ in range(pairs):
            seconds = _started(ours)
            alternative = theirs.compose("up", "-d", "--wait").seconds
            theirs.wipe()
            yield Pair(seconds, alternative)


@row(
    "compose-kraft-up",
    what="kafka-tasks up in KRaft mode, Confluent Platform 8, empty volumes",
    against="the same with KAFKA_TASKS_LAUNCH=image",
    limit=0.5,
)
def kraft_up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both ways to start the server, on empty volumes."""
    require_images(surroundings.environ, "4.3")
    direct = surroundings.workspace(KRAFT)
    image = surroundings.workspace({**KRAFT, "KAFKA_TASKS_LAUNCH": "image"})
    with direct as ours, image as theirs:
        # Every start but an image's first has its rehearsal.
        ours.command("pull")
        for _ in range(pairs):
            seconds = [_started(workspace) for workspace in (ours, theirs)]
            yield Pair(*seconds)


def _started(workspace: Workspace) -> float:
    """Return the seconds of `up` on empty volumes, and delete what it made."""
    seconds = workspace.command("up").seconds
    workspace.wipe()
    return seconds


@row(
    "compose-up-ready",
    what="kafka-tasks up on a ready cluster in containers",
    against="a no-op docker compose up -d and invoke --list of an empty file",
    limit=1.8,
    repeats=3,
)
def up_ready(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure `up` on clusters that are ready all the time."""
    empty = surroundings.directory("empty-")
    (empty / "tasks.py").touch()
    listing = [console("invoke"), "--list"]
    with _both(surroundings) as (ours, theirs):
        ours.command("up")
        theirs.compose("up", "-d", "--wait")
        for _ in range(pairs):
            seconds = ours.command("up").seconds
            idle = theirs.compose("up", "-d").seconds
            listed = timed(listing, cwd=empty, environ=surroundings.environ, codes=(0, 1))
            yield Pair(seconds, idle + listed.seconds)


@row(
    "compose-restart",
    what="kafka-tasks restart in containers",
    against="docker compose restart of the old file (and up if it dies), until healthy",
    limit=0.6,
)
def restart(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure restarts of clusters that are ready."""
    with _both(surroundings) as (ours, theirs):
        ours.command("up")
        theirs.compose("up", "-d", "--wait")
        for _ in range(pairs):
            yield Pair(ours.command("restart").seconds, theirs.restart())


@row(
    "compose-idle",
    what="CPU of the idle containers over a minute",
    against="the old file",
    limit=0.15,
)
def idle(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both in the same idle minute, health checks included; two minutes at most."""
    with _both(surroundings) as (ours, theirs):
        report = json.loads(ours.command("up", "--output", "json").output)
        own = [service["container"] for service in report["services"]]
        theirs.compose("up", "-d", "--wait")
        time.sleep(10)
        for _ in range(min(pairs, 2)):
            before = _cpu_s(own), _cpu_s(theirs.containers())
            time.sleep(_IDLE_S)
            after = _cpu_s(own), _cpu_s(theirs.containers())
            yield Pair(after[0] - before[0], after[1] - before[1])


def _cpu_s(containers: list[str]) -> float:
    """Return the containers' CPU seconds so far, from the kernel's accounting."""
    return sum(_usage_s(identifier) for identifier in containers)


def _usage_s(identifier: str) -> float:
    places = (
        (Path("/sys/fs/cgroup/docker") / identifier / "cpu.stat", _version_two),
        (Path(f"/sys/fs/cgroup/system.slice/docker-{identifier}.scope/cpu.stat"), _version_two),
        (Path("/sys/fs/cgroup/cpuacct/docker") / identifier / "cpuacct.usage", _version_one),
    )
    for path, read in places:
        if path.exists():
            return read(path.read_text())
    raise Unmeasured("the kernel has no CPU accounting of the containers")


def _version_two(text: str) -> float:
    return int(text.split("usage_usec ")[1].split()[0]) / 1e6


def _version_one(text: str) -> float:
    return int(text) / 1e9


@row(
    "compose-topic",
    what="kafka.topic, created and proven, as a whole process",
    against="docker compose exec kafka kafka-topics --create, without a proof",
    limit=0.6,
    repeats=2,
)
def topic(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the creation of a new topic on warm brokers."""
    with _both(surroundings) as (ours, theirs):
        ours.command("up")
        theirs.compose("up", "-d", "--wait")
        create = ("exec", "-T", "kafka", "kafka-topics", "--bootstrap-server", "localhost:9092")
        for number in range(pairs):
            name = f"bench-{number}"
            seconds = ours.command("topic", "--name", name).seconds
            created = theirs.compose(*create, "--create", "--topic", name)
            yield Pair(seconds, created.seconds)
