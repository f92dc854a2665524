"""New offsets for a consumer group: previewed, or with --execute applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.group import OffsetChange
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


@dataclass(frozen=True, slots=True)
class Reset:
    """A group's old and new offsets; `dry` where --dry outweighed --execute."""

    group: str
    changes: Sequence[OffsetChange]
    executed: bool
    dry: bool = False


def document(found: Reset) -> Document:
    """Return every partition with its old and new offset."""
    plain: Document = {
        "schema": SCHEMA,
        "group": found.group,
        "executed": found.executed,
        "offsets": [
            {"topic": c.topic, "partition": c.partition, "from": c.before, "to": c.after}
            for c in found.changes
        ],
    }
    return {**plain, "dry": True} if found.dry else plain


def text(found: Reset, *, width: int) -> str:
    """Return a row a partition, and whether the offsets are applied."""
    if not found.changes:
        return f"The group {found.group} has no committed offsets; nothing to reset."
    rows = [
        (f"{c.topic}-{c.partition}", "none" if c.before is None else c.before, c.after, c.log.end)
        for c in found.changes
    ]
    drawn = table(["partition", "from", "to", "end"], rows, width=width)
    tail = (
        f"Offsets of group {found.group} changed."
        if found.executed
        else "Dry run. Nothing was changed.\nHint: add --execute to apply it"
    )
    return f"{drawn}\n\n{tail}"
