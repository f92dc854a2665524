"""Deleting the oldest records of a topic: what would go is worked out first."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.clients.kafka import changes, offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import ClusterError, InvalidInput
from kafka_tasks.model.positions import Position
from kafka_tasks.model.topic import TopicState, Trim


def require_trimmable(state: TopicState) -> None:
    """Raise `InvalidInput` for a topic whose records the broker does not delete by age."""
    policy = state.config["cleanup.policy"].value if "cleanup.policy" in state.config else None
    if policy is not None and "delete" not in policy.split(","):
        raise InvalidInput(
            f"The topic {state.name} is only compacted (cleanup.policy={policy}); "
            "Kafka trims no such topic.",
            hint=f"let it be deleted from too: invoke kafka.topic.alter {state.name} "
            "--append cleanup.policy=delete",
        )


def planned(
    admin: Admin, state: TopicState, before: Position, *, partitions: Sequence[int] = ()
) -> list[Trim]:
    """What would go in each partition, or in these; nothing goes where `records` is 0.

    Raises `InvalidInput` for a partition that is not there, `ClusterError` for one that has no
    leader.
    """
    numbers = [partition.id for partition in state.partitions]
    for number in partitions:
        if number not in numbers:
            raise InvalidInput(
                f"The topic {state.name} has no partition {number}; it has 0 to {numbers[-1]}.",
                hint=f"invoke kafka.topic.describe {state.name}",
            )
    asked = [place for place in offsets.places([state]) if not partitions or place[1] in partitions]
    for number in partitions or numbers:
        if (state.name, number) not in asked:
            raise ClusterError(
                f"The partition {state.name}-{number} has no leader, so nothing can be trimmed.",
                hint="invoke kafka.status",
            )
    logs = offsets.ranges(admin, asked)
    moments = offsets.at_time(admin, asked, before.number) if before.kind == "time" else {}
    return [
        Trim(place[1], log.start, before.offset_in(log, moments.get(place)), log.end)
        for place, log in logs.items()
        if log is not None
    ]


def carry_out(admin: Admin, topic: str, wanted: Sequence[Trim]) -> dict[int, int]:
    """Delete the records; returns the first offset of each partition then."""
    going = {trim.partition: trim.before for trim in wanted if trim.records}
    return changes.trim(admin, topic, going)
