"""Topics as code: how the cluster differs from topics.yaml, and applying the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected
from kafka_tasks.tasks.confirm import require_cluster, require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import task
from kafka_tasks.tasks.topics_file import FILE_HELP, wanted
from kafka_tasks.tasks.undo import keep_undo

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.access import Rule
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.topics.access_apply import AccessProgress
    from kafka_tasks.topics.apply import Progress
    from kafka_tasks.topics.model import WantedTopics
    from kafka_tasks.topics.observe import Observed
    from kafka_tasks.topics.plan import Plan
    from kafka_tasks.topics.plan_file import KeptPlan

_STAGES: tuple[Literal["done", "begun", "waiting"], ...] = ("done", "begun", "waiting")
_PRUNE_HELP = "delete undeclared topics, and revoke undeclared rights, with the owner's prefixes"
_TIMEOUT_HELP = "seconds without any progress (default 60)"


@dataclass(frozen=True, slots=True)
class _Work:
    """A running cluster, and the clients that a plan for it needs."""

    session: Session
    cluster: Cluster
    admin: Admin

    def look(self, topics: WantedTopics, *, prune: bool) -> tuple[Observed, Plan, KeptPlan]:
        """Observe the cluster once; returns that, the plan that follows, and its kept form."""
        from kafka_tasks.clients.kafka import reassignment
        from kafka_tasks.topics import observe, plan_file, racks

        seen = observe.observe(
            self.admin, topics, prune=prune, timeout_s=self.session.settings.timeout
        )
        for remark in (
            *observe.remarks(topics, seen, self.cluster),
            *racks.remarks(topics.specs, seen.topics, seen.racks),
        ):
            self.session.recorder.notice(f"warning: {remark}")
        moves = observe.moves_replicas(topics.specs, seen)
        immovable = reassignment.unavailable(self.cluster) if moves else None
        absent = observe.absent_brokers(self.cluster, len(seen.brokers))
        plan = observe.planned(topics, seen, absent=absent, prune=prune, immovable=immovable)
        self._remark_on_rights(topics, seen, plan)
        return seen, plan, plan_file.kept(topics, seen, plan, prune=prune)

    def _remark_on_rights(self, topics: WantedTopics, seen: Observed, plan: Plan) -> None:
        """Warn of names in new rights that may be mistyped, and of rules that overrule them."""
        from kafka_tasks.clients.kafka import scram
        from kafka_tasks.topics import access_plan

        if seen.rules is None or not plan.rights("grant"):
            return
        users = scram.known(self.admin)
        for remark in access_plan.remarks(topics, seen.rules, topics=seen.topics, users=users):
            self.session.recorder.notice(f"warning: {remark}")


@contextmanager
def _working(call: Call) -> Iterator[_Work]:
    with connected(call) as (session, cluster, admin):
        yield _Work(session, cluster, admin)


def _require_owner(topics: WantedTopics, *, prune: bool) -> None:
    from kafka_tasks.errors import InvalidInput

    if prune and not topics.owner:
        raise InvalidInput(
            "--prune needs an owner in the file: without prefixes it would delete every other "
            "topic.",
            hint="write owner: [billing.] at the top of topics.yaml",
        )


@task(
    iterable=("file",),
    help={
        "file": FILE_HELP,
        "prune": _PRUNE_HELP,
        "timeout": _TIMEOUT_HELP,
        "out": "write the plan to this file, for topic.apply --plan",
        "detailed_exitcode": "exit 2 when changes are pending",
    },
)
def plan(
    call: Call,
    file: Any = None,
    prune: bool = False,
    out: str | None = None,
    detailed_exitcode: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Show how the cluster differs from topics.yaml."""
    call.flags = {"timeout": timeout}
    from pathlib import Path

    from kafka_tasks.render.views import plan as view
    from kafka_tasks.topics import plan_file

    topics = wanted(call, file or [])
    _require_owner(topics, prune=prune)
    with _working(call) as work:
        seen, found, kept = work.look(topics, prune=prune)
    if out is not None and not call.dry:
        plan_file.write(kept, Path(out))
    changes = found.pending or found.pending_rights
    code = 2 if detailed_exitcode and changes else 0
    planned = view.Planned(found, seen.cluster_id, kept.fingerprint, out=out, dry=call.dry)
    return shown(planned, view, code, plans=True)


