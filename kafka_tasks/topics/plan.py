"""Computes the changes from the observed to the wanted state; touches nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from kafka_tasks.model.access import Rule
from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics import racks as over_racks
from kafka_tasks.topics.configs import same_value
from kafka_tasks.topics.model import TopicSpec, WantedTopics

_Action = Literal["create", "update", "delete", "none", "blocked"]
# The field of a topic whose replicas are spread over racks.
PLACEMENT = "placement.rack"
_AccessAction = Literal["grant", "revoke", "none", "blocked"]
ACCESS_ACTIONS: tuple[_AccessAction, ...] = ("grant", "revoke", "none", "blocked")
ACTIONS: tuple[_Action, ...] = ("create", "update", "delete", "none", "blocked")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One difference; `before` is None where the cluster has no value."""

    field: str
    before: int | str | None
    after: int | str | None


@dataclass(frozen=True, slots=True)
class Change:
    """The change of one topic; `reason` says why it is blocked, and what works instead."""

    topic: str
    action: _Action
    fields: tuple[FieldChange, ...] = ()
    reason: str | None = None
    spec: TopicSpec | None = None


@dataclass(frozen=True, slots=True)
class AccessChange:
    """The change of one right; `reason` says why it is blocked, and what works instead."""

    rule: Rule
    action: _AccessAction
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, ordered by topic name, and those of rights; None where no file declares any."""

    changes: tuple[Change, ...]
    access: tuple[AccessChange, ...] | None = None

    def of(self, topic: str) -> Change:
        """Return the change of one topic."""
        return next(change for change in self.changes if change.topic == topic)

    def having(self, action: _Action) -> tuple[Change, ...]:
        """Return the changes with this action."""
        return tuple(change for change in self.changes if change.action == action)

    @property
    def pending(self) -> tuple[Change, ...]:
        """The changes that are not `none`, blocked ones included."""
        return tuple(change for change in self.changes if change.action != "none")

    def rights(self, action: _AccessAction) -> tuple[AccessChange, ...]:
        """Return the changes of rights with this action."""
        return tuple(change for change in self.access or () if change.action == action)

    @property
    def pending_rights(self) -> tuple[AccessChange, ...]:
        """The changes of rights that are not `none`, blocked ones included."""
        return tuple(change for change in self.access or () if change.action != "none")


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The facts besides topics: the number of brokers, and why replicas are `immovable`, if so.

    A new topic may have replicas on so many `absent` brokers too; None where only the cluster knows
    how many. `racks` has the rack of each broker that has one.
    """

    brokers: int
    immovable: str | None = None
    absent: int | None = 0
    racks: Mapping[int, str] = field(default_factory=dict)


def plan(
    specs: Iterable[TopicSpec],
    observed: Mapping[str, TopicState],
    *,
    brokers: int,
    immovable: str | None = None,
    absent: int | None = 0,
    racks: Mapping[int, str] | None = None,
    pruned_below: tuple[str, ...] = (),
) -> Plan:
    """Compare wanted and observed topics; only values that a spec names are compared.

    Undeclared topics are left alone, except those with a prefix of `pruned_below`.
    """
    wanted = {spec.name: spec for spec in specs}
    around = _Surroundings(brokers, immovable, absent, racks or {})
    going = {
        name
        for name, spec in wanted.items()
        if name in observed and spec.absent and _unfit(spec) is None
    }
    changes = {name: Change(name, "delete") for name in prunable(wanted, observed, pruned_below)}
    going.update(changes)
    crowd = _crowd(wanted, set(observed) - going)
    for name, spec in wanted.items():
        changes[name] = _change(spec, observed.get(name), around, crowd)
    return Plan(tuple(changes[name] for name in sorted(changes)))


def prunable(
    wanted: Mapping[str, TopicSpec] | WantedTopics,
    observed: Iterable[str],
    prefixes: tuple[str, ...],
) -> list[str]:
    """Return the undeclared topics with one of these prefixes; never Kafka's own."""
    if isinstance(wanted, WantedTopics):
        wanted = {spec.name: spec for spec in wanted.specs}
    if not prefixes:
        return []
    return sorted(
        name
        for name in observed
        if name.startswith(prefixes) and name not in wanted and not name.startswith("__")
    )


def _crowd(wanted: Mapping[str, TopicSpec], staying: set[str]) -> dict[str, set[str]]:
    """Return the future names, by their form in Kafka's metrics (. becomes _)."""
    found: dict[str, set[str]] = defaultdict(set)
    for name in (*staying, *(name for name, spec in wanted.items() if not spec.absent)):
        found[name.replace(".", "_")].add(name)
    return found


