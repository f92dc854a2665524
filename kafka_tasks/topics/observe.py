"""Looks at the topics of a cluster: for a plan with their settings, for a list with their size."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from kafka_tasks.clients.kafka import offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.permissions import Right, require_settings
from kafka_tasks.clients.kafka.visibility import hidden_topics
from kafka_tasks.model.access import Rule
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import ConfigValue, ListedTopic, Offsets, TopicState
from kafka_tasks.retry import Deadline
from kafka_tasks.topics import access_plan, configs
from kafka_tasks.topics.model import TopicSpec, WantedTopics
from kafka_tasks.topics.plan import Plan, plan, prunable


@dataclass(frozen=True, slots=True)
class Observed:
    """One look at a cluster: all topics, with settings where a plan compares or deletes them.

    `settings` are those that its topics have at all; None where that was not asked or not told.
    `racks` has the rack of each broker that has one, where a topic is spread over them.
    `hidden` are topics that were asked for and that this user may not see. `rules` are those of the
    authorizer; None where no file declares rights.
    """

    cluster_id: str
    brokers: tuple[int, ...]
    topics: Mapping[str, TopicState]
    settings: frozenset[str] | None = None
    racks: Mapping[int, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    rules: tuple[Rule, ...] | None = None


def observe(
    admin: Admin, wanted: WantedTopics, *, prune: bool = False, timeout_s: float = 30.0
) -> Observed:
    """Look at the cluster; raises `BrokerUnreachable`, and `NoAuthorizer` if rights are wanted."""
    deadline = Deadline.after(timeout_s)
    names = [spec.name for spec in wanted.specs]
    topics = admin.topics(timeout_s=timeout_s, expected=names)
    view = admin.view()
    needed = _described(wanted, topics, prune)
    shown = admin.configs(needed, timeout_s=max(1.0, deadline.remaining()), missing_ok=True)
    full = {
        name: replace(state, config=shown[name]) if name in shown else state
        for name, state in topics.items()
        # A topic that vanished between the two requests is being deleted.
        if name not in needed or name in shown
    }
    for spec in wanted.specs:
        if spec.config and not spec.absent and spec.name in full:
            require_settings(admin.cluster, full[spec.name])
    brokers = tuple(sorted(view.brokers))
    settings = _settings(admin, wanted, topics, shown, deadline)
    spread = any(spec.rack_spread and not spec.absent for spec in wanted.specs)
    racks = admin.racks(deadline.remaining()) if spread else {}
    hidden = hidden_topics(admin, set(names) - set(topics))
    rules = None if wanted.access_owner is None else _rules(admin, deadline)
    return Observed(view.cluster_id or "", brokers, full, settings, racks, hidden, rules)


def _rules(admin: Admin, deadline: Deadline) -> tuple[Rule, ...]:
    from kafka_tasks.clients.kafka import acls

    return tuple(acls.rules(admin, timeout_s=max(1.0, deadline.remaining())))


def _settings(
    admin: Admin,
    wanted: WantedTopics,
    topics: Mapping[str, TopicState],
    shown: Mapping[str, Mapping[str, ConfigValue]],
    deadline: Deadline,
) -> frozenset[str] | None:
    """Return the settings that this cluster's topics have; every topic shows all of them."""
    if not shown and topics and wanted.doubts:
        timeout_s = max(1.0, deadline.remaining())
        shown = admin.configs([min(topics)], timeout_s=timeout_s, missing_ok=True)
    return next((frozenset(found) for found in shown.values() if found), None)


def _described(wanted: WantedTopics, there: Mapping[str, TopicState], prune: bool) -> list[str]:
    named = [
        spec.name for spec in wanted.specs if (spec.config or spec.absent) and spec.name in there
    ]
    return sorted({*named, *(prunable(wanted, there, wanted.owner) if prune else ())})


def absent_brokers(cluster: Cluster, registered: int) -> int | None:
    """Return how many brokers that do not answer may be given replicas; None where unknown.

    In KRaft mode a broker that does not run stays registered.
    """
    if cluster.is_remote:
        return None
    return max(0, cluster.brokers - registered) if cluster.topology.voters else 0


def remarks(wanted: WantedTopics, seen: Observed, cluster: Cluster) -> Iterator[str]:
    """Yield what only the cluster can decide: the settings that it may not have, and replicas.

    A setting that it shows for its topics is none of them.
    """
    known = seen.settings
    for doubt in wanted.doubts:
        text = doubt.text
        if known is not None and configs.unknown(doubt.key, None):
            if doubt.key in known:
                continue
            text = configs.missing(doubt.key, sorted(known), "this cluster")
        yield f"{doubt.origin}: {text}; the cluster decides"
    for name in sorted(seen.hidden):
        holder = Right(cluster, "DESCRIBE", "topic", name).holder
        yield f"{name}: {holder} may not see whether it exists (DESCRIBE); the cluster decides"
    brokers = len(seen.brokers)
    if absent_brokers(cluster, brokers) is not None:
        return
    for spec in wanted.specs:
        is_new = spec.name not in seen.topics and not spec.absent
        if is_new and (spec.replication_factor or 0) > brokers:
            yield (
                f"{spec.name}: a replication factor of {spec.replication_factor} is larger than "
                f"the number of brokers that answer ({brokers}); the cluster decides"
            )


def planned(
    wanted: WantedTopics,
    seen: Observed,
    *,
    absent: int | None = 0,
    prune: bool = False,
    immovable: str | None = None,
) -> Plan:
    """Return the plan for what was seen; `absent` is the result of `absent_brokers`."""
    found = plan(
        wanted.specs,
        seen.topics,
        brokers=len(seen.brokers),
        immovable=immovable,
        absent=absent,
        racks=seen.racks,
        pruned_below=wanted.owner if prune else (),
    )
    return replace(found, access=access_plan.planned(wanted, seen.rules, prune=prune))


def moves_replicas(specs: Iterable[TopicSpec], seen: Observed) -> bool:
    """Return whether these specs may move replicas of a topic that exists."""
    return any(
        spec.rack_spread
        or spec.replication_factor not in (None, seen.topics[spec.name].replication_factor)
        for spec in specs
        if not spec.absent and spec.name in seen.topics
    )


def chosen(
    states: Iterable[TopicState],
    *,
    name: str | None = None,
    internal: bool = False,
    under_replicated: bool = False,
    unavailable: bool = False,
) -> list[TopicState]:
    """Return the topics that pass every filter, sorted; `name` may contain `*`, `?` and `[…]`."""
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
    """Return these topics with the number of their records; `sizes` has the bytes of each.

    Records are counted by offsets: None where a partition has no leader, or where the topic was
    deleted meanwhile.
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
        None if sizes is None else sizes.get(state.name),
    )
