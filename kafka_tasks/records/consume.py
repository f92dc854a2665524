"""Finds the offsets at which reading starts and ends in each partition."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.clients.kafka import offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import ClusterError, InvalidInput
from kafka_tasks.model.positions import Position
from kafka_tasks.model.topic import Offsets, TopicState


def places(state: TopicState, partition: int | None) -> list[tuple[str, int]]:
    """Return all partitions of a topic, or the one that was named; raises `InvalidInput`."""
    return offsets.chosen(state, () if partition is None else (partition,))


def bounds(
    admin: Admin, wanted: Sequence[tuple[str, int]], position: Position
) -> tuple[dict[int, int], dict[int, int]]:
    """Return the offsets to start at, and the present ends, by partition.

    Raises `ClusterError` where a partition has no leader, and `InvalidInput` for an offset that
    none of the partitions has.
    """
    logs = offsets.ranges(admin, wanted)
    times = offsets.at_time(admin, wanted, position.number) if position.kind == "time" else {}
    starts, ends = {}, {}
    for place in wanted:
        log = logs.get(place)
        if log is None:
            raise ClusterError(
                f"The partition {place[0]}-{place[1]} has no leader.", hint="invoke kafka.status"
            )
        starts[place[1]] = position.offset_in(log, times.get(place))
        ends[place[1]] = log.end
    if position.kind == "offset":
        _require_somewhere(position.number, wanted, logs)
    return starts, ends


def _require_somewhere(
    offset: int,
    wanted: Sequence[tuple[str, int]],
    logs: dict[tuple[str, int], Offsets | None],
) -> None:
    known = {place: log for place in wanted if (log := logs[place]) is not None}
    if any(log.start <= offset <= log.end for log in known.values()):
        return
    raise InvalidInput(
        f"The offset {offset} is out of range.",
        evidence=[
            f"{name}-{number} has {log.start} to {log.end}" for (name, number), log in known.items()
        ],
        hint="--from start, or --from end",
    )
