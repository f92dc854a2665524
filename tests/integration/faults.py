"""Runs `kafka-tasks` with one fault in it: `faults.py FAULT WHERE kafka-tasks-arguments…`.

A fault at an exact place, where a signal sent from outside would be a matter of luck.
"""

from __future__ import annotations

import itertools
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Seconds for which a layer is held, unless a signal ends that.
HELD_S = 60.0


def at_layer(layer: str, act: Callable[[], object]) -> None:
    """Do this in the main thread when the command begins to wait for a layer."""
    from kafka_tasks.model.events import Recorder

    emit = Recorder.emit

    def faulty(self: Recorder, kind: Any, text: str = "", **details: Any) -> None:
        emit(self, kind, text, **details)
        if kind == "started" and details.get("layer") == layer:
            act()

    Recorder.emit = faulty  # type: ignore[method-assign]


def after_call(module: Any, name: str, count: int, number: signal.Signals) -> None:
    """Send this process a signal right after the `count`th call of a function."""
    original = getattr(module, name)
    calls = 0

    def faulty(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        result = original(*arguments, **options)
        calls += 1
        if calls == count:
            os.kill(os.getpid(), number)
        return result

    setattr(module, name, faulty)


def at_clock(jump_s: int) -> None:
    """Let the wall clock jump by so many seconds, to and fro, with every look at it."""
    real, looks = time.time, itertools.count()

    def jumping() -> float:
        return real() + jump_s * (next(looks) % 2)

    time.time = jumping


def slow_fetch(seconds: int) -> None:
    """Let each download of a jar take so many seconds more, by every clock that asks how long."""
    real, slept = time.monotonic, 0
    time.monotonic = lambda: real() + slept
    from kafka_tasks.clients import maven

    fetch = maven.fetch

    def slow(coordinates: str, expected_sha256: str, target: Path) -> None:
        nonlocal slept
        fetch(coordinates, expected_sha256, target)
        slept += seconds

    maven.fetch = slow


def at_call(place: str, number: signal.Signals) -> None:
    """Send the signal after a call of any function: `module:name@count`, `module:Class.name@count`.

    Its result is lost, as it is when a signal comes at that moment.
    """
    path, _, count = place.partition("@")
    module, _, name = path.partition(":")
    owner, _, attribute = name.rpartition(".")
    after_call(pkgutil.resolve_name(f"{module}:{owner}"), attribute, int(count), number)


def main(fault: str, where: str, *arguments: str) -> None:
    """Put the fault in and run the command line."""
    if fault == "slow-fetch":
        # Whatever keeps the clock is imported after it.
        slow_fetch(int(where))
    from kafka_tasks.__main__ import main as command
    from kafka_tasks.clients import processes
    from kafka_tasks.project import state

    name, _, moment = fault.partition("-")
    number = signal.Signals.__members__.get(f"SIG{name.upper()}", signal.SIGINT)
    if fault == "clock-jump":
        at_clock(int(where))
    elif fault == "patient-completion":
        from kafka_tasks.tasks import completion

        completion._ANSWER_S = float(where)
    elif fault == "hold-layer":
        at_layer(where, lambda: time.sleep(HELD_S))
    elif moment == "layer":
        at_layer(where, lambda: os.kill(os.getpid(), number))
    elif moment == "spawn":
        after_call(processes, "spawn_detached", int(where), number)
    elif moment == "record":
        after_call(state, "write", int(where), number)
    elif moment == "call":
        at_call(where, number)
    elif fault != "slow-fetch":
        raise SystemExit(f"no such fault: {fault}")
    sys.argv = ["kafka-tasks", *arguments]
    command()


if __name__ == "__main__":
    main(*sys.argv[1:])
