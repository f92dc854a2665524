"""Every setting with its value and origin, secrets masked; and the Java that would be used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table

if TYPE_CHECKING:
    from kafka_tasks.settings import Origin, Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, and of the Java its home, its version and the reason for it."""

    settings: Settings
    java: Mapping[str, str | None]


def document(found: Configuration) -> Document:
    """Return the settings as plain values."""
    return {
        "schema": SCHEMA,
        "project": str(found.settings.project),
        "settings": [
            {
                "name": variable.name,
                "value": _shown(value, secret=variable.secret),
                "origin": origin.kind,
                "place": origin.place or None,
                "unused": variable.field in found.settings.unused,
            }
            for variable, value, origin in found.settings.entries()
        ],
        "java": dict(found.java),
    }


def _shown(value: Any, *, secret: bool) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if secret:
        return "***"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def text(found: Configuration, *, width: int) -> str:
    """Return a row a setting, and the Java."""
    rows = [
        (
            variable.name,
            _written(_shown(value, secret=variable.secret)),
            _from(origin, unused=variable.field in found.settings.unused),
        )
        for variable, value, origin in found.settings.entries()
    ]
    java = found.java
    which = f"{java['version']} in {java['home']}" if java["home"] else "none"
    return (
        f"{table(['setting', 'value', 'from'], rows, width=width)}\n\n"
        f"Java: {which} ({java['why']})\nproject: {found.settings.project}"
    )


def _from(origin: Origin, *, unused: bool) -> str:
    where = f"{origin.kind} {origin.place or ''}".strip()
    return f"{where}, unused in this mode" if unused else where


def _written(value: Any) -> str:
    """Return a value as a user would type it: true and 60, not True and 60.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    first, _, more = str(value).strip().partition("\n")
    return f"{first} …" if more else first
