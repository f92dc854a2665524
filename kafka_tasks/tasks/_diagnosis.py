"""A failed start ends with what it was about: the one place where errors meet the diagnosis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._options import Call

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle import Session
    from kafka_tasks.model.finding import Finding


@contextmanager
def diagnosed(
    call: Call, doing: str, *, starts: bool = False, watched: bool = True
) -> Iterator[Session]:
    """A session; what fails while the block runs is given cause, evidence and fix.

    With `starts`, how a start failed is remembered for `doctor` until one succeeds.
    """
    from kafka_tasks.errors import KafkaTasksError

    session: Session | None = None
    try:
        with call.watched() if watched else nullcontext(call.session()) as session:
            yield session
    except KafkaTasksError as error:
        found = _explained(error, session)
        discreet(call, error)
        if starts and session is not None:
            _remember(session, doing, error, found)
        raise
    if starts:
        forget_failure(session)


def forget_failure(session: Session) -> None:
    """A start succeeded, or what failed is wiped."""
    from kafka_tasks.diagnosis import last_failure

    last_failure.forget(session.project)


def _explained(error: KafkaTasksError, session: Session | None) -> list[Finding]:
    """Put cause and fix into the error; an examination that fails takes nothing away from it."""
    from kafka_tasks.diagnosis import doctor
    from kafka_tasks.errors import Interrupted, Refused

    if isinstance(error, (Refused, Interrupted)):
        return []
    try:
        found = doctor.explain(error, session)
        doctor.enrich(error, found, session)
    except Exception:
        return []
    return found


def discreet(call: Call, error: KafkaTasksError) -> None:
    """Take secret values out of whatever the error says, whoever wrote it."""
    from kafka_tasks.diagnosis import secrets
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.settings import environment

    try:
        settings = call.settings(call.project())
        own, every = secrets.own(settings), secrets.known(settings, environment())
    except KafkaTasksError:
        own = every = frozenset()
    sentence, line = secrets.Masker(own).sentence, secrets.Masker(every)
    error.message = sentence(error.message)
    error.cause = sentence(error.cause) if error.cause else None
    error.hint = sentence(error.hint) if error.hint else None
    error.evidence = tuple(map(line, error.evidence))


def _remember(session: Session, doing: str, error: KafkaTasksError, found: list[Finding]) -> None:
    from kafka_tasks.diagnosis import last_failure
    from kafka_tasks.errors import MachineError, NotReady

    if isinstance(error, (MachineError, NotReady)):
        last_failure.remember(session.project, doing, error.message, tuple(found))


def trouble(call: Call, session: Session) -> tuple[list[dict[str, Any]], list[str]]:
    """What an examination finds wrong, as values and as lines: for checks that did not pass."""
    from kafka_tasks.diagnosis import doctor
    from kafka_tasks.model.finding import trouble as wrong
    from kafka_tasks.render.views import doctor as doctor_view

    found = wrong(doctor.examine(session.project, lambda: session.settings).findings)
    lines = [line for finding in found for line in doctor_view.shown(finding, call.width)]
    return [doctor_view.entry(finding) for finding in found], lines
