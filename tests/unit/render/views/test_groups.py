"""Groups of types that no library describes, as text and as a document."""

from __future__ import annotations

from kafka_tasks.model.group import GroupLag, GroupState, ListedGroup, PartitionLag
from kafka_tasks.model.topic import Offsets
from kafka_tasks.render.views import group, groups

SHARE = GroupLag(GroupState(ListedGroup("queue", "share", "stable", "share"), members=None))
STREAMS = GroupLag(
    GroupState(ListedGroup("flow", "streams", "empty", "streams"), members=None),
    (PartitionLag("t", 0, 1, Offsets(0, 3)),),
)
CONNECT = GroupLag(GroupState(ListedGroup("workers", "classic", "stable", "connect"), members=None))
OPEN = GroupLag(GroupState(ListedGroup("q", "unknown", protocol=""), members=None))


def test_unreadable_members_are_not_zero() -> None:
    """An empty cell and null; the type stands beside the name."""
    rows = groups.text(groups.Groups([SHARE, CONNECT]), width=80).splitlines()
    assert rows[2].split() == ["queue", "share", "stable"]
    assert rows[3].split() == ["workers", "classic", "(connect)", "stable"]
    entry = groups.entry(SHARE)
    assert (entry["type"], entry["members"], entry["lag"]) == ("share", None, None)
    assert group.document(SHARE)["members"] is None


def test_what_can_read_the_members_is_named() -> None:
    """Where Kafka has a tool for them; offsets are shown where there are any."""
    assert "kafka-share-groups.sh --describe --group queue" in group.text(SHARE, width=80)
    shown = group.text(STREAMS, width=80)
    assert "kafka-streams-groups.sh --describe --group flow" in shown
    assert "t-0" in shown
    assert "no committed offsets" not in group.text(SHARE, width=80)
    assert "such a group\n\nThe group has no committed offsets." in group.text(CONNECT, width=80)
    assert group.text(OPEN, width=80) == "q: a group whose type this connection cannot read"