def _change(
    spec: TopicSpec, there: TopicState | None, around: _Surroundings, crowd: Mapping[str, set[str]]
) -> Change:
    if (reason := _unfit(spec)) is not None:
        action: _Action = "none" if spec.absent and there is None else "blocked"
        return Change(spec.name, action, reason=reason if action == "blocked" else None, spec=spec)
    if spec.absent:
        return Change(spec.name, "delete" if there else "none", spec=spec)
    if there is None:
        return _creation(spec, around, crowd)
    fields = tuple(_differences(spec, there, around.racks))
    if not fields:
        return Change(spec.name, "none", spec=spec)
    reason = _impossible(spec, there, around)
    return Change(spec.name, "blocked" if reason else "update", fields, reason, spec)


def _unfit(spec: TopicSpec) -> str | None:
    """Return why this file must not change this topic, or must not delete it."""
    if spec.name.startswith("__"):
        return "it is Kafka's own and is never touched"
    if spec.owner and not spec.name.startswith(spec.owner):
        return (
            f"it has another owner: this file owns {', '.join(spec.owner)}; "
            "declare it in its owner's file, or add the prefix to owner"
        )
    if spec.absent and spec.protected:
        return "it is protected; remove protected first, in a separate change"
    return None


def _creation(spec: TopicSpec, around: _Surroundings, crowd: Mapping[str, set[str]]) -> Change:
    fields = tuple(_wanted(spec))
    too_many = None
    if around.absent is not None:
        too_many = _too_many_replicas(spec, around.brokers + around.absent)
    reason = too_many or over_racks.impossible(spec, None, around.racks, around.brokers)
    others = crowd[spec.name.replace(".", "_")] - {spec.name}
    if reason is None and others:
        reason = (
            f"its name collides with {min(others)}: Kafka's metrics do not distinguish . and _; "
            "choose another name"
        )
    return Change(spec.name, "blocked" if reason else "create", fields, reason, spec)


def _impossible(spec: TopicSpec, there: TopicState, around: _Surroundings) -> str | None:
    if spec.partitions is not None and spec.partitions < len(there.partitions):
        return (
            f"it has {len(there.partitions)} partitions, and Kafka cannot remove any; "
            "delete and recreate it"
        )
    if spec.replication_factor not in (None, there.replication_factor):
        if (reason := _too_many_replicas(spec, around.brokers)) is not None:
            return reason
        if around.immovable is not None:
            return (
                f"its replication factor is {there.replication_factor}, "
                f"and replicas cannot be moved: {around.immovable}"
            )
    if over_racks.difference(spec, there, around.racks) is not None and around.immovable:
        return f"its replicas cannot be moved: {around.immovable}"
    return over_racks.impossible(spec, there, around.racks, around.brokers)


def _too_many_replicas(spec: TopicSpec, brokers: int) -> str | None:
    if spec.replication_factor is None or spec.replication_factor <= brokers:
        return None
    return (
        f"a replication factor of {spec.replication_factor} is larger than the number of "
        f"brokers ({brokers}); start more brokers or ask for less"
    )


def _wanted(spec: TopicSpec) -> Iterator[FieldChange]:
    if spec.partitions is not None:
        yield FieldChange("partitions", None, spec.partitions)
    if spec.replication_factor is not None:
        yield FieldChange("replication_factor", None, spec.replication_factor)
    if spec.rack_spread:
        yield FieldChange(PLACEMENT, None, "spread")
    for key, value in sorted(spec.config.items()):
        yield FieldChange(f"config.{key}", None, value)


def _differences(
    spec: TopicSpec, there: TopicState, racks: Mapping[int, str]
) -> Iterator[FieldChange]:
    if spec.partitions is not None and spec.partitions != len(there.partitions):
        yield FieldChange("partitions", len(there.partitions), spec.partitions)
    replicas = there.replication_factor
    if spec.replication_factor is not None and spec.replication_factor != replicas:
        yield FieldChange("replication_factor", replicas, spec.replication_factor)
    if (placed := over_racks.difference(spec, there, racks)) is not None:
        yield FieldChange(PLACEMENT, placed, "spread")
    for key, value in sorted(spec.config.items()):
        found = there.config.get(key)
        if found is None or found.value is None or not same_value(key, value, found.value):
            yield FieldChange(f"config.{key}", found.value if found else None, value)
