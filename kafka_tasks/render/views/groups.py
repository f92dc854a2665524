"""A list of groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.group import GroupLag
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of a cluster.

    `limited` says which groups are hidden from this user; None where all are shown.
    """

    listed: Sequence[GroupLag]
    limited: str | None = None


def document(found: Groups) -> Document:
    """Return every group with type, state, members, topics and lag."""
    groups = [entry(group) for group in found.listed]
    return {"schema": SCHEMA, "groups": groups, "limited": found.limited}


def entry(found: GroupLag) -> Document:
    """Return one group without its partitions; `members` is null where not readable."""
    listed, members = found.group.listed, found.group.members
    return {
        "name": found.group.name,
        "type": listed.type,
        "protocol": listed.protocol,
        "state": listed.state,
        "members": None if members is None else len(members),
        "topics": list(found.topics),
        "lag": found.lag,
    }


def text(found: Groups, *, width: int) -> str:
    """Return a row a group."""
    if not found.listed:
        return "No group is visible." if found.limited else "There are no groups."
    rows = [
        (
            g.group.name,
            g.group.listed.kind,
            g.group.state,
            len(g.group.members) if g.group.members is not None else None,
            g.lag,
            ", ".join(g.topics),
        )
        for g in found.listed
    ]
    return table(["group", "type", "state", "members", "lag", "topics"], rows, width=width)
