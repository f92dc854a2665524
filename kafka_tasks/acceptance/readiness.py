"""The precondition of the checks: a ready cluster."""

from __future__ import annotations

from kafka_tasks import settings
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.lifecycle.status import status
from kafka_tasks.model.results import Report
from kafka_tasks.project import choices
from kafka_tasks.project.directory import Project


def current_session() -> Session:
    """Return the session of the project in the current directory or above."""
    project = Project.find()
    found = settings.load(project.path, remembered=choices.remembered(project))
    return open_session(project, found)


def require_ready(session: Session) -> Report:
    """Return the status of a cluster that serves; raises `NotReady` or `CannotConnect`."""
    found = status(session)
    # A remote cluster that lacks a broker and serves all the same is proven as it is.
    serves = not session.is_local and found.state == "degraded" and found.failed_layer is None
    if found.state == "ready" or serves:
        return found
    if found.refused is not None:
        raise found.refused
    if found.state == "stopped":
        raise NotReady(
            f"No cluster is running in {session.project.path}.",
            hint="invoke kafka.up",
        )
    ours = session.is_local
    where = f"in {session.project.path}" if ours else f"at {found.bootstrap_servers}"
    layer = f": layer {found.failed_layer} does not hold" if found.failed_layer else ""
    reason = f" ({found.reason})" if found.reason else ""
    hint = "invoke kafka.wait" if found.state == "starting" else "invoke kafka.up"
    raise NotReady(
        f"The cluster {where} is {found.state}, not ready{layer}{reason}.",
        layer=found.failed_layer,
        evidence=(found.reason,) if found.reason else (),
        hint=hint if ours else "invoke kafka.status",
    )
