"""Topics files that `topic.validate` found valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class Valid:
    """The files, the number of topics in them, and the Kafka line that they were checked for."""

    files: Sequence[str]
    topics: int
    kafka_line: str | None


def document(found: Valid) -> Document:
    """Return the files and the number of topics."""
    return {"schema": SCHEMA, "files": list(found.files), "topics": found.topics, "problems": []}


def text(found: Valid, *, width: int) -> str:
    """Return the files and the number of topics in a sentence."""
    kafka = f"Kafka {found.kafka_line}" if found.kafka_line else "any Kafka"
    return f"{', '.join(found.files)}: {counted(found.topics, 'topic')}, valid for {kafka}."
