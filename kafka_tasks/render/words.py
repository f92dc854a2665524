"""Numbers as a person reads them: counts, durations and sizes."""

from __future__ import annotations

from collections.abc import Sequence

# So many names a sentence lists.
_NAMED = 10


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: 1 topic, 2 topics."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def some(names: Sequence[str], noun: str) -> str:
    """Return how many there are, and the first ten of them by name."""
    more = ", …" if len(names) > _NAMED else ""
    return f"{counted(len(names), noun)} ({', '.join(names[:_NAMED])}{more})"


def duration(seconds: float | None) -> str:
    """Return a time in its largest whole unit: 12 s, 3 min, 4 h, 2 d."""
    if seconds is None:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"


def size(count: int) -> str:
    """Return a number of bytes: 980 bytes, 12 kB, 3.4 MB, 1.2 GB."""
    if count < 1000:
        return f"{count} bytes"
    for power, unit in ((1e6, "kB"), (1e9, "MB"), (1e12, "GB")):
        if count < power:
            value = count / (power / 1000)
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count / 1e12:.1f} TB"
