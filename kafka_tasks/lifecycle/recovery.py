"""A restore is brought to its end: to what was there before, or to all of the new data."""

from __future__ import annotations

from dataclasses import replace

from kafka_tasks.lifecycle import Session
from kafka_tasks.model.cluster import Runtime
from kafka_tasks.model.data_files import Data
from kafka_tasks.project import restoring
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings


def settle(session: Session) -> None:
    """Finish or undo a restore that was interrupted. Call it with the lock held."""
    begun = restoring.read(session.project)
    if begun is None:
        return
    runtime, settings = session.runtime, replace(session.settings, brokers=begun.brokers)
    if runtime.name != begun.runtime:
        runtime = registry.make(begun.runtime, session.project, settings, session.recorder)
    if begun.committed:
        told = f"finishing the restore of {begun.name}, which was interrupted"
        runtime.stop([service.name for service in runtime.services()])
    else:
        told = f"undoing the restore of {begun.name}, which was interrupted: the old data stays"
    session.recorder.notice(told)
    with runtime.data(settings) as data:
        end(session.project, runtime, settings, data)


def end(project: Project, runtime: Runtime, settings: Settings, data: Data) -> None:
    """Swap the new data in where it is complete, else delete what there is of it."""
    begun = restoring.read(project)
    if begun is not None and begun.committed:
        data.swap()
        runtime.expect(settings)
    else:
        data.discard()
    restoring.forget(project)
