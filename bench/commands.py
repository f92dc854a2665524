"""Rows about the most frequent commands, which have nothing to do."""

from __future__ import annotations

import compileall
from collections.abc import Iterator
from pathlib import Path

from bench.children import Unmeasured, timed
from bench.rows import Pair, row
from bench.surroundings import CHECKOUT, Surroundings, console

_REPEATS = 3


@row(
    "up-ready",
    what="kafka-tasks up on a ready cluster",
    against="invoke --list with an empty tasks.py",
    limit=1.9,
    repeats=_REPEATS,
)
def up_ready(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure `up` on a cluster that is ready all the time."""
    empty = _empty(surroundings)
    with surroundings.workspace() as ours:
        ours.command("up")
        for _ in range(pairs):
            seconds = ours.command("up").seconds
            yield Pair(seconds, _list_empty(surroundings, empty))


@row(
    "list",
    what="invoke --list in this checkout",
    against="invoke --list with an empty tasks.py",
    limit=1.2,
    repeats=_REPEATS,
)
def list_tasks(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the cost of the tasks before any of them runs."""
    empty = _empty(surroundings)
    arguments = [console("invoke"), "--list"]
    for _ in range(pairs):
        listed = timed(arguments, cwd=CHECKOUT, environ=surroundings.environ)
        if "kafka.topic.create" not in listed.output:
            raise Unmeasured("invoke --list does not show the tasks")
        yield Pair(listed.seconds, _list_empty(surroundings, empty))


@row(
    "doctor",
    what="kafka-tasks doctor on a healthy machine with a ready cluster",
    against="1.5 s",
    limit=1.0,
    repeats=_REPEATS,
)
def doctor(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure an examination with all checks, as a whole process."""
    with surroundings.workspace() as ours:
        ours.command("up")
        for _ in range(pairs):
            yield Pair(ours.command("doctor").seconds, 1.5)


def _empty(surroundings: Surroundings) -> Path:
    path = surroundings.directory("empty-")
    (path / "tasks.py").touch()
    compileall.compile_dir(path, quiet=2)
    return path


def _list_empty(surroundings: Surroundings, empty: Path) -> float:
    """Return the seconds of `invoke --list`, which exits with 1 without tasks."""
    arguments = [console("invoke"), "--list"]
    return timed(arguments, cwd=empty, environ=surroundings.environ, codes=(0, 1)).seconds
