"""Deletes topics, until the same names can be created again, and the oldest records of one."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from kafka_tasks.clients.kafka import changes, offsets
from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.changes import Outcomes
from kafka_tasks.clients.kafka.connection import not_yet, undecided
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    InvalidInput,
    KafkaTasksError,
    TopicMissing,
)
from kafka_tasks.model.positions import Position
from kafka_tasks.model.topic import TopicState, Trim
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.topics.waits import topics_seen

# The controller answers when it has accepted the whole batch, so a batch has a limit.
_BATCH = 500
# Seconds for one request before it is sent again.
_ANSWER_S = 5.0
# A topic with records of the last seconds has a producer that may still run. It learns of the
# deletion and re-creates the topic within 0.9 s (24 of 24 deletions, librdkafka 2.16).
_LATELY_S = 10.0
_COMES_BACK_S = 1.5


def users(states: Iterable[TopicState]) -> list[TopicState]:
    """Return the topics that are not Kafka's own, by name."""
    return sorted((s for s in states if not s.internal), key=lambda state: state.name)


def delete(
    admin: Admin,
    names: Sequence[str],
    *,
    timeout_s: float | None = None,
    policy: RetryPolicy | None = None,
    watch: bool = False,
) -> Outcomes:
    """Delete topics; return None for each that is gone, its name free again, else an error.

    The metadata forgets a topic before the controller does, which until then refuses a new topic
    of that name. With `watch`, a topic that got records lately is looked for a while longer: its
    producer may re-create it.
    """
    waiting = policy or RetryPolicy(first_s=0.01, cap_s=0.05)
    deadline = Deadline.after(admin.limit(timeout_s, CHANGE_S), waiting.clock)
    found: Outcomes = {}
    used = _written_lately(admin, names) if watch else set()
    known = changes.ids(admin, used, timeout_s=_ANSWER_S)
    for first in range(0, len(names), _BATCH):
        found.update(_sent(admin, list(names[first : first + _BATCH]), deadline, waiting))
    going = [name for name, error in found.items() if error is None]
    left, back = _await_free(admin, going, deadline, waiting, known)
    found.update({name: _still_there(name) for name in sorted(left)})
    gone = set(going) - left - back
    back |= _seen_again(admin, gone, _COMES_BACK_S if gone & used else 0.0, waiting)
    return {**found, **{name: _recreated(name) for name in sorted(back)}}


def _written_lately(admin: Admin, names: Sequence[str]) -> set[str]:
    """Return those that got records in the last seconds, as far as this user may know.

    A single one does not count: that is how a topic is tried.
    """
    moment_ms = int((time.time() - _LATELY_S) * 1000)
    try:
        there = admin.seen(timeout_s=_ANSWER_S)
        asked = offsets.places(there[name] for name in names if name in there)
        since = offsets.at_time(admin, asked, moment_ms, timeout_s=_ANSWER_S)
        written = [place for place, offset in since.items() if offset is not None]
        logs = offsets.ranges(admin, written, timeout_s=_ANSWER_S)
    except KafkaTasksError:
        return set()
    count = Counter[str]()
    for place, log in logs.items():
        count[place[0]] += 0 if log is None else log.end - (since[place] or 0)
    return {name for name, records in count.items() if records > 1}


def _seen_again(admin: Admin, gone: set[str], for_s: float, policy: RetryPolicy) -> set[str]:
    """Return those that are there again: a client that uses a topic re-creates it.

    The look lasts `for_s` seconds, or until one of them is there.
    """
    back: set[str] = set()

    def check() -> None:
        back.update(gone & set(admin.seen(timeout_s=1.0)))
        if not back:
            raise NotYet("none is there again")

    if gone:
        with contextlib.suppress(BrokerUnreachable, NotYet, OutOfTime):
            policy.until(check, Deadline.after(for_s, policy.clock)) if for_s else check()
    return back


