"""Carries out a plan, and nothing else.

Everything is sent in batches and may be sent again: a request that timed out is a question, and the
cluster is looked at for the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kafka_tasks.clients.kafka import changes
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.changes import ConfigEdit, NewTopicRequest, Outcomes
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    KafkaTasksError,
    TopicDiffers,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.plan import Change, Plan, plan
from kafka_tasks.topics.waits import await_absence, is_led, no_leaders, topics_seen

Stage = Literal["waiting", "begun", "done", "failed"]


@dataclass(slots=True)
class Progress:
    """What has become of every change so far; true at any moment, also after Ctrl-C.

    `begun` means sent and not known to be done. `watch` is told after each step.
    """

    stages: dict[str, Stage] = field(default_factory=dict)
    failures: dict[str, KafkaTasksError] = field(default_factory=dict)
    watch: Callable[[Progress], None] = lambda _: None

    def expect(self, names: Iterable[str]) -> None:
        """These are going to be changed."""
        self.stages.update(dict.fromkeys(names, "waiting"))

    def begin(self, names: Iterable[str]) -> None:
        """These are being sent."""
        self.stages.update({name: "begun" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def done(self, names: Iterable[str]) -> None:
        """These are as the plan wants them."""
        self.stages.update({name: "done" for name in names if self.stages[name] != "failed"})
        self.watch(self)

    def failed(self, name: str, error: KafkaTasksError) -> None:
        """This one could not be changed; the others go on."""
        self.stages[name] = "failed"
        self.failures.setdefault(name, error)
        self.watch(self)

    def having(self, stage: Stage) -> tuple[str, ...]:
        """The topics at this stage, in order."""
        return tuple(sorted(name for name, at in self.stages.items() if at == stage))


# A batch is what Ctrl-C may have to wait for: 100 new topics take a controller two seconds.
BATCH = 100
# How long one request may take before it is sent again, in seconds.
_ANSWER_S = 15.0

# Carries out `move(topic → replication factor, topics that have grown)`, see topics/moving.py.
Mover = Callable[[Mapping[str, int], Mapping[str, TopicState], Deadline], Outcomes]


def apply(
    wanted: Plan,
    admin: Admin,
    *,
    timeout_s: float = 30.0,
    policy: RetryPolicy | None = None,
    progress: Progress | None = None,
    mover: Mover | None = None,
    batch: int = BATCH,
) -> Progress:
    """Make the cluster what the plan says; blocked changes are left alone.

    Returns when every partition of what is new has a leader and what is deleted is gone. A failure
    of one topic stands in the progress and stops no other. The deadline is for a cluster that makes
    no progress: every batch that was done sets it anew.
    """
    told = progress if progress is not None else Progress()
    work = _Work(admin, told, policy or RetryPolicy(first_s=0.02, cap_s=0.1), timeout_s)
    told.expect(c.topic for c in wanted.changes if c.action in ("create", "update", "delete"))
    for some in _batches(wanted.having("delete"), batch):
        work.delete([change.topic for change in some])
    created = wanted.having("create")
    for some in _batches(created, batch):
        work.create({change.topic: change.spec for change in some if change.spec is not None})
    work.await_leaders([change.topic for change in created])
    for some in _batches(wanted.having("update"), batch):
        work.update(some, mover)
    return told


def _batches(every: Sequence[Change], size: int) -> Iterable[Sequence[Change]]:
    return (every[at : at + size] for at in range(0, len(every), size))


@dataclass(frozen=True, slots=True)
class _Work:
    admin: Admin
    progress: Progress
    policy: RetryPolicy
    timeout_s: float

    def deadline(self) -> Deadline:
        return Deadline.after(self.timeout_s, self.policy.clock)

    def create(self, specs: Mapping[str, TopicSpec]) -> None:
        """Leaders come later: the next batch is accepted meanwhile."""

        def send(names: Sequence[str], timeout_s: float) -> Outcomes:
            asked = [
                NewTopicRequest(name, s.partitions, s.replication_factor, s.config)
                for name, s in ((name, specs[name]) for name in names)
            ]
            return changes.create(self.admin, asked, timeout_s=timeout_s)

        def judge(name: str, error: KafkaTasksError) -> None:
            # A deletion that is still under way answers so too; a create that timed out and
            # succeeded all the same, or somebody else's, is right if it is what was wanted.
            if not isinstance(error, TopicExists):
                raise error
            there = _described(name, self.admin)
            if there is None:
                raise NotYet(error.message) from error
            require_as_wanted(specs[name], there)

        self._settle(list(specs), send, judge)

    def await_leaders(self, names: Sequence[str]) -> None:
        """Every partition of these has a leader, or they fail; thousands are one question."""
        waiting = {name for name in names if self.progress.stages[name] == "begun"}

        def check() -> None:
            seen = topics_seen(self.admin)
            led = {name for name in waiting if name in seen and is_led(seen[name])}
            waiting.difference_update(led)
            self.progress.done(led)
            if waiting:
                raise NotYet(f"{len(waiting)} topics have partitions without a leader")

        try:
            if waiting:
                self.policy.until(check, self.deadline())
        except OutOfTime as error:
            for name in sorted(waiting):
                self.progress.failed(name, no_leaders(name, str(error)))

    def delete(self, names: Sequence[str]) -> None:
        def send(some: Sequence[str], timeout_s: float) -> Outcomes:
            return changes.delete(self.admin, some, timeout_s=timeout_s)

        def judge(_: str, error: KafkaTasksError) -> None:
            if not isinstance(error, TopicMissing):
                raise error

        self._settle(names, send, judge)
        going = [name for name in names if self.progress.stages[name] == "begun"]
        try:
            await_absence(self.admin, tuple(going), self.deadline(), self.policy)
        except ClusterError as error:
            for name in going:
                self.progress.failed(name, error)
        self.progress.done(going)

    def update(self, some: Sequence[Change], mover: Mover | None) -> None:
        """Partitions first, then settings, then replicas; each topic is done with its last."""
        names = [change.topic for change in some]
        self.progress.begin(names)
        grown = self._add_partitions(some)
        self._alter_configs(some)
        moves = {
            change.topic: change.spec.replication_factor
            for change in some
            if change.spec is not None
            and change.spec.replication_factor is not None
            and any(f.field == "replication_factor" for f in change.fields)
            and self.progress.stages[change.topic] == "begun"
        }
        if moves:
            assert mover is not None, "a plan that moves replicas was made without a mover"
            for name, error in mover(moves, grown, self.deadline()).items():
                if error is not None:
                    self.progress.failed(name, error)
        self.progress.done(names)

    def _add_partitions(self, some: Sequence[Change]) -> dict[str, TopicState]:
        """Returns the topics that have grown, as they are then: the next broker that is asked may
        not have heard of it yet."""
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
            # Sent twice, or made by somebody else meanwhile: what counts is how many there are.
            seen = topics_seen(self.admin).get(name)
            if seen is None or len(seen.partitions) != totals[name]:
                raise error

        self._settle(list(totals), send, judge)
        return self._await_grown(totals)

    def _await_grown(self, totals: Mapping[str, int]) -> dict[str, TopicState]:
        grown: dict[str, TopicState] = {}
        waiting = {name for name in totals if self.progress.stages[name] == "begun"}

        def check() -> None:
            seen = topics_seen(self.admin)
            for name in sorted(waiting):
                if name not in seen or len(seen[name].partitions) < totals[name]:
                    raise NotYet(f"{name} has not got its new partitions yet")
                if not is_led(seen[name]):
                    raise NotYet(f"{name} has partitions without a leader")
                grown[name] = seen[name]
                waiting.discard(name)

        try:
            if waiting:
                self.policy.until(check, self.deadline())
        except OutOfTime as error:
            for name in sorted(waiting):
                self.progress.failed(name, no_leaders(name, str(error)))
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

        self._settle(list(edits), send, judge)

    def _settle(
        self,
        names: Sequence[str],
        send: Callable[[Sequence[str], float], Outcomes],
        judge: Callable[[str, KafkaTasksError], None],
    ) -> None:
        """Send until each has an outcome. `judge` returns where an error is none after all, raises
        `NotYet` to have it sent again, and anything else to let it fail.
        """
        left = list(names)
        deadline = self.deadline()
        self.progress.begin(left)

        def attempt() -> None:
            again: dict[str, KafkaTasksError | NotYet] = {}
            limit = min(_ANSWER_S, max(1.0, deadline.remaining()))
            for name, error in send(tuple(left), limit).items():
                if error is None:
                    continue
                try:
                    if isinstance(error, BrokerUnreachable):
                        raise NotYet(error.evidence[0] if error.evidence else error.message)
                    judge(name, error)
                except (NotYet, BrokerUnreachable) as cause:
                    again[name] = cause
                except KafkaTasksError as cause:
                    self.progress.failed(name, cause)
            left[:] = list(again)
            if left:
                raise NotYet(str(again[left[0]]))

        try:
            if left:
                self.policy.until(attempt, deadline)
        except OutOfTime as error:
            for name in left:
                self.progress.failed(name, _no_answer(name, str(error)))


def _edits(change: Change) -> list[ConfigEdit]:
    return [
        ConfigEdit(f.field.removeprefix("config."), "set", str(f.after))
        for f in change.fields
        if f.field.startswith("config.")
    ]


def _no_answer(name: str, why: str) -> BrokerUnreachable:
    return BrokerUnreachable(
        f"The topic {name} could not be changed in time.",
        evidence=(why,),
        hint="invoke kafka.status",
    )


def _described(name: str, admin: Admin) -> TopicState | None:
    try:
        return admin.describe(name, timeout_s=5.0)
    except TopicMissing:
        return None


def require_as_wanted(spec: TopicSpec, there: TopicState) -> None:
    """Raise `TopicDiffers` unless the topic is what the spec says."""
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


def require_done(progress: Progress) -> None:
    """Raise the first failure, if there is one."""
    for error in progress.failures.values():
        raise error
