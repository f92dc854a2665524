"""The broker settings of each Kafka line, and what is wrong with a property.

`tools/make_config_tables.py` makes the table from the classes of the brokers.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from kafka_tasks.model.setting import Setting, refusal

# Properties of plugins and of single listeners, which no broker lists.
_FREE = ("listener.name.", "rsm.config.", "rlmm.config.", "config.providers.", "confluent.")


@cache
def table(line: str) -> Mapping[str, Setting]:
    """Return the broker settings of a Kafka line such as 4.4, with type and default."""
    wanted = _number(line)
    return {
        name: Setting(kind, default)
        for name, spans in _spans().items()
        for first, last, kind, default in spans
        if _number(first) <= wanted <= _number(last)
    }


def unknown(name: str, line: str) -> str | None:
    """Return what to say of a property that brokers of this line do not know, or None.

    Kafka hands unknown properties to plugins: they may be right.
    """
    known = table(line)
    if name in known or name.startswith(_FREE):
        return None
    if spans := _spans().get(name):
        first, last = spans[0][0], spans[-1][1]
        only = f"Kafka {first} to {last}" if first != last else f"Kafka {first}"
        return f"Kafka {line} has no broker setting {name}; only {only} had it"
    near = get_close_matches(name, known, n=1, cutoff=0.8)
    meant = f"; did you mean {near[0]}?" if near else ""
    return f"Kafka {line} has no broker setting {name}{meant}"


def refused(name: str, value: str, line: str) -> str | None:
    """Return why brokers of this line do not start with this value, or None.

    What a configuration provider fills in is not known here.
    """
    entry = table(line).get(name)
    return refusal(name, value, entry) if entry and not value.startswith("${") else None


@cache
def _spans() -> Mapping[str, list[tuple[str, str, str, str]]]:
    """Return, by setting, its first line, last line, type and default, as often as they change."""
    content = Path(__file__).with_suffix(".json").read_bytes()
    found: dict[str, list[tuple[str, str, str, str]]] = json.loads(content)
    return found


def _number(line: str) -> tuple[int, ...]:
    return tuple(map(int, line.split(".")))
