"""The topics that `topic.delete` deleted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.render.document import SCHEMA, Document


@dataclass(frozen=True, slots=True)
class Deleted:
    """The names, and the file that can create the topics again."""

    names: Sequence[str]
    undo: Path


def document(found: Deleted) -> Document:
    """Return the names and the file."""
    return {"schema": SCHEMA, "deleted": list(found.names), "undo": str(found.undo)}


def text(found: Deleted, *, width: int) -> str:
    """Return the names."""
    return f"Deleted {', '.join(found.names)}."
