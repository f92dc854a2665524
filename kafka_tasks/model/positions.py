"""Where in a log: `start`, `end`, `+N`, `-N`, `@TIMESTAMP` or an offset, as people type it."""

from __future__ import annotations

import re
import time
from datetime import datetime
from typing import Literal

from msgspec import Struct

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topic import Offsets

_UNITS_MS = {
    "ms": 1,
    "s": 1000,
    "m": 60_000,
    "h": 3_600_000,
    "d": 86_400_000,
    "w": 604_800_000,
}
_AGO = re.compile(r"-((?:\d{1,12}(?:ms|[smhdw]))+)", re.ASCII)
_PART = re.compile(r"(\d+)(ms|[smhdw])", re.ASCII)
# Numbers of this length are seconds or a date that somebody took for milliseconds.
_DOUBTFUL = re.compile(r"\d{8,10}", re.ASCII)
_DIGITS = re.compile(r"\d{1,19}", re.ASCII)
_LAST_MS = 253_402_300_799_999
_LAST_OFFSET = 2**63 - 1
_MOMENTS = "@2026-01-31T12:00, @2026-01-31T12:00Z, @1767225600000 (milliseconds) or @-2h"

_Kind = Literal["start", "end", "after-start", "before-end", "time", "offset"]


class Position(Struct, frozen=True):
    """A place in a log; `number` is a count of records, milliseconds since the epoch, or an offset.

    `after-start` and `before-end` count from the first and from the next offset of a partition.
    """

    kind: _Kind
    number: int = 0

    def offset_in(self, log: Offsets, at_time: int | None = None) -> int:
        """Return the offset that it means in this partition, within its range.

        `at_time` is the first offset at or after the moment of a `time`; None where every record
        is older, which means the end.
        """
        meant = {
            "start": log.start,
            "end": log.end,
            "after-start": log.start + self.number,
            "before-end": log.end - self.number,
            "time": log.end if at_time is None or at_time < 0 else at_time,
            "offset": self.number,
        }[self.kind]
        return min(max(meant, log.start), log.end)


def parse_position(text: str, *, flag: str = "--to", now: float | None = None) -> Position:
    """Read `start|end|+N|-N|@TIMESTAMP|OFFSET`; raises `InvalidInput`, which names `flag`."""
    typed = text.strip()
    if typed in ("start", "end"):
        return Position("start" if typed == "start" else "end")
    if typed.startswith("@"):
        return Position("time", parse_moment(typed, now))
    kinds: dict[str, _Kind] = {"+": "after-start", "-": "before-end"}
    kind = kinds.get(typed[:1], "offset")
    digits = typed if kind == "offset" else typed[1:]
    if not _DIGITS.fullmatch(digits) or int(digits) > _LAST_OFFSET:
        raise InvalidInput(
            f"{flag} is {text!r}; allowed: start, end, +N (N after the start), "
            "-N (the last N), @TIMESTAMP or an offset.",
            hint=f"{flag} start, or {flag} @-2h",
        )
    return Position(kind, int(digits))


def parse_moment(text: str, now: float | None = None) -> int:
    """Return milliseconds since the epoch for ISO 8601 (local time where it has no zone), epoch
    milliseconds, or a time ago such as `-2h` or `-1d12h`; a leading `@` is ignored.

    `now` is in seconds since the epoch, as `time.time()` has it. Raises `InvalidInput`.
    """
    typed = text.strip().removeprefix("@").strip()
    found = _moment(typed, time.time() if now is None else now)
    if found is None or not 0 <= found <= _LAST_MS:
        raise InvalidInput(f"{text!r} is not a time.", hint=_MOMENTS)
    return found


def _moment(typed: str, now: float) -> int | None:
    if typed == "now":
        return round(now * 1000)
    if ago := _AGO.fullmatch(typed):
        return round(now * 1000) - sum(
            int(count) * _UNITS_MS[unit] for count, unit in _PART.findall(ago[1])
        )
    if _DOUBTFUL.fullmatch(typed):
        raise InvalidInput(
            f"@{typed} could be a date or seconds; a bare number is milliseconds since 1970.",
            hint=f"@{typed}000 for seconds, or {_MOMENTS}",
        )
    if _DIGITS.fullmatch(typed):
        return int(typed)
    try:
        return round(datetime.fromisoformat(typed).timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
