"""Recovery from a crash: an unreadable record, lost processes, an interrupted restore."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Observation
from kafka_tasks.model.data_files import Data
from kafka_tasks.project import restoring, state, written_by
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.protocol import DataAccess
from kafka_tasks.runtimes.secure.snapshot_files import StagedFiles
from kafka_tasks.settings import Settings


def recover(session: Session) -> Observation:
    """Make record and data tell the truth again, and resume what is suspended.

    Returns a look at the services after that. Call it with the lock held.
    """
    notice = session.recorder.notice
    kept = state.set_aside_if_corrupt(session.project)
    if kept:
        notice(f"the state file was unreadable; it was moved to {kept}")
    found = session.recovery().recover()
    if found.adopted:
        notice(f"found running and not recorded: {', '.join(found.adopted)}")
    if found.resumed:
        notice(f"resumed, was suspended: {', '.join(found.resumed)}")
    return session.observe() if _end_restore(session) else found.seen


def _end_restore(session: Session) -> bool:
    """Finish or undo a restore that was interrupted; returns whether there was one.

    Call it with the lock held.
    """
    begun = restoring.read(session.project)
    if begun is None:
        return False
    mine = replace(session, settings=replace(session.settings, **begun.choices))
    if mine.runtime.name != begun.runtime:
        other = registry.make(begun.runtime, mine.project, mine.settings, mine.recorder)
        mine = replace(mine, runtime=other)
    if begun.committed:
        told = f"finishing the restore of {begun.name}, which was interrupted"
        mine.servers().stop(mine.observe().names)
    else:
        told = f"undoing the restore of {begun.name}, which was interrupted: the old data stays"
    session.recorder.notice(told)
    access = mine.data()
    with access.data(mine.settings) as data:
        conclude_restore(mine.project, access, mine.settings, data)
    return True


def conclude_restore(project: Project, access: DataAccess, settings: Settings, data: Data) -> None:
    """Swap the new data in where it is complete, else delete what there is of it."""
    begun = restoring.read(project)
    keys = StagedFiles(project)
    if begun is not None and begun.committed:
        data.swap()
        keys.swap()
        access.expect(settings)
        if begun.written_by is None:
            written_by.forget(project, begun.runtime)
        else:
            found = msgspec.structs.replace(begun.written_by, security=begun.security)
            written_by.write(project, begun.runtime, found)
    else:
        data.discard()
        keys.discard()
    restoring.forget(project)
