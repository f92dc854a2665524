"""Snapshots: the data of a cluster in one file, saved, restored, listed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks._cluster_access import dry
from kafka_tasks.tasks._diagnosis import diagnosed
from kafka_tasks.tasks._options import Call, Outcome, confirmed, verb

if TYPE_CHECKING:
    from kafka_tasks.lifecycle import Session


@verb()
def save(
    call: Call, name: str, yes: bool = False, timeout: str | None = None, output: str = "text"
) -> Outcome:
    """Save the cluster's data in one file; stops the cluster for it and starts it again."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import snapshot as snapshot_view
    from kafka_tasks.snapshots import save as saving
    from kafka_tasks.snapshots import store

    call.session().require_lifecycle()
    path = store.path_of(call.project(), name)
    if call.dry:
        return dry(_around(call.session(), f"write {path}"))
    replacing = path.exists()
    if replacing:
        question = [f"The snapshot {name} would be replaced."]
        confirmed(question, yes=yes, hint=saving.already_exists(name).hint or "")
    with diagnosed(call, "snapshot.save") as session:
        found = saving.save(session, name, replacing=replacing)
    seen = found.snapshot.seen()
    restarted, elapsed_s = found.restarted, found.elapsed_s
    return Outcome(
        snapshot_view.saved(seen, restarted=restarted, elapsed_s=elapsed_s),
        lambda: snapshot_view.saved_text(seen, restarted=restarted, elapsed_s=elapsed_s),
    )


def _around(session: Session, what: str) -> str:
    """What would be done, with the stop before it and the start after it."""
    alive = [service.name for service in session.runtime.services() if service.alive]
    if not alive:
        return what
    return f"stop {', '.join(reversed(alive))}, {what}, and start them again"


@verb(completes={"name": "snapshots"})
def restore(
    call: Call,
    name: str,
    runtime: str | None = None,
    brokers: str | None = None,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Put a snapshot's data (a name, or a file) in the place of the cluster's; asks first."""
    call.flags = {"runtime": runtime, "brokers": brokers, "timeout": timeout}
    from kafka_tasks.render.views import snapshot as snapshot_view
    from kafka_tasks.snapshots import restore as restoring

    with diagnosed(call, "snapshot.restore") as session:
        snapshot = restoring.require_fitting(session, name)
        replacing = session.runtime.has_data(session.settings)
        where = session.project.path
        if call.dry:
            verb_ = "replace the data" if replacing else "put the data"
            return dry(_around(session, f"{verb_} in {where} with {snapshot.path}"))
        if replacing:
            question = [f"All topics and records of the cluster in {where} would be replaced."]
            confirmed(question, yes=yes, hint=f"invoke kafka.snapshot.restore {name} --yes")
        found = restoring.restore(session, snapshot, confirmed=replacing)
    seen = found.snapshot.seen()
    return Outcome(
        snapshot_view.restored(
            seen,
            runtime=found.runtime,
            replaced=found.replaced,
            restarted=found.restarted,
            elapsed_s=found.elapsed_s,
        ),
        lambda: snapshot_view.restored_text(
            seen, runtime=found.runtime, restarted=found.restarted, elapsed_s=found.elapsed_s
        ),
    )


@verb(name="list")
def list_(call: Call, output: str = "text") -> Outcome:
    """List the snapshots; each is checked."""
    from kafka_tasks.render.views import snapshot as snapshot_view
    from kafka_tasks.snapshots import store

    found = [stored.seen for stored in store.every(call.project())]
    return Outcome(
        snapshot_view.listed(found), lambda: snapshot_view.list_text(found, width=call.width)
    )


@verb(completes={"name": "snapshots"})
def delete(call: Call, name: str, yes: bool = False, output: str = "text") -> Outcome:
    """Delete a snapshot; says what goes and asks first."""
    from kafka_tasks.snapshots import store

    path = store.path_of(call.project(), name)
    seen = store.find(call.project(), name).seen
    if call.dry:
        return dry(f"delete {path}")
    question = [f"The snapshot {name} would be deleted: {path}, {seen.bytes:,} bytes."]
    confirmed(question, yes=yes, hint=f"invoke kafka.snapshot.delete {name} --yes")
    path.unlink(missing_ok=True)
    return Outcome({"schema": 1, "deleted": name}, lambda: f"Deleted {name}.")
