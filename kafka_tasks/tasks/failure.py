"""A failing task's error on its way out: translated, explained and masked, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Attempt, Call

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.finding import Finding
    from kafka_tasks.settings import Settings


@contextmanager
def diagnosed(
    call: Call, doing: str, *, starts: bool = False, watched: bool = True
) -> Iterator[Session]:
    """Yield a session; an error of the block is given cause, evidence and fix on its way out.

    With `starts`, `doctor` remembers how a start failed until one succeeds.
    """
    call.attempt = Attempt(doing, starts)
    with call.watched() if watched else nullcontext(call.session()) as session:
        call.attempt.session = session
        yield session
    call.attempt = None
    if starts:
        from kafka_tasks.diagnosis import last_failure

        last_failure.forget(session.project)


def translated(call: Call, error: KafkaTasksError | KeyboardInterrupt | OSError) -> KafkaTasksError:
    """Return what a task's error says to its user: explained, and without secrets."""
    from kafka_tasks.diagnosis import secrets
    from kafka_tasks.errors import KafkaTasksError

    found: list[Finding] = []
    if isinstance(error, KafkaTasksError):
        said = error
        found = _explained(said, call.attempt)
    elif isinstance(error, KeyboardInterrupt):
        said = _interrupted(call.attempt)
    else:
        said = _of_the_system(error)
    settings = _settings(call)
    said.hint = _fitting(call, said, settings)
    secrets.mask(said, settings)
    if call.attempt is not None and said is error:
        _remember(call.attempt, said, found, settings)
    return said


def _fitting(call: Call, error: KafkaTasksError, settings: Settings | None) -> str | None:
    """Return the hint that fits this cluster, and does not lead back to this task."""
    from kafka_tasks.diagnosis import hints

    runtime = "remote" if settings is not None and settings.are_remote else None
    found = hints.fitting_of(error, runtime, getattr(call.task, "full_name", ""))
    return hints.in_context(found, settings.remote if settings else None)


def _settings(call: Call) -> Settings | None:
    from kafka_tasks.errors import KafkaTasksError

    try:
        return call.settings(call.project())
    except KafkaTasksError:
        return None


def _interrupted(attempt: Attempt | None) -> KafkaTasksError:
    from kafka_tasks.errors import Interrupted

    if attempt is None or attempt.session is None or not attempt.session.undone:
        return Interrupted("Interrupted.")
    return Interrupted("Interrupted; what this call had started is stopped again.")


def _of_the_system(error: OSError) -> KafkaTasksError:
    """Return the error for a full or read-only disk, or anything else that the system refuses."""
    from kafka_tasks.errors import MachineError

    where = f" ({error.filename})" if error.filename else ""
    return MachineError(
        f"The system refused: {error.strerror or error}{where}.",
        hint="df -h . ; ls -ld .kafka-tasks",
    )


def _explained(error: KafkaTasksError, attempt: Attempt | None) -> list[Finding]:
    """Put cause and fix into the error; an examination that fails takes nothing away from it."""
    from kafka_tasks.errors import CannotConnect, Interrupted, Refused

    # A refused connection has told its reason; the others have none.
    if attempt is None or isinstance(error, (CannotConnect, Refused, Interrupted)):
        return []
    from kafka_tasks.diagnosis import explanation

    try:
        found = explanation.explain(error, attempt.session)
        explanation.enrich(error, found)
    except Exception:
        return []
    return list(found.causes)


def _remember(
    attempt: Attempt, error: KafkaTasksError, found: list[Finding], settings: Settings | None
) -> None:
    from kafka_tasks.errors import MachineError, NotReady

    session = attempt.session
    if not attempt.starts or session is None or not isinstance(error, (MachineError, NotReady)):
        return
    from kafka_tasks.diagnosis import last_failure, secrets

    sentence, line = secrets.maskers(settings)
    masked = (
        replace(
            finding,
            title=sentence(finding.title),
            cause=sentence(finding.cause) if finding.cause else None,
            fix=sentence(finding.fix) if finding.fix else None,
            evidence=tuple(map(line, finding.evidence)),
        )
        for finding in found
    )
    last_failure.remember(session.project, attempt.doing, error.message, tuple(masked))
