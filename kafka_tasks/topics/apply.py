"""Carries out a plan, and nothing else."""

from __future__ import annotations

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    TopicDiffers,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.plan import Change, Plan, plan

# What a spec leaves open is the broker's to choose.
_BROKER_DEFAULT = -1


def apply(
    wanted: Plan, admin: Admin, *, timeout_s: float = 30.0, policy: RetryPolicy | None = None
) -> tuple[str, ...]:
    """Create what the plan creates; returns the names when each partition has a leader.

    Raises `ClusterError` (`TopicDiffers` where somebody made it otherwise meanwhile) or
    `BrokerUnreachable`.
    """
    deadline = Deadline.after(timeout_s)
    waiting = policy or RetryPolicy(first_s=0.02, cap_s=0.1)
    created = []
    for change in wanted.changes:
        if change.action == "create" and change.spec is not None:
            _create(change.spec, admin, deadline, waiting)
            created.append(change.topic)
    for name in created:
        await_leaders(admin, name, deadline, waiting)
    return tuple(created)


def _create(spec: TopicSpec, admin: Admin, deadline: Deadline, policy: RetryPolicy) -> None:
    def attempt() -> None:
        try:
            admin.create(
                spec.name,
                partitions=spec.partitions or _BROKER_DEFAULT,
                replication_factor=spec.replication_factor or _BROKER_DEFAULT,
                config=spec.config,
                timeout_s=max(1.0, deadline.remaining()),
            )
        except TopicExists as error:
            # A deletion that is still under way answers so too; a create that timed out and
            # succeeded all the same, or somebody else's, is right if it is what was wanted.
            there = _described(spec.name, admin)
            if there is None:
                raise NotYet(error.message) from error
            _require_as_wanted(spec, there)
        except BrokerUnreachable as error:
            raise NotYet(error.evidence[0] if error.evidence else error.message) from error

    try:
        policy.until(attempt, deadline)
    except OutOfTime as error:
        raise BrokerUnreachable(
            f"The topic {spec.name} could not be created in time.",
            evidence=(str(error),),
            hint="invoke kafka.status",
        ) from error


def _described(name: str, admin: Admin) -> TopicState | None:
    try:
        return admin.describe(name, timeout_s=5.0)
    except TopicMissing:
        return None


def _require_as_wanted(spec: TopicSpec, there: TopicState) -> None:
    change = plan([spec], {spec.name: there}, brokers=0).of(spec.name)
    if change.action != "none":
        raise differing(change)


def differing(change: Change) -> TopicDiffers:
    """The error for a topic that is there, but not as asked for: both values of each field."""
    lines = [f"{f.field}: asked for {f.after}, the topic has {f.before}" for f in change.fields]
    return TopicDiffers(
        f"The topic {change.topic} exists, but not as asked for.",
        evidence=lines,
        hint=f"invoke kafka.topic.describe {change.topic}; "
        f"or delete it first: invoke kafka.topic.delete {change.topic}",
    )


def await_leaders(
    admin: Admin, name: str, deadline: Deadline, policy: RetryPolicy | None = None
) -> TopicState:
    """Return the topic when every partition of it has a leader; raises `ClusterError`."""

    def check() -> TopicState:
        state = admin.topics(timeout_s=5.0, name=name).get(name)
        if state is None or not state.partitions:
            raise NotYet("it is not in the metadata yet")
        if state.leaders < len(state.partitions):
            raise NotYet(f"{state.leaders} of {len(state.partitions)} partitions have a leader")
        return state

    try:
        return (policy or RetryPolicy()).until(check, deadline)
    except OutOfTime as error:
        raise ClusterError(
            f"The topic {name} did not get its leaders in time: {error}.",
            hint="invoke kafka.status",
        ) from error


def await_absence(admin: Admin, names: tuple[str, ...], deadline: Deadline) -> None:
    """Return when none of these topics is in the metadata any more; raises `ClusterError`."""

    def check() -> None:
        left = sorted(set(names) & set(admin.topics(timeout_s=5.0)))
        if left:
            raise NotYet(f"{left[0]} is still there")

    try:
        RetryPolicy(first_s=0.02, cap_s=0.1).until(check, deadline)
    except OutOfTime as error:
        raise ClusterError(f"Not deleted in time: {error}.") from error
