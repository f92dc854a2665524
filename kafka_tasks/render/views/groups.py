"""A list of consumer groups."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.model.group import GroupLag
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


def document(found: Sequence[GroupLag]) -> Document:
    """Return every group with state, members, topics and lag."""
    return {"schema": SCHEMA, "groups": [entry(group) for group in found]}


def entry(found: GroupLag) -> Document:
    """Return one group without its partitions."""
    return {
        "name": found.group.name,
        "state": found.group.state,
        "members": len(found.group.members),
        "topics": list(found.topics),
        "lag": found.lag,
    }


def text(found: Sequence[GroupLag], *, width: int) -> str:
    """Return a row a group."""
    if not found:
        return "There are no consumer groups."
    rows = [
        (g.group.name, g.group.state, len(g.group.members), g.lag, ", ".join(g.topics))
        for g in found
    ]
    return table(["group", "state", "members", "lag", "topics"], rows, width=width)
