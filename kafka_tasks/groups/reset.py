"""Resets the offsets of a group: the new ones are planned first, and set on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kafka_tasks.clients.kafka import group_admin, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import ClusterError, GroupActive, InvalidInput
from kafka_tasks.groups.lag import logs_of
from kafka_tasks.model.group import UNKNOWN, GroupState, ListedGroup, OffsetChange, Place
from kafka_tasks.model.positions import Position
from kafka_tasks.model.topic import Offsets, TopicState


def require_idle(group: GroupState) -> None:
    """Raise `GroupActive`, with the members as evidence, while the group is active."""
    if not group.active:
        return
    members = [
        f"{member.client_id} at {member.host} reads {_read_by(member.places)} ({member.id})"
        for member in group.members or ()
    ]
    count = len(members)
    raise GroupActive(
        f"The group {group.name} is active: "
        + (f"it has {count} member{'s' if count != 1 else ''}." if count else f"{group.state}."),
        evidence=members,
        hint="stop its members and try again; one that crashed leaves when its session times "
        f"out: invoke kafka.group.describe {group.name}",
    )


def require_offsets(group: ListedGroup) -> None:
    """Raise `InvalidInput` for a group without offsets to set."""
    if group.has_offsets:
        return
    tool = f"--bootstrap-server ADDRESS --group {group.name}"
    if group.type == UNKNOWN:
        raise InvalidInput(
            f"The type of the group {group.name} is not known, so its offsets are not set.",
            hint="kafka-groups.sh --bootstrap-server ADDRESS --list shows the types",
        )
    raise InvalidInput(
        f"The group {group.name} is a share group: its members acknowledge single records, and "
        "there are no committed offsets to set.",
        hint=f"kafka-share-groups.sh {tool} --reset-offsets --all-topics --to-earliest",
    )


def _read_by(places: Sequence[Place]) -> str:
    return ", ".join(f"{topic}-{number}" for topic, number in places) or "nothing yet"


def chosen(
    committed: Iterable[Place],
    topics: Mapping[str, TopicState],
    *,
    named: Sequence[str],
    partitions: Sequence[int],
) -> list[Place]:
    """Return the partitions to reset: of the topics named, or all with committed offsets.

    Raises `InvalidInput` for a partition that a topic does not have.
    """
    if not named:
        return _of_those(sorted(place for place in committed if place[0] in topics), partitions)
    return sorted({at for name in named for at in offsets.chosen(topics[name], partitions)})


def _of_those(places: list[Place], partitions: Sequence[int]) -> list[Place]:
    found = [place for place in places if not partitions or place[1] in partitions]
    if places and not found:
        raise InvalidInput(
            f"Nothing is committed in partition {', '.join(map(str, partitions))}.",
            evidence=[f"committed is {topic}-{number}" for topic, number in places],
            hint="--topic with --partition sets an offset where none is committed yet",
        )
    return found


def plan_reset(
    admin: Admin, places: Sequence[Place], committed: Mapping[Place, int], position: Position
) -> list[OffsetChange]:
    """Return the new offset of each partition, within its log.

    Raises `ClusterError` where a partition has no leader.
    """
    logs = logs_of(admin, places)
    known: dict[Place, Offsets] = {}
    for place in places:
        log = logs.get(place)
        if log is None:
            raise ClusterError(
                f"The partition {place[0]}-{place[1]} has no leader, so its offsets are unknown.",
                hint="invoke kafka.status",
            )
        known[place] = log
    moments = offsets.at_time(admin, places, position.number) if position.kind == "time" else {}
    return [
        OffsetChange(*place, committed.get(place), position.offset_in(log, moments.get(place)), log)
        for place, log in known.items()
    ]


def carry_out(admin: Admin, group: str, changes: Iterable[OffsetChange]) -> None:
    """Set the new offsets; raises `GroupActive` where a member joined meanwhile."""
    wanted = {
        (change.topic, change.partition): change.after
        for change in changes
        if change.after != change.before
    }
    group_admin.set_offsets(admin, group, wanted)
