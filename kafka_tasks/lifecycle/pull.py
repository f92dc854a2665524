"""pull: fetch what a start will need, before it is needed."""

from __future__ import annotations

from dataclasses import replace

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.temporary import on_free_ports, temporary_project, temporary_session
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.results import Pulled
from kafka_tasks.probes import readiness
from kafka_tasks.settings import Settings


def pull(session: Session) -> Pulled:
    """Fetch what `up` will need, the class archive of the embedded runtime included.

    The archive needs a start to learn from: a temporary cluster.
    """
    settings, preparation = session.settings, session.preparation()
    what = list(preparation.pull(settings))
    if preparation.wants_rehearsal(settings):
        session.recorder.notice("making the Java class archive (about 15 s)")
        _rehearse(session, on_free_ports(replace(settings, brokers=1)))
        if not preparation.wants_rehearsal(settings):
            what.append("Java class archive")
    return Pulled(session.runtime.name, tuple(what), round(session.recorder.elapsed(), 3))


def _rehearse(session: Session, settings: Settings) -> None:
    """Start a temporary cluster on the same runtime, and let it prepare the next start."""
    named = replace(settings, runtime=session.runtime.name)
    with (
        temporary_project(session.recorder.notice) as project,
        temporary_session(project, named, Recorder()) as own,
    ):
        deadline = own.deadline()
        cluster = own.servers().start(own.settings)
        readiness.wait_until_ready(cluster, own.watch, deadline, Recorder())
        own.preparation().prepare_next_start(wait=True)
