"""The topic settings of each Kafka line, with their valid values.

`tools/make_config_tables.py` makes the tables from the classes of the brokers.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path

from kafka_tasks.model.setting import Setting, malformed, refusal, same, widest

_TABLES = Path(__file__).with_name("tables")
# Names of brokers → those of topics, where it is not a matter of `log.` alone.
_SYNONYMS = {
    "log.roll.ms": "segment.ms",
    "log.roll.hours": "segment.hours",
    "log.roll.jitter.ms": "segment.jitter.ms",
    "log.roll.jitter.hours": "segment.jitter.hours",
    "log.index.size.max.bytes": "segment.index.bytes",
    "log.flush.interval.messages": "flush.messages",
    "log.flush.interval.ms": "flush.ms",
    "log.segment.delete.delay.ms": "file.delete.delay.ms",
    "log.cleaner.min.cleanable.ratio": "min.cleanable.dirty.ratio",
    "message.max.bytes": "max.message.bytes",
}
# Names that are keys of a topic, and flags.
_KEYS = {
    "num.partitions": "partitions",
    "partitions": "partitions",
    "default.replication.factor": "replication_factor",
    "replication.factor": "replication_factor",
}
_UNITS = (".minutes", ".hours")


@cache
def table(line: str) -> Mapping[str, Setting]:
    """Return the settings of a Kafka line such as 3.9."""
    source = _TABLES / f"kafka-{line}.json"
    found = json.loads(source.read_bytes())
    return {
        name: Setting(**{**entry, "allowed": tuple(entry.get("allowed", ()))})
        for name, entry in found.items()
    }


@cache
def lines() -> tuple[str, ...]:
    """Return every Kafka line with a table, oldest first."""
    names = (entry.name for entry in _TABLES.iterdir())
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
    return f"{kafka} has no topic setting {key}{_meant(key, known)}"


def _meant(key: str, known: Collection[str]) -> str:
    """Return what to use instead of an unknown setting, in words, or nothing."""
    if key in _KEYS:
        return f", which is no setting; use the key {_KEYS[key]}"
    if (name := _of_topics(key, known)) is not None:
        unit = ", in milliseconds" if key.endswith(_UNITS) else ""
        return f", which is a broker's name; a topic has {name}{unit}"
    if having := [line for line in lines() if key in table(line)]:
        return f"; only {_span(having)} had it"
    near = get_close_matches(key, known, n=1, cutoff=0.8)
    return f"; did you mean {near[0]}?" if near else ""


def _span(having: Sequence[str]) -> str:
    first, last = having[0], having[-1]
    return f"Kafka {first} to {last}" if first != last else f"Kafka {first}"


def _of_topics(key: str, known: Collection[str]) -> str | None:
    """Return the topic's name of a broker's setting, or None."""
    plain = _SYNONYMS.get(key, key)
    for prefix in ("log.cleaner.", "log."):
        plain = plain.removeprefix(prefix)
    for ending in _UNITS:
        plain = f"{plain.removesuffix(ending)}.ms" if plain.endswith(ending) else plain
    return plain if plain != key and plain in known else None


def is_certain(key: str, value: str, line: str | None) -> bool:
    """Return whether a refused value is refused by every broker.

    Where the line is not known, a broker may take words and numbers that no table has; a value that
    is no number stays none.
    """
    entry = every_table().get(key)
    return line in lines() or (entry is not None and malformed(key, value, entry) is not None)


def is_whole(key: str) -> bool:
    """Return True for a setting that is a whole number."""
    entry = every_table().get(key)
    return entry is not None and entry.type in ("short", "int", "long")


def same_value(key: str, one: str, other: str) -> bool:
    """Return True if a broker reads both values of this setting as the same."""
    return one == other or same(one, other, every_table().get(key))
