"""A command of the user that prints a password or a token."""

from __future__ import annotations

import contextlib
import shlex
import subprocess

import psutil
from msgspec import Struct

from kafka_tasks.errors import MachineError

_LIMIT_S = 60.0


class Printed(Struct, frozen=True):
    """What a command has printed; `output` is secret, and `errors` may be shown."""

    code: int
    output: str
    errors: str = ""


def run(line: str, *, limit_s: float = _LIMIT_S, keeps_errors: bool = False) -> Printed:
    """Run a command line, without a shell and without stdin, until it exits.

    Its stderr is the user's, unless it is kept. After `limit_s`, and a minute at most, it is killed
    with all that it has started. Raises `MachineError`, which names it without its arguments.
    """
    arguments, limit_s = shlex.split(line), min(limit_s, _LIMIT_S)
    try:
        with subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if keeps_errors else None,
            text=True,
            errors="replace",
        ) as child:
            try:
                output, errors = child.communicate(timeout=limit_s)
            except BaseException:
                _kill(child)
                raise
    except subprocess.TimeoutExpired as error:
        raise MachineError(f"{arguments[0]} did not exit within {limit_s:g} s.") from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise MachineError(f"{arguments[0]} cannot be run: {said}.") from error
    return Printed(child.returncode, output, errors or "")


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill a command and its descendants, which would keep its pipes open."""
    with contextlib.suppress(psutil.Error):
        for each in psutil.Process(child.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                each.kill()
    child.kill()
