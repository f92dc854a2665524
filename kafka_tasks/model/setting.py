"""One setting of a broker or a topic: its type and the values it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BITS = {"short": 15, "int": 31, "long": 63}
_REPLICAS = re.compile(r"\d+:\d+", re.ASCII)
# Throttles are lists of partition:replica, or a star; the tables do not say so.
_THROTTLES = ("follower.replication.throttled.replicas", "leader.replication.throttled.replicas")
_FORMAT = "message.format.version"
_WHOLE = re.compile(r"[+-]?[0-9]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as a broker knows it: bounds are inclusive, `allowed` are whole words."""

    type: str
    default: str = ""
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] = ()


def widest(one: Setting, other: Setting) -> Setting:
    """Return a setting that takes what either takes; type and default are the other's."""
    lowest = None if one.min is None or other.min is None else min(one.min, other.min)
    highest = None if one.max is None or other.max is None else max(one.max, other.max)
    both = bool(one.allowed and other.allowed)
    words = tuple(dict.fromkeys((*one.allowed, *other.allowed))) if both else ()
    return Setting(other.type, other.default, lowest, highest, words)


def refusal(key: str, value: str, entry: Setting) -> str | None:
    """Return why a broker refuses a value of this setting, or None."""
    if key in _THROTTLES:
        parts = [part.strip() for part in value.split(",") if part.strip()]
        good = value.strip() in ("", "*") or all(map(_REPLICAS.fullmatch, parts))
        return None if good else f"{key} is {value!r}; allowed: *, or a list of partition:broker"
    if entry.type in _BITS or entry.type == "double":
        return _number(key, value, entry)
    if entry.type == "boolean":
        good = value.strip().lower() in ("true", "false")
        return None if good else f"{key} is {value!r}; allowed: true, false"
    if not entry.allowed:
        return None
    if key == _FORMAT and _known_format(value.strip(), entry.allowed):
        return None
    words = [word.strip() for word in (value.split(",") if entry.type == "list" else [value])]
    if entry.type == "list" and value.strip() == "":
        words = []
    if all(word in entry.allowed for word in words):
        return None
    several = "a list of " if entry.type == "list" else ""
    return f"{key} is {value!r}; allowed: {several}{', '.join(entry.allowed)}"


def _known_format(value: str, allowed: tuple[str, ...]) -> bool:
    """Return whether Kafka takes a message format: 2.8.1 is 2.8, which is the last of 2.8-IV…."""
    parts = value.split(".")
    line = ".".join(parts[: 3 if value.startswith("0.") else 2])
    return line in allowed or any(name.startswith(f"{line}-IV") for name in allowed)


def _number(key: str, value: str, entry: Setting) -> str | None:
    found: float
    try:
        if "_" in value or (entry.type in _BITS and not _WHOLE.fullmatch(value.strip())):
            raise ValueError
        found = float(value) if entry.type == "double" else int(value.strip())
        if entry.type in _BITS and not -(2 ** _BITS[entry.type]) <= found < 2 ** _BITS[entry.type]:
            raise ValueError
    except ValueError:
        kind = "a number" if entry.type == "double" else f"a whole number ({entry.type})"
        return f"{key} is {value!r}, which is not {kind}"
    if key == "compression.gzip.level":
        good = found == -1 or 1 <= found <= 9
        return None if good else f"{key} is {value}; allowed: 1 to 9, or -1"
    if entry.min is not None and found < entry.min:
        return f"{key} is {value}; it starts at {entry.min:g}"
    if entry.max is not None and found > entry.max:
        return f"{key} is {value}; it ends at {entry.max:g}"
    return None
