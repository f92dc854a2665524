"""A snapshot that `snapshot.delete` deleted."""

from __future__ import annotations

from kafka_tasks.render.document import SCHEMA, Document


def document(found: str) -> Document:
    """Return the name."""
    return {"schema": SCHEMA, "deleted": found}


def text(found: str, *, width: int) -> str:
    """Return the name in a sentence."""
    return f"Deleted {found}."
