"""Carries out a plan, and nothing else.

Every request covers a batch and may be sent again: after a time-out, the cluster shows whether the
first one was carried out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from kafka_tasks.clients.kafka import changes
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.changes import ConfigEdit, NewTopicRequest, Outcomes
from kafka_tasks.clients.kafka.connection import not_yet, undecided
from kafka_tasks.clients.kafka.permissions import require_settings
from kafka_tasks.errors import (
    BrokerUnreachable,
    KafkaTasksError,
    TopicDiffers,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.topics import deletion
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.plan import PLACEMENT, Change, Plan, plan
from kafka_tasks.topics.waits import await_all_leaders, topics_seen

# A batch is what Ctrl-C may have to wait for: 100 new topics take a controller two seconds.
_BATCH = 100
# Seconds for one request before it is sent again.
_ANSWER_S = 15.0

# Carries out `mover(topic → its spec, topics with new partitions)`; see `reassignment`.
Mover = Callable[[Mapping[str, TopicSpec], Mapping[str, TopicState], Deadline], Outcomes]

_T = TypeVar("_T")

_Stage = Literal["waiting", "begun", "done", "failed"]
_Send = Callable[[Sequence[str], float], Outcomes]
_Judge = Callable[[str, KafkaTasksError], None]


@dataclass(slots=True)
class Progress:
    """The stage of every change; true at any moment, also after Ctrl-C.

    `begun` means sent and not known to be done. `watch` is called after each step.
    """

    stages: dict[str, _Stage] = field(default_factory=dict)
    failures: dict[str, KafkaTasksError] = field(default_factory=dict)
    watch: Callable[[Progress], None] = lambda _: None

    def expect(self, names: Iterable[str]) -> None:
        """Add topics that are going to be changed."""
        self.stages.update(dict.fromkeys(names, "waiting"))

    def begin(self, names: Iterable[str]) -> None:
        """Mark topics whose request is being sent."""
        self.stages.update({name: "begun" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def done(self, names: Iterable[str]) -> None:
        """Mark topics that are as the plan wants them."""
        self.stages.update({name: "done" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def failed(self, name: str, error: KafkaTasksError) -> None:
        """Mark a topic that could not be changed; the others continue."""
        self.stages[name] = "failed"
        self.failures.setdefault(name, error)
        self.watch(self)

    def having(self, stage: _Stage) -> tuple[str, ...]:
        """Return the topics at this stage, in order."""
        return tuple(sorted(name for name, at in self.stages.items() if at == stage))


def require_done(progress: Progress) -> None:
    """Raise the first failure, if there is one."""
    for error in progress.failures.values():
        raise error


def apply(
    wanted: Plan,
    admin: Admin,
    *,
    timeout_s: float = 30.0,
    policy: RetryPolicy | None = None,
    progress: Progress | None = None,
    mover: Mover | None = None,
    batch: int = _BATCH,
) -> Progress:
    """Make the cluster what the plan says; blocked changes are left alone.

    Returns when every partition of a new topic has a leader and every deleted topic is gone. The
    failure of one topic stands in the progress and stops no other. The deadline is for a cluster
    that makes no progress: it starts again with every batch.
    """
    told = progress if progress is not None else Progress()
    work = _Work(admin, told, policy or RetryPolicy(first_s=0.02, cap_s=0.1), timeout_s)
    told.expect(c.topic for c in wanted.changes if c.action in ("create", "update", "delete"))
    for some in _batches(wanted.having("delete"), batch):
        work.delete([change.topic for change in some])
    created = {c.topic: c.spec for c in wanted.having("create") if c.spec is not None}
    for names in _batches(list(created), batch):
        work.create({name: created[name] for name in names})
    work.finish(created, mover)
    for some in _batches(wanted.having("update"), batch):
        work.update(some, mover)
    return told


def _batches(every: Sequence[_T], size: int) -> Iterable[Sequence[_T]]:
    return (every[at : at + size] for at in range(0, len(every), size))


@dataclass(frozen=True, slots=True)
class _Work:
    admin: Admin
    progress: Progress
    policy: RetryPolicy
    timeout_s: float

    def deadline(self) -> Deadline:
        return Deadline.after(self.timeout_s, self.policy.clock)

    def delete(self, names: Sequence[str]) -> None:
        """Delete topics; each is done when its name is free again."""
        self.progress.begin(names)
        self._fail(
            deletion.delete(
                self.admin, names, timeout_s=self.timeout_s, policy=self.policy, watch=True
            )
        )
        self.progress.done(names)

    def create(self, specs: Mapping[str, TopicSpec]) -> None:
        """Create topics; their leaders come while the next batch is sent."""

        def send(names: Sequence[str], timeout_s: float) -> Outcomes:
            asked = [
                NewTopicRequest(name, s.partitions, s.replication_factor, s.config)
                for name, s in ((name, specs[name]) for name in names)
            ]
            return changes.create(self.admin, asked, timeout_s=timeout_s)

        def judge(name: str, error: KafkaTasksError) -> None:
            # The topic may be on its way out, come from a request that timed out, or be another's:
            # it is right if it is as wanted.
            if not isinstance(error, TopicExists):
                raise error
            there = _described(specs[name], self.admin)
            if there is None:
                raise NotYet(error.message) from error
            _require_as_wanted(specs[name], there)

        self._send_all(list(specs), send, judge)

    def await_leaders(
        self, totals: Mapping[str, int], led: Callable[[Mapping[str, TopicState]], None]
    ) -> None:
        """Wait until those of these topics that did not fail have their partitions and leaders."""
        waiting = {name: n for name, n in totals.items() if self.progress.stages[name] == "begun"}
        self._fail(await_all_leaders(self.admin, waiting, self.deadline(), self.policy, led))

    def update(self, some: Sequence[Change], mover: Mover | None) -> None:
        """Change partitions, then settings, then replicas; a topic is done with its last."""
        names = [change.topic for change in some]
        self.progress.begin(names)
        grown = self._add_partitions(some)
        self._alter_configs(some)
        self._move({c.topic: c.spec for c in some if c.spec and _moves(c)}, grown, mover)
        self.progress.done(names)

    def finish(self, created: Mapping[str, TopicSpec], mover: Mover | None) -> None:
        """Wait for the leaders of new topics; move replicas where Kafka left racks uneven."""
        spread = {name: spec for name, spec in created.items() if spec.rack_spread}
        totals = {name: spec.partitions or 1 for name, spec in created.items()}
        others = {name: total for name, total in totals.items() if name not in spread}
        led: dict[str, TopicState] = {}
        self.await_leaders(others, self.progress.done)
        self.await_leaders({name: totals[name] for name in spread}, led.update)
        self._move(spread, led, mover)
        self.progress.done(list(spread))

    def _move(
        self,
        wanted: Mapping[str, TopicSpec],
        seen: Mapping[str, TopicState],
        mover: Mover | None,
    ) -> None:
        """Move the replicas of those of these topics that did not fail."""
        moves = {name: wanted[name] for name in wanted if self.progress.stages[name] == "begun"}
        if moves:
            assert mover is not None, "a plan that moves replicas was made without a mover"
            self._fail(mover(moves, seen, self.deadline()))

    def _add_partitions(self, some: Sequence[Change]) -> dict[str, TopicState]:
        """Return the topics with new partitions as they were seen: the next broker asked may not
        know of them yet."""
        totals = {
            change.topic: int(f.after or 0)
            for change in some
            for f in change.fields
            if f.field == "partitions"
        }

        def send(names: Sequence[str], timeout_s: float) -> Outcomes:
            return changes.add_partitions(
                self.admin, {name: totals[name] for name in names}, timeout_s=timeout_s
            )

        def judge(name: str, error: KafkaTasksError) -> None:
            # A request that was sent twice, or another's: the number of partitions decides.
            seen = topics_seen(self.admin).get(name)
            if seen is None or len(seen.partitions) != totals[name]:
                raise error

        grown: dict[str, TopicState] = {}
        self._send_all(list(totals), send, judge)
        self.await_leaders(totals, grown.update)
        return grown

    def _alter_configs(self, some: Sequence[Change]) -> None:
        edits = {change.topic: _edits(change) for change in some}
        edits = {
            name: wanted
            for name, wanted in edits.items()
            if wanted and self.progress.stages[name] == "begun"
        }

        def send(names: Sequence[str], timeout_s: float) -> Outcomes:
            return changes.alter_configs(
                self.admin, {name: edits[name] for name in names}, timeout_s=timeout_s
            )

        def judge(_: str, error: KafkaTasksError) -> None:
            raise error

        self._send_all(list(edits), send, judge)

    def _fail(self, outcomes: Mapping[str, KafkaTasksError | None]) -> None:
        for name, error in outcomes.items():
            if error is not None:
                self.progress.failed(name, error)

    def _send_all(self, names: Sequence[str], send: _Send, judge: _Judge) -> None:
        """Send until each topic has an outcome.

        `judge` returns where an error is none after all, raises `NotYet` to have the topic sent
        again, and anything else to let it fail.
        """
        left = list(names)
        deadline = self.deadline()
        self.progress.begin(left)

        def attempt() -> None:
            limit = min(_ANSWER_S, max(1.0, deadline.remaining()))
            again = self._judged(send(tuple(left), limit), judge)
            left[:] = list(again)
            if left:
                raise NotYet(str(again[left[0]]))

        try:
            if left:
                self.policy.until(attempt, deadline)
        except OutOfTime as error:
            self._fail({name: _no_answer(name, str(error)) for name in left})

    def _judged(self, outcomes: Outcomes, judge: _Judge) -> dict[str, Exception]:
        """Let topics fail that cannot be sent again; return the others, with the reason."""
        again: dict[str, Exception] = {}
        for name, error in outcomes.items():
            if error is None:
                continue
            try:
                if isinstance(error, BrokerUnreachable):
                    raise not_yet(error)
                if isinstance(error, TopicMissing) and self.admin.still_there([name]):
                    raise NotYet(error.message)
                judge(name, error)
            except (NotYet, BrokerUnreachable) as cause:
                again[name] = cause
            except KafkaTasksError as cause:
                self.progress.failed(name, cause)
        return again


def _moves(change: Change) -> bool:
    """Return whether replicas may have to move: new partitions too may lie unevenly."""
    moving = {"replication_factor", PLACEMENT}
    if change.spec is not None and change.spec.rack_spread:
        moving.add("partitions")
    return any(f.field in moving for f in change.fields)


def _edits(change: Change) -> list[ConfigEdit]:
    return [
        ConfigEdit(f.field.removeprefix("config."), "set", str(f.after))
        for f in change.fields
        if f.field.startswith("config.")
    ]


def _no_answer(name: str, why: str) -> BrokerUnreachable:
    late = BrokerUnreachable("No answer.", evidence=(why,))
    look = f"invoke kafka.topic.describe {name}"
    return undecided(late, f"The change of topic {name}", look)


def _described(spec: TopicSpec, admin: Admin) -> TopicState | None:
    try:
        found = admin.describe(spec.name, timeout_s=5.0)
    except TopicMissing:
        return None
    if found is not None and spec.config:
        require_settings(admin.cluster, found)
    return found


def _require_as_wanted(spec: TopicSpec, there: TopicState) -> None:
    """Raise `TopicDiffers` unless the topic is as the spec says."""
    asked = replace(spec, rack_spread=False)  # where replicas lie is seen to afterwards
    change = plan([asked], {spec.name: there}, brokers=0).of(spec.name)
    if change.action != "none":
        raise differing(change)


def differing(change: Change) -> TopicDiffers:
    """Return the error for a topic that is not as asked for, with both values of each field."""
    lines = [f"{f.field}: asked for {f.after}, the topic has {f.before}" for f in change.fields]
    return TopicDiffers(
        f"The topic {change.topic} exists, but not as asked for.",
        evidence=lines,
        hint=f"invoke kafka.topic.describe {change.topic}; "
        f"or delete it first: invoke kafka.topic.delete {change.topic}",
    )
