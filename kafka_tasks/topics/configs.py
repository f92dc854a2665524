"""The topic settings of each Kafka line, with their valid values.

`tools/make_config_tables.py` makes the tables from the classes of the brokers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files

_BITS = {"short": 15, "int": 31, "long": 63}
_REPLICAS = re.compile(r"\d+:\d+", re.ASCII)
# Throttles are lists of partition:replica, or a star; the tables do not say so.
_THROTTLES = ("follower.replication.throttled.replicas", "leader.replication.throttled.replicas")


@dataclass(frozen=True, slots=True)
class Setting:
    """One topic setting as a broker knows it: bounds are inclusive, `allowed` are whole words."""

    type: str
    default: str = ""
    min: float | None = None
    max: float | None = None
    allowed: tuple[str, ...] = ()


@cache
def table(line: str) -> Mapping[str, Setting]:
    """Return the settings of a Kafka line such as 3.9."""
    source = files("kafka_tasks.topics").joinpath("tables", f"kafka-{line}.json")
    found = json.loads(source.read_bytes())
    return {
        name: Setting(**{**entry, "allowed": tuple(entry.get("allowed", ()))})
        for name, entry in found.items()
    }


@cache
def lines() -> tuple[str, ...]:
    """Return every Kafka line with a table, oldest first."""
    names = (entry.name for entry in files("kafka_tasks.topics").joinpath("tables").iterdir())
    return tuple(sorted(name[6:-5] for name in names if name.startswith("kafka-")))


@cache
def every_table() -> Mapping[str, Setting]:
    """Return the settings of all lines, for a cluster of unknown version."""
    return {name: entry for line in lines() for name, entry in table(line).items()}


def _of(line: str | None) -> Mapping[str, Setting]:
    return table(line) if line in lines() else every_table()


def problem(key: str, value: str, line: str | None) -> str | None:
    """Return why a broker of this line refuses the setting, or None; `line` None means any."""
    entry = _of(line).get(key)
    if entry is None:
        return _unknown(key, line)
    return _refused(key, value, entry)


@lru_cache(maxsize=1000)
def _unknown(key: str, line: str | None) -> str:
    known = _of(line)
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    there = f"Kafka {line} has" if line else "Kafka has"
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{there} no topic setting {key}{meant}"


def _refused(key: str, value: str, entry: Setting) -> str | None:
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
    words = [word.strip() for word in value.split(",")] if entry.type == "list" else [value]
    if entry.type == "list" and value.strip() == "":
        words = []
    if all(word in entry.allowed for word in words):
        return None
    several = "a list of " if entry.type == "list" else ""
    return f"{key} is {value!r}; allowed: {several}{', '.join(entry.allowed)}"


def _number(key: str, value: str, entry: Setting) -> str | None:
    found: float
    try:
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
