"""Measures the lag of groups, from their coordinators, the leaders and the metadata."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kafka_tasks.clients.kafka import group_admin, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.group import GroupLag, ListedGroup, Place, lag_of
from kafka_tasks.model.topic import Offsets


def measured(admin: Admin, groups: Iterable[ListedGroup]) -> list[GroupLag]:
    """Return these groups with the lag of each partition; deleted groups are left out."""
    states = group_admin.describe(admin, groups)
    there = {name: state for name, state in states.items() if state.state != "dead"}
    committed = group_admin.committed(
        admin, [name for name, state in there.items() if state.listed.has_offsets]
    )
    asked = {place for of_group in committed.values() for place in of_group}
    asked |= {
        place
        for state in there.values()
        for member in state.members or ()
        for place in member.places
    }
    logs = logs_of(admin, asked)
    return [lag_of(state, committed.get(name, {}), logs) for name, state in there.items()]


def logs_of(admin: Admin, asked: Collection[Place]) -> Mapping[Place, Offsets | None]:
    """Return the offsets of those partitions that exist and have a leader."""
    if not asked:
        return {}
    topics = admin.topics()
    named = {topic for topic, _ in asked}
    reachable = offsets.places(state for name, state in topics.items() if name in named)
    return offsets.ranges(admin, sorted(set(asked) & set(reachable)))


def reading(admin: Admin, topic: str) -> list[GroupLag]:
    """Return the groups that have committed in this topic, or have members that read it."""
    found = measured(admin, group_admin.listed(admin).values())
    return [group for group in found if topic in group.topics]
