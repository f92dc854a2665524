"""What would have to change: a wanted and an observed state in, changes out, nothing touched."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics.model import TopicSpec, collision

Action = Literal["create", "update", "delete", "none", "blocked"]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One difference: `before` is None where the cluster has no such value."""

    field: str
    before: int | str | None
    after: int | str | None


@dataclass(frozen=True, slots=True)
class Change:
    """What would happen to one topic; `reason` says why it is blocked and what would work."""

    topic: str
    action: Action
    fields: tuple[FieldChange, ...] = ()
    reason: str | None = None
    spec: TopicSpec | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, ordered by topic name."""

    changes: tuple[Change, ...]

    def of(self, topic: str) -> Change:
        """The change of one topic."""
        return next(change for change in self.changes if change.topic == topic)


def plan(specs: Iterable[TopicSpec], observed: Mapping[str, TopicState], *, brokers: int) -> Plan:
    """Compare what is wanted with what is there; only what a spec names is compared."""
    changes = [_change(spec, observed, brokers) for spec in specs]
    return Plan(tuple(sorted(changes, key=lambda change: change.topic)))


def _change(spec: TopicSpec, observed: Mapping[str, TopicState], brokers: int) -> Change:
    wanted_replicas = spec.replication_factor
    there = observed.get(spec.name)
    if there is None:
        return _creation(spec, observed, brokers)
    fields = tuple(_differences(spec, there))
    if not fields:
        return Change(spec.name, "none", spec=spec)
    if spec.partitions is not None and spec.partitions < len(there.partitions):
        reason = (
            f"it has {len(there.partitions)} partitions, and Kafka cannot take any away; "
            "delete it and create it anew"
        )
        return Change(spec.name, "blocked", fields, reason, spec)
    if wanted_replicas is not None and wanted_replicas != there.replication_factor:
        reason = (
            f"its replication factor is {there.replication_factor}; "
            "changing it means moving replicas"
        )
        return Change(spec.name, "blocked", fields, reason, spec)
    return Change(spec.name, "update", fields, spec=spec)


def _creation(spec: TopicSpec, observed: Mapping[str, TopicState], brokers: int) -> Change:
    fields = tuple(_wanted(spec))
    if spec.replication_factor is not None and spec.replication_factor > brokers:
        reason = (
            f"a replication factor of {spec.replication_factor} is larger than the number of "
            f"brokers ({brokers})"
        )
        return Change(spec.name, "blocked", fields, reason, spec)
    if (other := collision(spec.name, observed)) is not None:
        reason = f"its name collides with {other}: Kafka's metrics do not tell . from _"
        return Change(spec.name, "blocked", fields, reason, spec)
    return Change(spec.name, "create", fields, spec=spec)


def _wanted(spec: TopicSpec) -> Iterable[FieldChange]:
    if spec.partitions is not None:
        yield FieldChange("partitions", None, spec.partitions)
    if spec.replication_factor is not None:
        yield FieldChange("replication_factor", None, spec.replication_factor)
    for key, value in sorted(spec.config.items()):
        yield FieldChange(f"config.{key}", None, value)


def _differences(spec: TopicSpec, there: TopicState) -> Iterable[FieldChange]:
    if spec.partitions is not None and spec.partitions != len(there.partitions):
        yield FieldChange("partitions", len(there.partitions), spec.partitions)
    replicas = there.replication_factor
    if spec.replication_factor is not None and spec.replication_factor != replicas:
        yield FieldChange("replication_factor", replicas, spec.replication_factor)
    for key, value in sorted(spec.config.items()):
        found = there.config.get(key)
        if found is None or found.value != value:
            yield FieldChange(f"config.{key}", found.value if found else None, value)
