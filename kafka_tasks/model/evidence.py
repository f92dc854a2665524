"""Which lines of a log tell what went wrong."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Iterator, Sequence

# How far back the cause may lie: a server that gives up logs its whole shutdown after it.
WINDOW = 400
_LOUD = re.compile(r"\b(?:ERROR|FATAL)\b|^Caused by: |^Error: |Exception: |No space left on device")
# The first line that each server writes, after what the images' preflight says.
_BEGINS = re.compile(
    r"Registered kafka:type=kafka\.Log4jController MBean|Reading configuration from: "
)
_MOMENT = re.compile(r"\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:,(\d{3}))?")
_WARNS = re.compile(r"\[[^]]*\] (?:WARN|ERROR|FATAL)\b")
# Who joined and left a group, and which transactions began: what clients see of a broker.
_COORDINATES = re.compile(
    r"\[[^]]*\] INFO \[(?:Group|Transaction)Coordinator [^]]*\]:? .*"
    r"\b(?:group|transactionalId) (?!coordinator\b)"
)
# Of a stack trace, the exception and the frames that tell it from another.
_OF_ONE_ENTRY = 5


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


def after(lines: Sequence[str], moment: float, *, utc: bool = False) -> list[str]:
    """Return the log lines from a moment on, in seconds since the epoch, with what belongs to them.

    A line without a time belongs to the one before it. `utc` says that the log is in UTC, as in
    containers, and not in the time zone of this machine.
    """
    for number, line in enumerate(lines):
        found = _moment(line, utc=utc)
        if found is not None and found >= moment - 0.001:
            return list(lines[number:])
    return []


def _moment(line: str, *, utc: bool = False) -> float | None:
    match = _MOMENT.match(line)
    try:
        if match is None:
            return None
        parts = time.strptime(match[1], "%Y-%m-%d %H:%M:%S")
        seconds = calendar.timegm(parts) if utc else time.mktime(parts)
        return seconds + int(match[2] or 0) / 1000
    except (ValueError, OverflowError):
        return None


def noteworthy(lines: Sequence[str], limit: int) -> list[str]:
    """Return up to `limit` lines that a client's failure may come from, and how many more are left.

    Warnings and worse have the room first, then what coordinators say of groups and transactions.
    The order is that of the log; of each entry, the first lines.
    """
    entries = list(_entries(lines))
    loud = [n for n, entry in enumerate(entries) if _WARNS.match(entry[0])]
    quiet = [n for n, entry in enumerate(entries) if _COORDINATES.match(entry[0])]
    kept: list[int] = []
    for number in (*loud, *quiet):
        if sum(len(entries[each]) for each in (*kept, number)) <= limit:
            kept.append(number)
    left = len(loud) + len(quiet) - len(kept)
    more = [f"… and {left} more like these"] if left else []
    return [line for number in sorted(kept) for line in entries[number]] + more


def _entries(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield each log line with the lines without a time after it, such as a stack trace."""
    entry: list[str] = []
    for line in lines:
        if _MOMENT.match(line) and entry:
            yield entry[:_OF_ONE_ENTRY]
            entry = []
        entry.append(line)
    if entry:
        yield entry[:_OF_ONE_ENTRY]
