"""One remote cluster by name."""

from __future__ import annotations

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import pairs
from kafka_tasks.render.views.contexts import Declared, entry


def document(found: Declared) -> Document:
    """Return the context as it is declared."""
    return {"schema": SCHEMA, **entry(found)}


def text(found: Declared, *, width: int) -> str:
    """Return a line a setting."""
    values = [(key.replace("_", " "), value) for key, value in found.values.items()]
    rules = [
        ("password", found.password),
        ("client secret", found.client_secret),
        ("read-only", "yes" if found.read_only else None),
        ("confirm", "by its name" if found.asks_name else None),
        ("color", found.color),
        ("declared", found.place),
    ]
    return f"{found.name}\n{pairs([*values, *rules])}"
