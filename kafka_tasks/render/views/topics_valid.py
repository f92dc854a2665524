"""Topics files that `topic.validate` found valid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted
from kafka_tasks.topics.model import Doubt


@dataclass(frozen=True, slots=True)
class Valid:
    """The files, the number of topics and rights in them, and the Kafka line of the check.

    `doubts` are settings of which only the cluster knows whether it takes them.
    """

    files: Sequence[str]
    topics: int
    kafka_line: str | None
    doubts: Sequence[Doubt] = ()
    rights: int = 0


def document(found: Valid) -> Document:
    """Return the files, the numbers of topics and rights, and the warnings."""
    return {
        "schema": SCHEMA,
        "files": list(found.files),
        "topics": found.topics,
        "rights": found.rights,
        "problems": [],
        "warnings": [f"{doubt.origin}: {doubt.text}" for doubt in found.doubts],
    }


def text(found: Valid, *, width: int) -> str:
    """Return the files and the number of topics in a sentence, below a line a warning."""
    kafka = f"Kafka {found.kafka_line}" if found.kafka_line else "any Kafka"
    lines = [
        f"warning: {doubt.origin}: {doubt.text}; kafka.topic.plan asks the cluster"
        for doubt in found.doubts
    ]
    topics = counted(found.topics, "topic")
    if found.rights:
        topics += f" and {counted(found.rights, 'right')}"
    return "\n".join([*lines, f"{', '.join(found.files)}: {topics}, valid for {kafka}."])
