"""`kafka.config`: every setting with its value and origin, secrets masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kafka_tasks.render.tables import table

if TYPE_CHECKING:
    from kafka_tasks.settings import Settings


def document(settings: Settings, java: Mapping[str, str | None]) -> dict[str, Any]:
    """The settings as plain values."""
    return {
        "schema": 1,
        "project": str(settings.project),
        "settings": [
            {
                "name": variable.name,
                "value": _shown(value, secret=variable.secret),
                "origin": origin.kind,
                "place": origin.place or None,
            }
            for variable, value, origin in settings.entries()
        ],
        "java": dict(java),
    }


def _shown(value: Any, *, secret: bool) -> Any:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if secret:
        return "***"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _written(value: Any) -> str:
    """A value as one would type it: true and 60, not True and 60.0."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def text(found: Mapping[str, Any], *, width: int) -> str:
    """A row a setting, and the Java."""
    rows = [
        (
            entry["name"],
            _written(entry["value"]),
            f"{entry['origin']} {entry['place'] or ''}".strip(),
        )
        for entry in found["settings"]
    ]
    java = found["java"]
    which = f"{java['version']} in {java['home']}" if java["home"] else "none"
    return (
        f"{table(['setting', 'value', 'from'], rows, width=width)}\n\n"
        f"Java: {which} ({java['why']})\nproject: {found['project']}"
    )
