"""One group: its members, and its lag in every partition."""

from __future__ import annotations

from kafka_tasks.model.group import UNKNOWN, GroupLag, GroupState, Member, PartitionLag
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.views import groups
from kafka_tasks.render.words import counted

# The tools of Apache Kafka for groups that no client library describes.
_TOOLS = {"share": "kafka-share-groups.sh", "streams": "kafka-streams-groups.sh"}


def document(found: GroupLag) -> Document:
    """Return the group with its members and partitions; `members` is null where not readable."""
    members = found.group.members
    return {
        "schema": SCHEMA,
        **groups.entry(found),
        "coordinator": found.group.coordinator,
        "assignor": found.group.assignor,
        "members": None if members is None else [_member(member) for member in members],
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
    """Return a row a partition, below what is known of the group."""
    group = found.group
    head = _head(group)
    if not found.partitions:
        none = "\n\nThe group has no committed offsets." if group.listed.has_offsets else ""
        return head + none
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


def _head(group: GroupState) -> str:
    """Return a line on the group, and one on what cannot be read of it."""
    listed, members = group.listed, group.members
    if listed.type == UNKNOWN:
        return f"{group.name}: a group whose type this connection cannot read"
    head = f"{group.name}: {listed.kind} group, {group.state}"
    if members is not None:
        head += f", {counted(len(members), 'member')}"
    if group.coordinator is not None:
        head += f", coordinator {group.coordinator}"
    if members is not None:
        return head
    tool = _TOOLS.get(listed.type)
    ways = f"; Kafka's own tool can: {tool} --describe --group {group.name}" if tool else ""
    return f"{head}\n\nkafka-tasks cannot read the members of such a group{ways}"
