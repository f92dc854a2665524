"""The partitions and settings of a topic that `topic.alter` changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.topics.plan import FieldChange


@dataclass(frozen=True, slots=True)
class Altered:
    """A topic and its changed fields; none where it was so already."""

    topic: str
    fields: Sequence[FieldChange]
    dry: bool = False


def document(found: Altered) -> Document:
    """Return each field with its value before and after."""
    plain: Document = {
        "schema": SCHEMA,
        "topic": found.topic,
        "fields": [{"field": f.field, "from": f.before, "to": f.after} for f in found.fields],
    }
    return {**plain, "dry": True} if found.dry else plain


def text(found: Altered, *, width: int) -> str:
    """Return a line a field."""
    if not found.fields:
        return f"Topic {found.topic} has these values already; nothing changed."
    head = f"would change {found.topic}:" if found.dry else f"Topic {found.topic} changed:"
    lines = [
        f"  {f.field.removeprefix('config.')}: {f.before} → "
        f"{'its default' if f.after is None else f.after}"
        for f in found.fields
    ]
    return "\n".join([head, *lines])
