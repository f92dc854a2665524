"""One consumer group: its members, and its lag in every partition."""

from __future__ import annotations

from kafka_tasks.model.group import GroupLag, Member, PartitionLag
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.views import groups
from kafka_tasks.render.words import counted


def document(found: GroupLag) -> Document:
    """Return the group with its members and partitions."""
    return {
        "schema": SCHEMA,
        **groups.entry(found),
        "coordinator": found.group.coordinator,
        "assignor": found.group.assignor,
        "members": [_member(member) for member in found.group.members],
        "partitions": [_partition(at) for at in found.partitions],
    }


def _member(member: Member) -> Document:
    return {
        "id": member.id,
        "client_id": member.client_id,
        "host": member.host,
        "instance_id": member.instance_id,
        "partitions": [{"topic": t, "partition": p} for t, p in member.places],
    }


def _partition(at: PartitionLag) -> Document:
    return {
        "topic": at.topic,
        "partition": at.partition,
        "committed": at.committed,
        "end": at.log.end if at.log else None,
        "lag": at.lag,
        "member": at.member.id if at.member else None,
    }


def text(found: GroupLag, *, width: int) -> str:
    """Return a row a partition."""
    group = found.group
    head = f"{group.name}: {group.state}, {counted(len(group.members), 'member')}"
    if group.coordinator is not None:
        head += f", coordinator {group.coordinator}"
    if not found.partitions:
        return f"{head}\n\nThe group has no committed offsets."
    headings = ["partition", "committed", "end", "lag", "client", "host"]
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
    return f"{head}\n\n{table(headings, rows, width=width)}"