@task(
    iterable=("file",),
    help={
        "file": FILE_HELP,
        "plan": "a file that topic.plan --out has written, instead of topics.yaml",
        "prune": _PRUNE_HELP,
        "timeout": _TIMEOUT_HELP,
    },
)
def apply(
    call: Call,
    file: Any = None,
    plan: str | None = None,
    prune: bool = False,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Apply topics.yaml, or a kept plan, to the cluster; asks before it deletes."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import plan as view
    from kafka_tasks.topics.plan_file import require_same

    kept = _kept_plan(plan, file, prune=prune) if plan is not None else None
    topics = kept.wanted if kept else wanted(call, file or [])
    pruning = kept.prune if kept else prune
    _require_owner(topics, prune=pruning)
    with _working(call) as work:
        seen, todo, now = work.look(topics, prune=pruning)
        if kept is not None:
            require_same(kept, now)
        if call.dry:
            planned = view.Planned(todo, seen.cluster_id, now.fingerprint, dry=True, to_apply=True)
            return shown(planned, view)
        undo = _confirmed(call, work, todo, seen, yes=yes, cluster_id=cluster_id)
        return _applied(work, todo, seen, topics, undo)


def _kept_plan(path: str, file: Any, *, prune: bool) -> KeptPlan:
    from pathlib import Path

    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics import plan_file

    if file or prune:
        raise InvalidInput(
            "--plan contains the topics and --prune; --file and --prune cannot be added to it.",
            hint=f"invoke kafka.topic.apply --plan {path}",
        )
    return plan_file.read(Path(path))


def _confirmed(
    call: Call, work: _Work, todo: Plan, seen: Observed, *, yes: bool, cluster_id: str | None
) -> Path | None:
    """Ask, and write the undo file; returns None where nothing is deleted or revoked."""
    from kafka_tasks.topics.data_loss import losing

    going = [change.topic for change in todo.having("delete")]
    revoked = [change.rule for change in todo.rights("revoke")]
    if going or revoked or todo.rights("grant"):
        doing = "deleting on it" if going else "changing rights on it"
        require_cluster_id(call, work.session, work.admin, cluster_id, doing=doing)
    changed = losing(field for change in todo.having("update") for field in change.fields)
    require_cluster(call, work.session, work.admin, cluster_id, sorted(set(changed)))
    if not going and not revoked:
        return None
    import sys

    from kafka_tasks.render.views import plan as view

    print(view.changes(todo), file=sys.stderr)
    require_yes(call, [_question(going, revoked)], yes=yes)
    return keep_undo(work.session, work.admin, [seen.topics[name] for name in going], revoked)


def _question(going: Sequence[str], revoked: Sequence[Rule]) -> str:
    from kafka_tasks.render.words import counted

    parts = []
    if going:
        what = f"{counted(len(going), 'topic')} would be deleted with all records"
        parts.append(f"{what}: {', '.join(going)}.")
    if revoked:
        what = f"{counted(len(revoked), 'right')} would be revoked"
        parts.append(f"{what}: {'; '.join(map(str, revoked))}.")
    return " ".join(parts)


def _applied(
    work: _Work, todo: Plan, seen: Observed, topics: WantedTopics, undo: Path | None
) -> Outcome:
    """Carry out the plan; Ctrl-C ends it with a result that tells what was done."""
    from kafka_tasks.render.views import applied
    from kafka_tasks.topics import reassignment
    from kafka_tasks.topics.access_apply import AccessProgress
    from kafka_tasks.topics.access_apply import apply as change_rights
    from kafka_tasks.topics.apply import Progress
    from kafka_tasks.topics.apply import apply as carry_out

    session, recorder = work.session, work.session.recorder
    mover = reassignment.mover(work.cluster, work.admin, seen, recorder, session.project.state)
    progress = Progress(watch=_watcher(work))
    rights = AccessProgress.of(todo)
    interrupted = False
    try:
        limit = session.settings.timeout
        carry_out(todo, work.admin, timeout_s=limit, progress=progress, mover=mover)
        change_rights(todo, work.admin, timeout_s=limit, progress=rights)
    except KeyboardInterrupt:
        interrupted = True
        _ask_again(work, todo, topics, progress)
        _settle(work, todo, rights)
    stages: dict[str, Sequence[str]] = {stage: progress.having(stage) for stage in _STAGES}
    told = None
    if todo.access is not None:
        at: dict[str, Sequence[Rule]] = {stage: rights.having(stage) for stage in _STAGES}
        told = applied.Rights(at, rights.failures)
    found = applied.Applied(
        todo, seen.cluster_id, stages, progress.failures, undo, interrupted, told
    )
    failed = progress.failures or rights.failures or todo.having("blocked")
    return shown(
        found, applied, 130 if interrupted else int(bool(failed or todo.rights("blocked")))
    )


def _settle(work: _Work, todo: Plan, rights: AccessProgress) -> None:
    """Mark as done, after Ctrl-C, those changes of rights that were sent and took effect."""
    from contextlib import suppress

    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.session import signals_held

    with suppress(KafkaTasksError), signals_held():
        rights.settle(todo, work.admin)


def _watcher(work: _Work) -> Callable[[Progress], None]:
    def watch(progress: Progress) -> None:
        done = (
            len(progress.stages) - len(progress.having("waiting")) - len(progress.having("begun"))
        )
        work.session.recorder.progress("topics", done, len(progress.stages), "topics")

    return watch


def _ask_again(work: _Work, todo: Plan, topics: WantedTopics, progress: Progress) -> None:
    """Mark as done, after Ctrl-C, those changes that were sent and took effect."""
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.session import signals_held
    from kafka_tasks.topics import observe
    from kafka_tasks.topics.model import WantedTopics as Wanted

    sent = set(progress.having("begun"))
    known = Wanted(tuple(spec for spec in topics.specs if spec.name in sent))
    try:
        with signals_held():
            seen = observe.observe(work.admin, known, timeout_s=3.0)
    except KafkaTasksError:
        return
    left = {change.topic for change in observe.planned(known, seen, absent=None).pending}
    gone = {change.topic for change in todo.having("delete")} - set(seen.topics)
    done = {spec.name for spec in known.specs} - left
    progress.watch = lambda _: None
    progress.done(sorted(sent & (done | gone)))
