"""The topics and consumer groups that `reset` deleted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError


@dataclass(frozen=True, slots=True)
class ClusterReset:
    """The names of all topics and groups, and errors by name of those that could not go."""

    topics: Sequence[str]
    groups: Sequence[str]
    failed: Mapping[str, KafkaTasksError]


def document(found: ClusterReset) -> Document:
    """Return the deleted names, and the failures."""
    return {
        "schema": SCHEMA,
        "topics": [name for name in found.topics if name not in found.failed],
        "groups": [name for name in found.groups if name not in found.failed],
        "failed": [
            {"name": name, "message": error.message} for name, error in sorted(found.failed.items())
        ],
    }


def text(found: ClusterReset, *, width: int) -> str:
    """Return the numbers where all went, else a line a failure and the first hint."""
    if not found.failed:
        topics, groups = counted(len(found.topics), "topic"), counted(len(found.groups), "group")
        return f"{topics} and {groups} deleted; the cluster is up."
    lines = [f"! {name}: {error.message}" for name, error in sorted(found.failed.items())]
    lines += [f"Hint: {error.hint}" for error in list(found.failed.values())[:1] if error.hint]
    return "\n".join(lines)
