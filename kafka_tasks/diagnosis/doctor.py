"""The doctor: run every check at once, and explain a failed command."""

from __future__ import annotations

import contextlib
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue

from kafka_tasks.diagnosis import (
    cluster,
    compose_file,
    configuration,
    data_identity,
    leftovers,
    machine,
    prerequisites,
    secrets,
    signatures,
)
from kafka_tasks.diagnosis.examination import Check, Examination, of_error
from kafka_tasks.diagnosis.secrets import Masker
from kafka_tasks.errors import KafkaTasksError, MachineError, NotReady
from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, last_start, telling
from kafka_tasks.model.finding import Area, Diagnosis, Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import is_held
from kafka_tasks.settings import Settings, environment, load

# No check takes a second by itself; a check that hangs is reported after this time.
_TIMEOUT_S = 8.0
# Services that stand for an error's own text instead of a server's log.
_NO_SERVER = ("tool", "engine")

_CHECKS: tuple[Check, ...] = (
    *machine.CHECKS,
    *prerequisites.CHECKS,
    *configuration.CHECKS,
    *compose_file.CHECKS,
    *leftovers.CHECKS,
    *cluster.CHECKS,
    *data_identity.CHECKS,
)


def examine(
    project: Project,
    settings: Callable[[], Settings],
    *,
    checks: Sequence[Check] = _CHECKS,
    timeout_s: float = _TIMEOUT_S,
) -> Diagnosis:
    """Run the checks and return their findings; changes nothing and raises no error of a check."""
    started = time.monotonic()
    exam, early = open_examination(project, settings)
    found = [*early, *_all(exam, checks, timeout_s)]
    mask = Masker(secrets.known(exam.settings, exam.environ))
    shown = tuple(_masked(finding, mask) for finding in _unique(found))
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
        past = finding.level == "warning" and finding.service in _NO_SERVER
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
    return one.id == other.id and (len(services) == 1 or bool(services & {None, *_NO_SERVER}))


def explain(error: KafkaTasksError, session: Session | None) -> list[Finding]:
    """Return the findings that explain a failed command.

    Searches the services' last log lines and the error's own text for known signatures; without a
    cause in them, runs the checks. The findings may contain secrets: the caller masks them.
    """
    runtime = session.runtime.name if session else None
    hits = signatures.search(_texts(error, session))
    if isinstance(error, NotReady):
        hits.sort(key=lambda hit: hit[0] != error.service)
    found = [hit.finding(service=of, runtime=runtime) for of, hit in hits]
    certain = any(not hit.signature.symptom for _, hit in hits)
    if certain or session is None or not isinstance(error, (NotReady, MachineError)):
        return found
    return [*_examined(session), *found]


def _texts(error: KafkaTasksError, session: Session | None) -> dict[str, list[str]]:
    """Return service → lines; the error's evidence replaces a log that was deleted."""
    if isinstance(error, NotReady):
        texts = _last_lines(session)
        if error.service and not texts.get(error.service):
            texts[error.service] = list(error.evidence)
        return {**texts, "tool": [error.message]}
    # No service was started: the logs are from an earlier start.
    return {"tool": [error.message, *error.evidence], "engine": list(error.evidence)}


def enrich(error: KafkaTasksError, found: Sequence[Finding], session: Session | None) -> None:
    """Add the first finding's cause, evidence and fix to the error.

    An error's own hint is more exact than a signature's fix and stays, except for `NotReady`, which
    knows no cause.
    """
    lines = _last_lines(session).get(error.service or "") if isinstance(error, NotReady) else None
    if lines:
        error.evidence = tuple(telling(lines))
    if found:
        _add(error, found[0])


def _add(error: KafkaTasksError, first: Finding) -> None:
    from_log = first.service not in (*_NO_SERVER, None)
    error.finding = first.id
    error.cause = " ".join(filter(None, (first.title, first.cause))) if from_log else first.cause
    if from_log:
        error.evidence = _with_first(first.evidence, error.evidence)
    if first.fix and (isinstance(error, NotReady) or not error.hint):
        error.hint = first.fix


def _with_first(lines: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return the lines, the most important first, limited to a screen."""
    return tuple(dict.fromkeys([*lines, *others]))[:12]


def _masked(finding: Finding, mask: Masker) -> Finding:
    """Return the finding with secrets masked in its evidence."""
    return replace(finding, evidence=tuple(map(mask, finding.evidence)))


def _last_lines(session: Session | None) -> dict[str, list[str]]:
    """Return each service's log lines since this command's start."""
    if session is None:
        return {}
    since = time.time() - session.recorder.elapsed() if session.runtime.name == "embedded" else None
    said = session.last_words
    if not said:
        try:
            said = {s.name: session.logs(s.name, WINDOW) for s in session.observe().services}
        except KafkaTasksError:
            said = {}
    return {name: last_start(lines, since) for name, lines in said.items()}


def _examined(session: Session) -> list[Finding]:
    """Return the errors that the checks find; a start that was undone left no cluster to check."""
    undone = bool(session.last_words)
    checks = [check for check in _CHECKS if not undone or check.area != "cluster"]
    found = examine(session.project, lambda: session.settings, checks=checks, timeout_s=3.0)
    return list(found.errors)
