"""The topic settings of each Kafka line, with their valid values.

`tools/make_config_tables.py` makes the tables from the classes of the brokers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib.resources import files

from kafka_tasks.model.setting import Setting, refusal, widest


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
    """Return the settings of all lines, for a cluster of unknown version.

    A value that one line takes is valid: Kafka 4.1 asks for larger segments than Kafka 4.0.
    """
    found: dict[str, Setting] = {}
    for line in lines():
        for name, entry in table(line).items():
            found[name] = widest(found[name], entry) if name in found else entry
    return found


def _of(line: str | None) -> Mapping[str, Setting]:
    return table(line) if line in lines() else every_table()


def problem(key: str, value: str, line: str | None) -> str | None:
    """Return why a broker of this line refuses the setting, or None; `line` None means any.

    A setting that no table has is none of a line without a table: its brokers may know it.
    """
    entry = _of(line).get(key)
    if entry is None:
        return unknown(key, line) if line in lines() else None
    return refusal(key, value, entry)


def unknown(key: str, line: str | None) -> str | None:
    """Return that the tables of this line do not have the setting, or None where they have it."""
    known = _of(line)
    return None if key in known else missing(key, known, f"Kafka {line}" if line else "Kafka")


def missing(key: str, known: Iterable[str], kafka: str) -> str:
    """Return that this Kafka does not have a topic setting, with the nearest that it has."""
    return _missing(key, tuple(known), kafka)


@lru_cache(maxsize=1000)
def _missing(key: str, known: tuple[str, ...], kafka: str) -> str:
    near = get_close_matches(key, known, n=1, cutoff=0.5)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"{kafka} has no topic setting {key}{meant}"
