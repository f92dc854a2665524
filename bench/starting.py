"""Rows about starts: `up`, `restart`, and the wait inside `up`."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from bench.by_hand import ByHand
from bench.children import timed
from bench.observer import Observer
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace


@row(
    "up",
    what="kafka-tasks up, from the prompt to ready",
    against="the same two JVMs by hand, polled every 20 ms",
    limit=0.5,
)
def up(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure starts on empty data, kafka-tasks as a whole process."""
    with surroundings.workspace() as ours, ByHand(surroundings) as theirs:
        for _ in range(pairs):
            seconds = ours.command("up").seconds
            ours.wipe()
            alternative = theirs.start()
            theirs.wipe()
            yield Pair(seconds, alternative)


@row(
    "wait",
    what="the end of the wait in up",
    against="a second observer that polls every 20 ms",
    unit="ms",
    limit=100,
    compare="difference",
)
def wait(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure both from the start of kafka-tasks' process."""
    with surroundings.workspace() as ours:
        for _ in range(pairs):
            started = time.monotonic()
            with contextlib.closing(Observer(ours.port)) as observer:
                ready_at = _ready_at(ours)
                seen_at = observer.first_seen()
            ours.wipe()
            yield Pair((ready_at - started) * 1000, (seen_at - started) * 1000)


def _ready_at(ours: Workspace) -> float:
    """Run `up` through the Python API in its own process; return when the cluster was ready."""
    script = Path(__file__).with_name("ready_moment.py")
    done = timed([sys.executable, str(script)], cwd=ours.path, environ=ours.environ)
    return float(json.loads(done.output)["ready_at"])


@row(
    "restart",
    what="kafka-tasks restart",
    against="stopping and starting the two JVMs by hand",
    limit=0.75,
)
def restart(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure restarts of ready clusters; only one of the two runs at a time."""
    with surroundings.workspace() as ours, ByHand(surroundings) as theirs:
        for _ in range(pairs):
            ours.command("up")
            seconds = ours.command("restart").seconds
            ours.wipe()
            theirs.start()
            started = time.monotonic()
            theirs.stop()
            stopped = time.monotonic() - started
            alternative = stopped + theirs.start()
            theirs.wipe()
            yield Pair(seconds, alternative)
