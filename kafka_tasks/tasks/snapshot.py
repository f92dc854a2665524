"""Snapshots: the data of a cluster in one file, saved, restored, listed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.confirm import require_yes
from kafka_tasks.tasks.failure import diagnosed
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import task

if TYPE_CHECKING:
    from kafka_tasks.lifecycle.session import Session


@task(help={"name": "name of the snapshot"})
def save(
    call: Call, name: str, yes: bool = False, timeout: str | None = None, output: str = "text"
) -> Outcome:
    """Save the cluster's data in one file; a running cluster is restarted for it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import dry, snapshot_saved
    from kafka_tasks.snapshots import save as saving
    from kafka_tasks.snapshots import store

    call.session().servers()
    path = store.path_of(call.project(), name)
    if call.dry:
        return shown(dry.Dry(_around(call.session(), f"write {path}")), dry)
    replacing = path.exists()
    if replacing:
        question = [f"Snapshot {name} would be replaced."]
        require_yes(call, question, yes=yes)
    with diagnosed(call, "snapshot.save") as session:
        found = saving.save(session, name, replacing=replacing)
    return shown(found, snapshot_saved)


def _around(session: Session, what: str) -> str:
    """Return the work in words, with the stop before it and the start after it."""
    alive = [service.name for service in session.observe().services if service.alive]
    if not alive:
        return what
    return f"stop {', '.join(reversed(alive))}, {what}, and start them again"


@task(help={"name": "name or file of the snapshot"}, completes={"name": "snapshots"})
def restore(
    call: Call,
    name: str,
    runtime: str | None = None,
    brokers: str | None = None,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Replace the cluster's data with a snapshot; asks first."""
    call.flags = {"runtime": runtime, "brokers": brokers, "timeout": timeout}
    from kafka_tasks.render.views import dry, snapshot_restored
    from kafka_tasks.snapshots import restore as restoring

    with diagnosed(call, "snapshot.restore") as session:
        snapshot = restoring.require_fitting(session, name)
        replacing = session.data().has_data(session.settings)
        where = session.project.path
        if call.dry:
            what = f"put the data of {snapshot.path} into {where}"
            if replacing:
                what = f"replace the data in {where} with {snapshot.path}"
            return shown(dry.Dry(_around(session, what)), dry)
        if replacing:
            what = "All topics and records of the cluster"
            if snapshot.manifest.security:
                what = "All topics, records, certificates and passwords of the cluster"
            question = [f"{what} in {where} would be replaced."]
            require_yes(call, question, yes=yes)
        found = restoring.restore(session, snapshot, confirmed=replacing)
    return shown(found, snapshot_restored)


@task(name="list")
def list_(call: Call, output: str = "text") -> Outcome:
    """List the snapshots; each is checked."""
    from kafka_tasks.render.views import snapshots
    from kafka_tasks.snapshots import store

    return shown([stored.seen for stored in store.every(call.project())], snapshots)


@task(help={"name": "name of the snapshot"}, completes={"name": "snapshots"})
def delete(call: Call, name: str, yes: bool = False, output: str = "text") -> Outcome:
    """Delete a snapshot; shows its file and asks first."""
    from kafka_tasks.render.views import dry, snapshot_deleted
    from kafka_tasks.snapshots import store

    path = store.path_of(call.project(), name)
    seen = store.find(call.project(), name).seen
    if call.dry:
        return shown(dry.Dry(f"delete {path}"), dry)
    question = [f"Snapshot {name} would be deleted: {path}, {seen.bytes:,} bytes."]
    require_yes(call, question, yes=yes)
    path.unlink(missing_ok=True)
    return shown(name, snapshot_deleted)
