"""pull: what a start will need, before it is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kafka_tasks.lifecycle.session import Session, open_session, signals_held
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.results import Pulled
from kafka_tasks.probes import readiness
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings


def pull(session: Session) -> Pulled:
    """Fetch what `up` will need, the class archive of the embedded runtime included.

    The archive needs a start to learn from: a cluster in a temporary directory, on ports of its
    own, that is gone again afterwards.
    """
    import tempfile

    settings = session.settings
    what = list(session.runtime.pull(settings))
    if session.runtime.wants_rehearsal(settings):
        session.recorder.notice("making the Java class archive (about 15 s)")
        with tempfile.TemporaryDirectory(prefix="kafka-tasks-") as scratch:
            _rehearse(replace(settings, project=Path(scratch), runtime=session.runtime.name))
        if not session.runtime.wants_rehearsal(settings):
            what.append("Java class archive")
    return Pulled(session.runtime.name, tuple(what), round(session.recorder.elapsed(), 3))


def _rehearse(settings: Settings) -> None:
    project = Project(settings.project)
    single = replace(settings, port="auto", zookeeper_port="auto", brokers=1)
    session = open_session(project, single, Recorder())
    deadline = session.deadline()
    try:
        cluster = session.runtime.start(single)
        readiness.wait_until_ready(cluster, session.watch, deadline, Recorder())
        session.runtime.settled(wait=True)
    finally:
        with signals_held():
            session.runtime.stop(wipe=True)
