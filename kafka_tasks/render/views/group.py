"""Consumer groups: documents, and text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.model.group import GroupLag, OffsetChange, PartitionLag
from kafka_tasks.render.tables import counted, table

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError


def listed(groups: Sequence[GroupLag]) -> dict[str, Any]:
    """`group.list`."""
    return {"schema": 1, "groups": [_summary(found) for found in groups]}


def _summary(found: GroupLag) -> dict[str, Any]:
    return {
        "name": found.group.name,
        "state": found.group.state,
        "members": len(found.group.members),
        "topics": list(found.topics),
        "lag": found.lag,
    }


def list_text(groups: Sequence[GroupLag], *, width: int) -> str:
    """The same as a table."""
    if not groups:
        return "There are no consumer groups."
    rows = [
        (g.group.name, g.group.state, len(g.group.members), g.lag, ", ".join(g.topics))
        for g in groups
    ]
    return table(["group", "state", "members", "lag", "topics"], rows, width=width)


def described(found: GroupLag) -> dict[str, Any]:
    """`group.describe`."""
    return {
        "schema": 1,
        **_summary(found),
        "coordinator": found.group.coordinator,
        "assignor": found.group.assignor,
        "members": [
            {
                "id": member.id,
                "client_id": member.client_id,
                "host": member.host,
                "instance_id": member.instance_id,
                "partitions": [{"topic": t, "partition": p} for t, p in member.places],
            }
            for member in found.group.members
        ],
        "partitions": [_partition(at) for at in found.partitions],
    }


def _partition(at: PartitionLag) -> dict[str, Any]:
    return {
        "topic": at.topic,
        "partition": at.partition,
        "committed": at.committed,
        "end": at.log.end if at.log else None,
        "lag": at.lag,
        "member": at.member.id if at.member else None,
    }


def describe_text(found: GroupLag, *, width: int) -> str:
    """A row a partition."""
    group = found.group
    head = f"{group.name}: {group.state}, {counted(len(group.members), 'member')}"
    if group.coordinator is not None:
        head += f", coordinator {group.coordinator}"
    if not found.partitions:
        return f"{head}\n\nIt has committed nothing."
    rows = [
        (
            f"{at.topic}-{at.partition}",
            at.committed,
            at.log.end if at.log else "gone",
            at.lag,
            at.member.client_id if at.member else None,
            at.member.host if at.member else None,
        )
        for at in found.partitions
    ]
    headings = ["partition", "committed", "end", "lag", "client", "host"]
    return f"{head}\n\n{table(headings, rows, width=width)}"


def reset(name: str, changes: Sequence[OffsetChange], *, executed: bool) -> dict[str, Any]:
    """`group.reset`."""
    return {
        "schema": 1,
        "group": name,
        "executed": executed,
        "offsets": [
            {"topic": c.topic, "partition": c.partition, "from": c.before, "to": c.after}
            for c in changes
        ],
    }


def reset_text(name: str, changes: Sequence[OffsetChange], *, executed: bool, width: int) -> str:
    """Old and new offset of each partition."""
    if not changes:
        return f"The group {name} has committed nothing, so there is nothing to reset."
    rows = [
        (f"{c.topic}-{c.partition}", "none" if c.before is None else c.before, c.after, c.log.end)
        for c in changes
    ]
    drawn = table(["partition", "from", "to", "end"], rows, width=width)
    tail = (
        f"The group {name} goes on there."
        if executed
        else "Nothing was changed.\nHint: the same command with --execute does it"
    )
    return f"{drawn}\n\n{tail}"


def outcomes(found: Mapping[str, KafkaTasksError | None], what: str) -> list[str]:
    """A line for each that could not be done."""
    lines = []
    for name, error in sorted(found.items()):
        if error is not None:
            lines += [f"! {what} {name} failed: {error.message}"]
            lines += [f"    {line}" for line in error.evidence]
    return lines
