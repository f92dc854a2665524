"""Topics as code: how the cluster differs from topics.yaml, and making it so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import connected, require_cluster_id
from kafka_tasks.tasks._options import Call, Outcome, confirmed, verb
from kafka_tasks.tasks.topics_file import FILE_HELP, wanted

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle import Session
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.topics.apply import Progress
    from kafka_tasks.topics.model import WantedTopics
    from kafka_tasks.topics.observe import Observed
    from kafka_tasks.topics.plan import Plan
    from kafka_tasks.topics.plan_file import KeptPlan

_PRUNE_HELP = "delete undeclared topics with the owner's prefixes"
_TIMEOUT_HELP = "seconds without any progress (default 60)"


@dataclass(frozen=True, slots=True)
class _Work:
    """A running cluster, and what a plan for it depends on."""

    call: Call
    session: Session
    cluster: Cluster
    admin: Admin

    def look(self, topics: WantedTopics, *, prune: bool) -> tuple[Observed, Plan, KeptPlan]:
        """One look at the cluster and the plan that follows."""
        from kafka_tasks.clients.kafka import reassignment
        from kafka_tasks.topics import observe, plan_file

        seen = observe.observe(
            self.admin, topics, prune=prune, timeout_s=self.session.settings.timeout
        )
        moves = observe.replication_changes(topics.specs, seen)
        immovable = reassignment.unavailable(self.cluster) if moves else None
        plan = observe.planned(topics, seen, prune=prune, immovable=immovable)
        return seen, plan, plan_file.kept(topics, seen, plan, prune=prune)


@contextmanager
def _working(call: Call) -> Iterator[_Work]:
    with connected(call) as (session, cluster, admin):
        yield _Work(call, session, cluster, admin)


def _require_owner(topics: WantedTopics, *, prune: bool) -> None:
    from kafka_tasks.errors import InvalidInput

    if prune and not topics.owner:
        raise InvalidInput(
            "--prune needs an owner in the file: without prefixes it would mean every topic.",
            hint="write owner: [billing.] at the top of topics.yaml",
        )


@verb(
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

    from kafka_tasks.render.views import plan as plan_view
    from kafka_tasks.topics import plan_file

    topics = wanted(call, file or [])
    _require_owner(topics, prune=prune)
    with _working(call) as work:
        seen, found, kept = work.look(topics, prune=prune)
    if out is not None and not call.dry:
        plan_file.write(kept, Path(out))
    document = plan_view.document(found, cluster_id=seen.cluster_id, fingerprint=kept.fingerprint)
    if call.dry:
        document["dry"] = True
    said = "Would be written" if call.dry else "Written"
    tail = f"\n{said} to {out}; apply it: invoke kafka.topic.apply --plan {out}" if out else ""
    code = 2 if detailed_exitcode and found.pending else 0
    return Outcome(document, lambda: plan_view.text(found) + tail, code)


@verb(
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
    """Make the cluster what topics.yaml, or a kept plan, says."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import plan as plan_view

    before = _kept_plan(plan, file, prune=prune) if plan is not None else None
    topics = before.wanted if before else wanted(call, file or [])
    pruning = before.prune if before else prune
    _require_owner(topics, prune=pruning)
    with _working(call) as work:
        seen, todo, now = work.look(topics, prune=pruning)
        if before is not None:
            from kafka_tasks.topics.plan_file import require_same

            require_same(before, now)
        if call.dry:
            document = plan_view.document(
                todo, cluster_id=seen.cluster_id, fingerprint=now.fingerprint
            )
            return Outcome({**document, "dry": True}, lambda: f"would do:\n{plan_view.text(todo)}")
        undo = _before_deletion(work, todo, seen, yes=yes, cluster_id=cluster_id)
        return _carried_out(work, todo, seen, topics, undo)


