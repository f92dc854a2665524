"""One setting of a broker or a topic: its type and the values it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BITS = {"short": 15, "int": 31, "long": 63}
# As Java reads them.
_WHOLE = re.compile(r"[+-]?[0-9]{1,40}", re.ASCII)
_DOUBLE = re.compile(
    r"[+-]?(NaN|Infinity|([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?[dDfF]?)", re.ASCII
)
_REPLICAS = re.compile(r"\d+:\d+", re.ASCII)
# Throttles are lists of partition:replica, or a star; the tables do not say so.
_THROTTLES = ("follower.replication.throttled.replicas", "leader.replication.throttled.replicas")


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


def malformed(key: str, value: str, entry: Setting) -> str | None:
    """Return why a value is none of its type, which no broker can take, or None."""
    text = value.strip()
    if entry.type == "boolean":
        good = text.lower() in ("true", "false")
        return None if good else f"{key} is {value!r}; allowed: true, false"
    if entry.type == "double":
        good = _DOUBLE.fullmatch(text) is not None
        return None if good else f"{key} is {value!r}, which is not a number"
    if entry.type not in _BITS:
        return None
    bits = _BITS[entry.type]
    if _WHOLE.fullmatch(text) and -(2**bits) <= int(text) < 2**bits:
        return None
    return f"{key} is {value!r}, which is not a whole number ({entry.type})"


def refusal(key: str, value: str, entry: Setting) -> str | None:
    """Return why a broker refuses a value of this setting, or None."""
    if (wrong := malformed(key, value, entry)) is not None:
        return wrong
    if key in _THROTTLES:
        return _throttle(key, value)
    if entry.type in _BITS or entry.type == "double":
        return _outside(key, value, entry)
    if not entry.allowed:
        return None
    words = _words(value) if entry.type == "list" else [value.strip()]
    if all(_spelled(word, entry.allowed) in entry.allowed for word in words):
        return None
    several = "a list of " if entry.type == "list" else ""
    return f"{key} is {value!r}; allowed: {several}{', '.join(entry.allowed)}"


def _throttle(key: str, value: str) -> str | None:
    parts = _words(value)
    good = parts == ["*"] or all(map(_REPLICAS.fullmatch, filter(None, parts)))
    return None if good else f"{key} is {value!r}; allowed: *, or a list of partition:broker"


def _words(value: str) -> list[str]:
    """Return the parts of a list as Kafka splits it: nothing has none."""
    text = value.strip()
    return [part.strip() for part in text.split(",")] if text else []


def _spelled(word: str, allowed: tuple[str, ...]) -> str:
    """Return the full name of a version: 2.8 and 2.8.1 are the last of 2.8-IV0, 2.8-IV1."""
    if word in allowed or not any("-IV" in name for name in allowed):
        return word
    parts = word.split(".")
    short = ".".join(parts[: 3 if parts[0] == "0" else 2])
    named = [name for name in allowed if name == short or name.startswith(f"{short}-IV")]
    return named[-1] if named else word


def same(one: str, other: str, entry: Setting | None) -> bool:
    """Return True if a broker reads both as the same value; the type is guessed without `entry`."""
    return one == other or _read(one, entry) == _read(other, entry)


def _read(value: str, entry: Setting | None) -> object:
    text = value.strip()
    kind = entry.type if entry is not None else None
    if (kind in _BITS or kind is None) and _WHOLE.fullmatch(text):
        return int(text)
    if kind == "double" and _DOUBLE.fullmatch(text):
        return float(text.rstrip("dDfF") if text[-1] in "dDfF" else text)
    if kind in ("boolean", None) and text.lower() in ("true", "false"):
        return text.lower()
    if kind in ("list", None):
        return frozenset(_words(text))
    return _spelled(text, entry.allowed) if entry is not None else text


def _outside(key: str, value: str, entry: Setting) -> str | None:
    """Return why a number is refused, or None."""
    found = _read(value, entry)
    assert isinstance(found, int | float)
    if key == "compression.gzip.level":
        good = found == -1 or 1 <= found <= 9
        return None if good else f"{key} is {value}; allowed: 1 to 9, or -1"
    if entry.min is not None and found < entry.min:
        return f"{key} is {value}; it starts at {entry.min:g}"
    if entry.max is not None and found > entry.max:
        return f"{key} is {value}; it ends at {entry.max:g}"
    return None
