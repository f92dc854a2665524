"""Topics with what they hold: records and bytes, and which of them need a look."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from kafka_tasks.clients.kafka import offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import ListedTopic, Offsets, TopicState


def chosen(
    states: Iterable[TopicState],
    *,
    name: str | None = None,
    internal: bool = False,
    under_replicated: bool = False,
    unavailable: bool = False,
) -> list[TopicState]:
    """Those that pass every filter, by name; a name may have `*`, `?` and `[…]` in it."""
    kept = [
        state
        for state in states
        if (internal or not state.internal)
        and (name is None or fnmatchcase(state.name, name))
        and (not under_replicated or state.under_replicated)
        and (not unavailable or state.leaders < len(state.partitions))
    ]
    return sorted(kept, key=lambda state: state.name)


def measured(
    admin: Admin, states: Iterable[TopicState], sizes: Mapping[str, int] | None = None
) -> list[ListedTopic]:
    """These topics with how many records they hold; `sizes` are bytes by topic, where known.

    Records are counted by offsets, in batches: where a partition has no leader, or the topic went
    meanwhile, their number is None.
    """
    every = list(states)
    logs = offsets.ranges(admin, offsets.places(every))
    return [_measured(state, logs, sizes) for state in every]


def _measured(
    state: TopicState,
    logs: Mapping[Place, Offsets | None],
    sizes: Mapping[str, int] | None,
) -> ListedTopic:
    known = [logs.get((state.name, partition.id)) for partition in state.partitions]
    counts = [log.end - log.start for log in known if log is not None]
    return ListedTopic(
        state,
        sum(counts) if len(counts) == len(known) else None,
        None if sizes is None else sizes.get(state.name, 0),
    )
