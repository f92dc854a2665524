"""A topic that `topic.create` created or found."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class Created:
    """A topic; `created` is False where it existed before."""

    topic: str
    created: bool
    partitions: int


def document(found: Created) -> Document:
    """Return the name, and whether it is new."""
    return {"schema": SCHEMA, "topic": found.topic, "created": found.created}


def text(found: Created, *, width: int) -> str:
    """Return what happened in a sentence."""
    if not found.created:
        return f"Topic {found.topic} exists already; nothing changed."
    return f"Topic {found.topic} created ({counted(found.partitions, 'partition')})."