def _sent(admin: Admin, names: list[str], deadline: Deadline, policy: RetryPolicy) -> Outcomes:
    """Send a deletion until it is answered; a topic that is gone by then counts as deleted."""
    found: Outcomes = {}

    def attempt() -> None:
        answered = changes.delete(admin, names, timeout_s=_ANSWER_S)
        # A controller that has just started may not know a topic yet.
        unknown = [name for name, error in answered.items() if isinstance(error, TopicMissing)]
        there = admin.still_there(unknown)
        found.update({n: None if n in unknown else error for n, error in answered.items()})
        found.update({name: _not_known_yet(name) for name in there})
        names[:] = [name for name in names if isinstance(found[name], BrokerUnreachable)]
        if names:
            raise NotYet(str(found[names[0]]))

    with contextlib.suppress(OutOfTime):
        policy.until(attempt, deadline)
    return {name: _undecided(name, error) for name, error in found.items()}


def _undecided(name: str, error: KafkaTasksError | None) -> KafkaTasksError | None:
    if not isinstance(error, BrokerUnreachable):
        return error
    return undecided(error, f"The deletion of topic {name}", "invoke kafka.topic.list")


def _not_known_yet(name: str) -> BrokerUnreachable:
    return BrokerUnreachable(
        f"The controller does not know the topic {name} yet, which exists.",
        hint="invoke kafka.status",
    )


def _still_there(name: str) -> ClusterError:
    return ClusterError(
        f"The topic {name} is still there; whether its deletion takes longer, or a client has "
        "re-created it, is not known.",
        hint="invoke kafka.status",
    )


def _recreated(name: str) -> ClusterError:
    return ClusterError(
        f"The topic {name} was deleted, and is there again: a client re-created it.",
        hint="stop the clients that use it first; or set auto.create.topics.enable=false on the "
        "brokers",
    )


def _await_free(
    admin: Admin,
    names: Iterable[str],
    deadline: Deadline,
    policy: RetryPolicy,
    known: Mapping[str, str],
) -> tuple[set[str], set[str]]:
    """Wait until topics of these names can be created; return those that cannot in time.

    Also return those that are there again by then, which another id than the `known` one tells.
    """
    left, back = set(names), set[str]()

    def check() -> None:
        # The metadata is cheap; the controller is asked when none of them is in it.
        seen = left & set(topics_seen(admin))
        now = changes.ids(admin, seen & set(known), timeout_s=_ANSWER_S)
        back.update(name for name, number in now.items() if number != known[name])
        left.difference_update(back)
        seen -= back
        if seen:
            raise NotYet(f"{min(seen)} is still there")
        try:
            still = changes.taken(admin, sorted(left), timeout_s=max(1.0, deadline.remaining()))
        except BrokerUnreachable as error:
            raise not_yet(error) from error
        left.intersection_update(still)
        if left:
            raise NotYet(f"{min(left)} is marked for deletion")

    if left:
        try:
            policy.until(check, deadline)
        except OutOfTime:
            return left, back
    return set(), back


def require_trimmable(state: TopicState) -> None:
    """Raise `InvalidInput` for a topic whose records the broker does not delete by age."""
    policy = state.config["cleanup.policy"].value if "cleanup.policy" in state.config else None
    if policy is not None and "delete" not in policy.split(","):
        raise InvalidInput(
            f"The topic {state.name} is only compacted (cleanup.policy={policy}); "
            "compacted topics cannot be trimmed.",
            hint=f"allow deletion too: invoke kafka.topic.alter {state.name} "
            "--append cleanup.policy=delete",
        )


def plan_trim(
    admin: Admin, state: TopicState, before: Position, *, partitions: Sequence[int] = ()
) -> list[Trim]:
    """Return what would be deleted in each partition, or in these; nothing where `records` is 0.

    Raises `InvalidInput` for a partition that the topic does not have, `ClusterError` for one
    without a leader.
    """
    asked = offsets.chosen(state, partitions)
    led = offsets.places([state])
    for place in asked:
        if place not in led:
            raise ClusterError(
                f"The partition {place[0]}-{place[1]} has no leader, so it cannot be trimmed.",
                hint="invoke kafka.status",
            )
    logs = offsets.ranges(admin, asked)
    moments = offsets.at_time(admin, asked, before.number) if before.kind == "time" else {}
    return [
        Trim(place[1], log.start, before.offset_in(log, moments.get(place)), log.end)
        for place, log in logs.items()
        if log is not None
    ]


def trim(admin: Admin, topic: str, wanted: Sequence[Trim]) -> dict[int, int]:
    """Delete the records; return the new first offset of each partition."""
    going = {one.partition: one.before for one in wanted if one.records}
    return changes.trim(admin, topic, going)
