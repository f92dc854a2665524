"""Waiting for leaders, of one topic or of thousands: the one place that does."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.connection import not_yet
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy

_LOOK_S = 5.0

_Look = Callable[[], Mapping[str, TopicState]]


def topics_seen(admin: Admin) -> dict[str, TopicState]:
    """Return every topic, as one step of a wait: raise `NotYet` where no broker answers."""
    try:
        return admin.seen(timeout_s=_LOOK_S)
    except BrokerUnreachable as error:
        raise not_yet(error) from error


def await_leaders(
    admin: Admin, name: str, deadline: Deadline, policy: RetryPolicy | None = None
) -> TopicState:
    """Return the topic when every partition of it has a leader; raise `ClusterError`."""

    def look() -> dict[str, TopicState]:
        return admin.seen(timeout_s=_LOOK_S, name=name)

    found: dict[str, TopicState] = {}
    left = _await(look, {name: 1}, deadline, policy or RetryPolicy(), found.update)
    for error in left.values():
        raise error
    return found[name]


def await_all_leaders(
    admin: Admin,
    wanted: Mapping[str, int],
    deadline: Deadline,
    policy: RetryPolicy,
    led: Callable[[Mapping[str, TopicState]], None],
) -> dict[str, ClusterError]:
    """Wait until these topics have so many partitions, each with a leader, by one request a look.

    `led` is called with the topics that are so, as soon as they are. Returns an error for each of
    the others.
    """
    return _await(lambda: topics_seen(admin), wanted, deadline, policy, led)


def _await(
    look: _Look,
    wanted: Mapping[str, int],
    deadline: Deadline,
    policy: RetryPolicy,
    led: Callable[[Mapping[str, TopicState]], None],
) -> dict[str, ClusterError]:
    left = dict.fromkeys(wanted, "")

    def check() -> None:
        seen = look()
        left.update({name: _missing(seen.get(name), wanted[name]) for name in left})
        there = [name for name, why in left.items() if not why]
        for name in there:
            del left[name]
        if there:
            led({name: seen[name] for name in there})
        if left:
            raise NotYet(next(iter(left.values())))

    try:
        if left:
            policy.until(check, deadline)
    except OutOfTime as error:
        return {name: _no_leaders(name, why or str(error)) for name, why in sorted(left.items())}
    return {}


def _missing(state: TopicState | None, partitions: int) -> str:
    """Say what a topic lacks, or nothing."""
    if state is None or not state.partitions:
        return "it is not in the metadata yet"
    if len(state.partitions) < partitions:
        return f"it has {len(state.partitions)} of {partitions} partitions"
    if state.leaders < len(state.partitions):
        return f"{state.leaders} of {len(state.partitions)} partitions have a leader"
    return ""


def _no_leaders(name: str, why: str) -> ClusterError:
    return ClusterError(
        f"The topic {name} did not get its leaders in time: {why}.", hint="invoke kafka.status"
    )
