"""Fixes without data loss: each describes itself before it is applied."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kafka_tasks.clients import processes
from kafka_tasks.diagnosis import leftovers
from kafka_tasks.diagnosis.examination import Examination
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.finding import Finding
from kafka_tasks.project import state
from kafka_tasks.project.lock import exclusive
from kafka_tasks.retry import Deadline


@dataclass(frozen=True, slots=True)
class Fix:
    """One fix of `doctor --fix`: `what` describes it, without a subject."""

    remedy: str
    what: str
    apply: Callable[[], None]


def plan(exam: Examination, findings: Iterable[Finding]) -> list[Fix]:
    """Return the fixes for these findings, each once."""
    wanted = dict.fromkeys(finding.remedy for finding in findings if finding.remedy)
    known = {fix.remedy: fix for fix in _all(exam)}
    return [known[name] for name in wanted if name in known]


def apply(exam: Examination, fixes: Iterable[Fix]) -> tuple[str, ...]:
    """Apply the fixes while holding the project's lock, and return their descriptions."""
    done = []
    with exclusive(exam.project, "doctor", Deadline.after(exam.settings.timeout)):
        for fix in fixes:
            fix.apply()
            done.append(fix.what)
    return tuple(done)


def _all(exam: Examination) -> list[Fix]:
    folder, session = exam.project.state, exam.session
    env = exam.project.path / ".env"
    count = len(leftovers.orphans())
    fixes = [
        Fix("state", f"move {folder / state.FILE} aside", lambda: _move_aside(exam)),
        Fix("drafts", "delete half-written state files", lambda: _delete_drafts(exam)),
        Fix("state-mode", f"chmod 700 {folder}", lambda: folder.chmod(0o700)),
        Fix("env-mode", f"chmod 600 {env}", lambda: env.chmod(0o600)),
        Fix("orphans", f"stop {count} servers of deleted projects", _stop_orphans),
    ]
    if session is not None:
        fixes += [
            Fix("strays", "record running servers of this project", lambda: _adopt(session)),
            Fix("archive", "delete the damaged Java class archive", lambda: _delete_archive(exam)),
            Fix("pull", "download what the next start needs", lambda: _pull(session)),
        ]
    return fixes


def _move_aside(exam: Examination) -> None:
    state.set_aside_if_corrupt(exam.project)
    if exam.session is not None:
        exam.session.recovery().recover()


def _delete_drafts(exam: Examination) -> None:
    # With the lock held, no other command is writing them.
    for path in leftovers.drafts(exam.project):
        path.unlink(missing_ok=True)


def _stop_orphans() -> None:
    for found in leftovers.orphans():
        processes.stop(found.identity, grace_s=5.0)


def _adopt(session: Session) -> None:
    session.recovery().recover()


def _pull(session: Session) -> None:
    session.preparation().pull(session.settings)


def _delete_archive(exam: Examination) -> None:
    from kafka_tasks.runtimes import roles
    from kafka_tasks.runtimes.embedded import class_archive, jars, java

    lock = jars.load_lock(exam.settings.line.kafka)
    class_path = tuple(jar.path(exam.settings.cache) for jar in lock.jars)
    found = class_archive.locate(
        exam.settings.cache,
        java.choose(exam.settings),
        class_path,
        lock.kafka,
        roles.archives(exam.settings.topology),
    )
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(found.directory)
