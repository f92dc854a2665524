"""Child processes: timed from outside, and stopped together with their children."""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


class Unmeasured(Exception):
    """A measurement failed; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Timed:
    """The duration and output of a finished command.

    `cpu_s` are the seconds of CPU that it took, with those of the children that it waited for.
    """

    seconds: float
    output: str
    cpu_s: float


def timed(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    codes: Sequence[int] = (0,),
    timeout_s: float = 120,
) -> Timed:
    """Run a command and time the whole process; raises `Unmeasured` for an unexpected exit code.

    The command has its own session, so that Ctrl-C reaches it only through this process.
    """
    before_s = _children_cpu_s()
    started = time.perf_counter()
    child = subprocess.Popen(
        arguments,
        cwd=cwd,
        env=dict(environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, errors = child.communicate(timeout=timeout_s)
        seconds = time.perf_counter() - started
    except BaseException as error:
        with uninterrupted():
            _terminate(child, signal.SIGINT)
        if isinstance(error, subprocess.TimeoutExpired):
            raise Unmeasured(f"{_shown(arguments)} took longer than {timeout_s:g} s") from error
        raise
    if child.returncode not in codes:
        message = " | ".join((errors or output).strip().splitlines()[-6:])
        raise Unmeasured(f"{_shown(arguments)} exited with {child.returncode}: {message}")
    return Timed(seconds, output, _children_cpu_s() - before_s)


def _children_cpu_s() -> float:
    """Return the CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shown(arguments: Sequence[str]) -> str:
    return " ".join([Path(arguments[0]).name, *arguments[1:]])


def spawn(
    arguments: Sequence[str], *, cwd: Path, environ: Mapping[str, str], output: Path
) -> subprocess.Popen[bytes]:
    """Start a process in the background; `stop` stops it."""
    with open(output, "ab") as stream:
        return subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )


def stop(child: subprocess.Popen[bytes]) -> None:
    """Send SIGTERM, and SIGKILL after 20 s; returns once the process has exited."""
    _terminate(child, signal.SIGTERM)


def _terminate(
    child: subprocess.Popen[bytes] | subprocess.Popen[str], number: signal.Signals
) -> None:
    if child.poll() is not None:
        return
    child.send_signal(number)
    try:
        child.wait(20)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def resident_mb(pids: Sequence[int]) -> float:
    """Return the total resident memory of the processes, in MB."""
    try:
        return sum(psutil.Process(pid).memory_info().rss for pid in pids) / 1e6
    except psutil.Error as error:
        raise Unmeasured(f"a process exited before its memory was read: {error}") from error


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Ignore further signals during the clean-up after the first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, signal.SIG_IGN) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
