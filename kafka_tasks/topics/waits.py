"""What a change of topics has to wait for: leaders, and absence."""

from __future__ import annotations

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy


def topics_seen(admin: Admin) -> dict[str, TopicState]:
    """Every topic, as one step of a wait: raises `NotYet` where no broker answers."""
    try:
        return admin.topics(timeout_s=5.0)
    except BrokerUnreachable as error:
        raise NotYet(error.evidence[0] if error.evidence else error.message) from error


def is_led(state: TopicState) -> bool:
    """Whether every partition has a leader."""
    return bool(state.partitions) and state.leaders == len(state.partitions)


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
        raise no_leaders(name, str(error)) from error


def await_absence(
    admin: Admin, names: tuple[str, ...], deadline: Deadline, policy: RetryPolicy | None = None
) -> None:
    """Return when none of these topics is in the metadata any more; raises `ClusterError`."""

    def check() -> None:
        left = sorted(set(names) & set(topics_seen(admin)))
        if left:
            raise NotYet(f"{left[0]} is still there")

    try:
        (policy or RetryPolicy(first_s=0.02, cap_s=0.1)).until(check, deadline)
    except OutOfTime as error:
        raise ClusterError(
            f"Not deleted in time: {error}.", hint="invoke kafka.topic.list; invoke kafka.status"
        ) from error


def no_leaders(name: str, why: str) -> ClusterError:
    """The error for a topic whose leaders did not come in time."""
    return ClusterError(
        f"The topic {name} did not get its leaders in time: {why}.", hint="invoke kafka.status"
    )
