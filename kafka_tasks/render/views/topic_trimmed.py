"""The records that `topic.trim` deletes from the beginning of a topic's partitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.model.topic import Trim
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.words import counted

# The table stands in a question, also where no terminal tells its width.
_WIDTH = 80


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A topic's partitions with what goes from each; `before` as it was typed."""

    topic: str
    before: str
    partitions: Sequence[Trim]
    undo: Path | None = None

    @property
    def records(self) -> int:
        """The number of records that go."""
        return sum(trim.records for trim in self.partitions)


def document(found: Trimmed) -> Document:
    """Return each partition with its offsets."""
    return {
        "schema": SCHEMA,
        "topic": found.topic,
        "records": found.records,
        "undo": str(found.undo) if found.undo else None,
        "partitions": [
            {"partition": t.partition, "start": t.start, "before": t.before, "end": t.end}
            for t in found.partitions
        ],
    }


def text(found: Trimmed, *, width: int) -> str:
    """Return how many records are deleted."""
    if not found.records:
        return f"Nothing to delete: {found.topic} has no record before {found.before}."
    return f"{counted(found.records, 'record')} of {found.topic} deleted."


def question(found: Trimmed) -> list[str]:
    """Return what to confirm: the number of records, and a row a partition."""
    return [f"{counted(found.records, 'record')} of {found.topic} would be deleted.", rows(found)]


def rows(found: Trimmed) -> str:
    """Return a row for each partition from which records go."""
    going = [
        (t.partition, t.start, t.before, t.end, t.records) for t in found.partitions if t.records
    ]
    return table(["partition", "first", "before", "end", "records"], going, width=_WIDTH)
