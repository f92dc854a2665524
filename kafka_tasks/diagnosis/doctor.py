"""The doctor: run every check at once."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue

from kafka_tasks.diagnosis import (
    cluster,
    compose_file,
    configuration,
    data_identity,
    hints,
    leftovers,
    machine,
    prerequisites,
    secrets,
    secured,
    signatures,
)
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.diagnosis.secrets import Masker
from kafka_tasks.diagnosis.signatures import NO_SERVER
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle.session import open_session
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.finding import Area, Diagnosis, Finding
from kafka_tasks.project.directory import Project, of_another_user
from kafka_tasks.project.lock import is_held
from kafka_tasks.settings import Settings, environment, load

# No check takes a second by itself; a check that hangs is reported after this time.
_TIMEOUT_S = 8.0

CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *prerequisites.CHECKS,
    *configuration.CHECKS,
    *secured.CHECKS,
    *compose_file.CHECKS,
    *leftovers.CHECKS,
    *cluster.CHECKS,
    *data_identity.CHECKS,
)


def examine(
    project: Project,
    settings: Callable[[], Settings],
    *,
    checks: Sequence[Check] = CHECKS,
    timeout_s: float = _TIMEOUT_S,
) -> Diagnosis:
    """Run the checks and return their findings; changes nothing and raises no error of a check."""
    started = time.monotonic()
    exam, early = open_examination(project, settings)
    found = [*early, *_all(exam, checks, timeout_s)]
    mask = Masker(secrets.known(exam.settings, exam.environ))
    shown = tuple(_masked(_fitting(exam, finding), mask) for finding in _unique(found))
    return Diagnosis(shown, round(time.monotonic() - started, 3))


def open_examination(
    project: Project, settings: Callable[[], Settings]
) -> tuple[Examination, list[Finding]]:
    """Return the examination, and the findings of opening it."""
    try:
        exam = Examination(project, settings(), None, environment(), held=_held(project))
    except KafkaTasksError as error:
        # The state directory has no .env, so that these are the defaults.
        defaults = replace(load(project.state, environ={}), project=project.path)
        exam = Examination(
            project, defaults, None, environment(), readable=False, held=_held(project)
        )
        return exam, [_of_signature(error, "setting-invalid", "configuration")]
    try:
        exam.session = open_session(project, exam.settings, Recorder())
        exam.settings = exam.session.settings
        exam.services = exam.session.observe().services
    except KafkaTasksError as error:
        return exam, [_of_signature(error, error.code, "machine")]
    return exam, []


def _held(project: Project) -> bool:
    """Return True if another command changes the cluster; False if the lock is unreadable."""
    try:
        return is_held(project)
    except OSError:
        return False


def _of_signature(error: KafkaTasksError, id: str, area: Area) -> Finding:
    """Return an error as a finding, with the id of its signature if it has one."""
    hits = signatures.search({"tool": [error.message, *error.evidence]})
    if not hits:
        return of_error(error, id, area)
    known = hits[0][1].signature
    return replace(of_error(error, known.id, area, reference=known.reference), cause=known.cause)


def _all(exam: Examination, checks: Sequence[Check], timeout_s: float) -> list[Finding]:
    """Return the findings of each check, in the order of the checks.

    Each runs in a daemon thread, so that a check that hangs does not block the others or the exit.
    """
    done: SimpleQueue[tuple[int, list[Finding]]] = SimpleQueue()

    def run(number: int, check: Check) -> None:
        result = [_timed_out(check, timeout_s)]
        try:
            result = list(guarded(check, exam))
        finally:
            done.put((number, result))

    for number, check in enumerate(checks):
        threading.Thread(target=run, args=(number, check), daemon=True).start()
    found = _collected(done, len(checks), timeout_s)
    return [
        finding
        for number, check in enumerate(checks)
        for finding in found.get(number, [_timed_out(check, timeout_s)])
    ]


def _collected(
    done: SimpleQueue[tuple[int, list[Finding]]], count: int, timeout_s: float
) -> dict[int, list[Finding]]:
    """Return the results that arrive in time, by the number of the check."""
    deadline = time.monotonic() + timeout_s
    found: dict[int, list[Finding]] = {}
    with contextlib.suppress(Empty):
        while len(found) < count:
            number, result = done.get(timeout=max(0.0, deadline - time.monotonic()))
            found[number] = result
    return found


def guarded(check: Check, exam: Examination) -> Iterator[Finding]:
    """Yield the findings of a check; an exception becomes a finding."""
    try:
        yield from check.run(exam)
    except KafkaTasksError as error:
        yield of_error(error, f"check-{error.code}", check.area, level="warning")
    except Exception as error:
        path = error.filename if isinstance(error, PermissionError) else None
        if isinstance(path, str) and (owned := of_another_user(Path(path))):
            yield of_error(owned, "state-of-another-user", "machine")
            return
        frames = traceback.extract_tb(error.__traceback__)[-1:]
        yield Finding(
            "check-broken",
            "warning",
            f"The check of {check.name} failed: {type(error).__name__}: {error}.",
            area=check.area,
            evidence=tuple(f"{frame.name}, line {frame.lineno}: {frame.line}" for frame in frames),
            fix="invoke kafka.doctor --bundle, and report it",
        )


def _timed_out(check: Check, timeout_s: float) -> Finding:
    return Finding(
        "check-silent",
        "warning",
        f"The check of {check.name} did not finish within {timeout_s:g} s.",
        area=check.area,
        fix="invoke kafka.doctor; docker info, if the engine is slow",
    )


def _unique(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings without duplicates: the one with more evidence is kept, else the first.

    A warning from an earlier start is a duplicate of the same error now.
    """
    kept: list[Finding] = []
    for finding in findings:
        past = finding.level == "warning" and finding.service in NO_SERVER
        twins = [
            number
            for number, other in enumerate(kept)
            if other.level == "error"
            and (past or finding.level == "error")
            and _same(finding, other)
        ]
        if not twins:
            kept.append(finding)
        elif finding.level == "error" and len(finding.evidence) > len(kept[twins[0]].evidence):
            kept[twins[0]] = finding
    return tuple(kept)


def _same(one: Finding, other: Finding) -> bool:
    services = {one.service, other.service}
    return one.id == other.id and (len(services) == 1 or bool(services & {None, *NO_SERVER}))


def _fitting(exam: Examination, finding: Finding) -> Finding:
    """Return the finding with a fix that its runtime has, and that does not lead back here."""
    fix = hints.fitting(finding.fix, exam.runtime, "kafka.doctor")
    return replace(finding, fix=hints.in_context(fix, exam.settings.remote))


def _masked(finding: Finding, mask: Masker) -> Finding:
    """Return the finding with secrets masked in its evidence."""
    return replace(finding, evidence=tuple(map(mask, finding.evidence)))
