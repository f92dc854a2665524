"""Which lines of a log tell what went wrong."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

# How far back the cause may lie: a server that gives up logs its whole shutdown after it.
WINDOW = 400
_LOUD = re.compile(r"\b(?:ERROR|FATAL)\b|^Caused by: |^Error: |Exception: |No space left on device")
# The first line that each server writes, after what the images' preflight says.
_BEGINS = re.compile(
    r"Registered kafka:type=kafka\.Log4jController MBean|Reading configuration from: "
)
_MOMENT = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,(\d{3}))?")


def telling(lines: Sequence[str], limit: int = 12) -> list[str]:
    """Return up to `limit` lines of the last start: those that name an error, and the last."""
    lines = last_start(lines)
    loud = [index for index, line in enumerate(lines) if _LOUD.search(line)][: limit * 2 // 3]
    rest = range(max(0, len(lines) - (limit - len(loud))), len(lines))
    return [lines[index] for index in sorted({*loud, *rest})]


def name_an_error(lines: Sequence[str]) -> bool:
    """Return whether any of these lines names an error."""
    return any(map(_LOUD.search, lines))


def last_start(lines: Sequence[str], since: float | None = None) -> list[str]:
    """Return the lines since the server last started, with its JVM's own before it could log.

    With `since`, seconds since the epoch, log lines of a start before that are left out too.
    """
    logged = next((n for n, line in enumerate(lines) if _MOMENT.match(line)), len(lines))
    said, log = list(lines[:logged]), list(lines[logged:])
    begins = [number for number, line in enumerate(log) if _BEGINS.search(line)]
    if begins:
        log = log[begins[-1] :]
    if since is not None and log and (moment := _moment(log[0])) is not None and moment < since - 1:
        log = []
    return said + log


def after(lines: Sequence[str], moment: float) -> list[str]:
    """Return the log lines from a moment on, in seconds since the epoch, with what belongs to them.

    A line without a time belongs to the one before it.
    """
    for number, line in enumerate(lines):
        found = _moment(line)
        if found is not None and found >= moment - 0.001:
            return list(lines[number:])
    return []


def _moment(line: str) -> float | None:
    match = _MOMENT.match(line)
    try:
        if match is None:
            return None
        seconds = time.mktime(time.strptime(match[1], "%Y-%m-%d %H:%M:%S"))
        return seconds + int(match[2] or 0) / 1000
    except (ValueError, OverflowError):
        return None
