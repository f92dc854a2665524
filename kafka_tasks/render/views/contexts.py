"""Remote clusters by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


@dataclass(frozen=True, slots=True)
class Declared:
    """A context as it is declared, without secrets; `current` is the one that tasks use."""

    name: str
    place: str
    values: Mapping[str, str]
    password: str | None = None
    client_secret: str | None = None
    read_only: bool = False
    asks_name: bool = False
    color: str = "cyan"
    current: bool = False


def document(found: Sequence[Declared]) -> Document:
    """Return every context."""
    return {"schema": SCHEMA, "contexts": [entry(each) for each in found]}


def entry(found: Declared) -> Document:
    """Return one context; `password` and `client_secret` are where they come from."""
    return {
        "name": found.name,
        "place": found.place,
        **found.values,
        "password": found.password,
        "client_secret": found.client_secret,
        "read_only": found.read_only,
        "confirm": "name" if found.asks_name else None,
        "color": found.color,
        "current": found.current,
    }


def text(found: Sequence[Declared], *, width: int) -> str:
    """Return a row a context, with a star at the current one."""
    if not found:
        return "There are no contexts."
    rows = [
        (
            f"{each.name} *" if each.current else each.name,
            each.values.get("bootstrap_servers") or each.values.get("client_properties"),
            each.values.get("security_protocol"),
            each.color,
            "read-only" if each.read_only else "",
        )
        for each in found
    ]
    return table(["context", "bootstrap servers", "security", "color", ""], rows, width=width)
