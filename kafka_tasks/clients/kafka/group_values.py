"""Groups as the libraries tell of them, as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from confluent_kafka import ConsumerGroupState, ConsumerGroupType

from kafka_tasks.model.group import UNKNOWN, GroupState, ListedGroup, Member


def listed(found: Any) -> ListedGroup:
    """Return a group as confluent-kafka lists it."""
    # A broker that tells no type is older than the types.
    new = found.type == ConsumerGroupType.CONSUMER
    return ListedGroup(found.group_id, "consumer" if new else "classic", _word(found.state))


def from_row(row: Mapping[str, str]) -> ListedGroup:
    """Return a group as kafka-python lists it."""
    # Brokers before Kafka 3.8 tell no type, and those before 2.6 no state.
    return ListedGroup(
        row["group_id"],
        row.get("group_type") or "classic",
        _lower(row.get("group_state") or UNKNOWN),
        row["protocol_type"],
    )


def described(group: ListedGroup, found: Any) -> GroupState:
    """Return a group as confluent-kafka describes it, with its members."""
    state = _word(found.state)
    return GroupState(
        # The library has no word for assigning and reconciling.
        group if state == UNKNOWN else replace(group, state=state),
        found.coordinator.id if found.coordinator is not None else None,
        found.partition_assignor or None,
        tuple(sorted(map(_member, found.members), key=lambda member: member.id)),
    )


def _member(found: Any) -> Member:
    given = found.assignment.topic_partitions if found.assignment else ()
    return Member(
        found.member_id,
        found.client_id,
        found.host.removeprefix("/"),
        found.group_instance_id,
        tuple(sorted((at.topic, at.partition) for at in given)),
    )


def _word(state: ConsumerGroupState) -> str:
    name = ConsumerGroupState(state).name.lower().replace("_", "-")
    return name.replace("rebalancing", "rebalance")


def _lower(state: str) -> str:
    """Return PreparingRebalance as preparing-rebalance."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", state).lower()