def _kept_plan(path: str, file: Any, *, prune: bool) -> KeptPlan:
    from pathlib import Path

    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics import plan_file

    if file or prune:
        raise InvalidInput(
            "--plan has the topics and what to prune in it; --file and --prune do not go with it.",
            hint=f"invoke kafka.topic.apply --plan {path}",
        )
    return plan_file.read(Path(path))


def _before_deletion(
    work: _Work, todo: Plan, seen: Observed, *, yes: bool, cluster_id: str | None
) -> Path | None:
    """Ask, and write the undo file; None where nothing is deleted."""
    going = [change.topic for change in todo.having("delete")]
    if going or cluster_id is not None:
        require_cluster_id(work.session, work.admin, cluster_id)
    if not going:
        return None
    import sys

    from kafka_tasks.render.tables import counted
    from kafka_tasks.render.views import plan as plan_view

    print(plan_view.text(todo), file=sys.stderr)
    question = [
        f"{counted(len(going), 'topic')} would be deleted with all records: {', '.join(going)}."
    ]
    confirmed(question, yes=yes, hint="the same command with --yes")
    return keep_undo(work.session, work.admin, [seen.topics[name] for name in going])


def _carried_out(
    work: _Work, todo: Plan, seen: Observed, topics: WantedTopics, undo: Path | None
) -> Outcome:
    from kafka_tasks.render.views import plan as plan_view
    from kafka_tasks.topics import reassignment
    from kafka_tasks.topics.apply import Progress
    from kafka_tasks.topics.apply import apply as carry_out

    recorder = work.session.recorder
    mover = reassignment.mover(work.cluster, work.admin, seen, recorder, work.session.project.state)

    def watch(account: Progress) -> None:
        done = len(account.stages) - len(account.having("waiting")) - len(account.having("begun"))
        recorder.progress("topics", done, len(account.stages), "topics")

    account = Progress(watch=watch)
    interrupted = False
    try:
        carry_out(
            todo,
            work.admin,
            timeout_s=work.session.settings.timeout,
            progress=account,
            mover=mover,
        )
    except KeyboardInterrupt:
        interrupted = True
        _ask_again(work, todo, topics, account)
    stages = {stage: account.having(stage) for stage in ("done", "begun", "waiting")}
    document = plan_view.account_document(
        stages,
        account.failures,
        todo,
        cluster_id=seen.cluster_id,
        undo=undo,
        interrupted=interrupted,
    )
    code = 130 if interrupted else int(bool(account.failures or todo.having("blocked")))
    return Outcome(
        document,
        lambda: plan_view.account_text(stages, account.failures, todo, interrupted=interrupted),
        code,
    )


def _ask_again(work: _Work, todo: Plan, topics: WantedTopics, account: Progress) -> None:
    """After Ctrl-C, find out what became of the changes that had been sent."""
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle import signals_held
    from kafka_tasks.topics import observe
    from kafka_tasks.topics.model import WantedTopics as Wanted

    sent = set(account.having("begun"))
    known = [spec for spec in topics.specs if spec.name in sent]
    try:
        with signals_held():
            seen = observe.observe(work.admin, Wanted(tuple(known)), timeout_s=3.0)
    except KafkaTasksError:
        return
    left = {change.topic for change in observe.planned(Wanted(tuple(known)), seen).pending}
    gone = {change.topic for change in todo.having("delete")} - set(seen.topics)
    done = {spec.name for spec in known} - left
    account.watch = lambda _: None
    account.done(sorted(sent & (done | gone)))


def keep_undo(session: Session, admin: Admin, going: list[Any]) -> Path:
    """Write the undo file for topics that are about to go or to be trimmed, and say where."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.topics import export

    names = group_admin.names(admin)
    committed = group_admin.committed(admin, names) if names else {}
    session.project.make_state()
    path = export.write_undo(
        session.project.state / "undo", admin.look(5.0).cluster_id or "", going, committed
    )
    session.recorder.notice(f"what goes is written to {path}; {export.UNDO_NOTICE}")
    return path
