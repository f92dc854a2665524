"""The consumer groups that `group.delete` deleted, and those that it could not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError


@dataclass(frozen=True, slots=True)
class GroupsDeleted:
    """Group names, and errors by group name."""

    deleted: Sequence[str]
    failed: Mapping[str, KafkaTasksError]


def document(found: GroupsDeleted) -> Document:
    """Return the names of both."""
    return {
        "schema": SCHEMA,
        "deleted": list(found.deleted),
        "failed": [
            {"group": name, "message": error.message}
            for name, error in sorted(found.failed.items())
        ],
    }


def text(found: GroupsDeleted, *, width: int) -> str:
    """Return the deleted groups, and a line for each that is not."""
    lines = [f"Deleted {', '.join(found.deleted)}."] if found.deleted else []
    for name, error in sorted(found.failed.items()):
        lines.append(f"! group {name} failed: {error.message}")
        lines += [f"    {line}" for line in error.evidence]
    return "\n".join(lines)
