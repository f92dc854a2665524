"""The examination: every check at once, each on its own, and what a failure was about."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, SimpleQueue

from kafka_tasks import lifecycle
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
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, last_start, telling
from kafka_tasks.model.finding import Area, Diagnosis, Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import is_held
from kafka_tasks.settings import Settings, environment, load

# No check takes a second by itself; one that hangs is given this long, and named.
PATIENCE_S = 8.0
# Whose text is an error's own, and no server's log.
_ITSELF = ("tool", "engine")

CHECKS: tuple[Check, ...] = (
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
    checks: Sequence[Check] = CHECKS,
    patience_s: float = PATIENCE_S,
) -> Diagnosis:
    """Look at everything; nothing is changed, and nothing that fails on the way is raised."""
    began = time.monotonic()
    exam, early = open_examination(project, settings)
    found = [*early, *_all(exam, checks, patience_s)]
    mask = Masker(secrets.known(exam.settings, exam.environ))
    shown = tuple(_masked(finding, mask) for finding in _once(found))
    return Diagnosis(shown, round(time.monotonic() - began, 3))


def open_examination(
    project: Project, settings: Callable[[], Settings]
) -> tuple[Examination, list[Finding]]:
    """The exam, and what was wrong already with opening it."""
    try:
        exam = Examination(project, settings(), None, environment(), held=_held(project))
    except KafkaTasksError as error:
        # Nobody reads a .env in there: what remains are the defaults.
        defaults = replace(load(project.state, environ={}), project=project.path)
        exam = Examination(
            project, defaults, None, environment(), readable=False, held=_held(project)
        )
        return exam, [_known(error, "setting-invalid", "configuration")]
    try:
        exam.session = lifecycle.open_session(project, exam.settings, Recorder())
        exam.services = exam.session.runtime.services()
    except KafkaTasksError as error:
        return exam, [_known(error, error.code, "machine")]
    return exam, []


def _held(project: Project) -> bool:
    """Whether another command changes the cluster; of a state that is another user's, unknown."""
    try:
        return is_held(project)
    except OSError:
        return False


def _known(error: KafkaTasksError, id: str, area: Area) -> Finding:
    """An error as a finding, by the name of its signature where it has one."""
    hits = signatures.search({"tool": [error.message, *error.evidence]})
    if not hits:
        return of_error(error, id, area)
    known = hits[0][1].signature
    return replace(of_error(error, known.id, area, reference=known.reference), cause=known.cause)


def _all(exam: Examination, checks: Sequence[Check], patience_s: float) -> list[Finding]:
    """What each check found, in the order of the checks.

    Threads, because they wait for others; daemons, so that one that hangs holds nobody back.
    """
    ended: SimpleQueue[tuple[int, list[Finding]]] = SimpleQueue()

    def ask(number: int, check: Check) -> None:
        result = [_silent(check, patience_s)]
        try:
            result = list(guarded(check, exam))
        finally:
            ended.put((number, result))

    for number, check in enumerate(checks):
        threading.Thread(target=ask, args=(number, check), daemon=True).start()
    ends_at = time.monotonic() + patience_s
    found: dict[int, list[Finding]] = {}
    try:
        while len(found) < len(checks):
            number, result = ended.get(timeout=max(0.0, ends_at - time.monotonic()))
            found[number] = result
    except Empty:
        pass
    return [
        finding
        for number, check in enumerate(checks)
        for finding in found.get(number, [_silent(check, patience_s)])
    ]


def guarded(check: Check, exam: Examination) -> Iterator[Finding]:
    """What a check finds; an error, expected or not, becomes a finding."""
    try:
        yield from check.ask(exam)
    except KafkaTasksError as error:
        yield of_error(error, f"check-{error.code}", check.area, level="warning")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1:]
        yield Finding(
            "check-broken",
            "warning",
            f"The check of {check.name} itself failed: {type(error).__name__}: {error}.",
            area=check.area,
            evidence=tuple(f"{frame.name}, line {frame.lineno}: {frame.line}" for frame in last),
            fix="invoke kafka.doctor --bundle, for a report",
        )


def _silent(check: Check, patience_s: float) -> Finding:
    return Finding(
        "check-silent",
        "warning",
        f"The check of {check.name} did not come back within {patience_s:g} s.",
        area=check.area,
        fix="invoke kafka.doctor again; docker info, if the engine is slow",
    )


def _once(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Two checks may come upon the same error: the first, with more evidence, is kept.

    What the tool said when an earlier start failed is a warning; it says nothing new where it is an
    error now.
    """
    kept: list[Finding] = []
    for finding in findings:
        past = finding.level == "warning" and finding.service in _ITSELF
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
    return one.id == other.id and (len(services) == 1 or bool(services & {None, *_ITSELF}))


def explain(error: KafkaTasksError, session: Session | None) -> list[Finding]:
    """What a failed start, restart or check was about: known signatures, else what is wrong here.

    The services' last words are searched, and the error's own; where nothing is known of either,
    everything is examined. Secrets are still in it: whoever shows the error masks it.
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
    """Service → lines; the error's evidence stands in for a log that is gone already."""
    if isinstance(error, NotReady):
        texts = last_words(session)
        if error.service and not texts.get(error.service):
            texts[error.service] = list(error.evidence)
        return {**texts, "tool": [error.message]}
    # Nothing was started: what the logs say is of an earlier time.
    return {"tool": [error.message, *error.evidence], "engine": list(error.evidence)}


def enrich(error: KafkaTasksError, found: Sequence[Finding], session: Session | None) -> None:
    """Give the error the first finding's cause, evidence and fix.

    What an error says of itself is more exact than what a signature says of it in general, so that
    its own hint stays, unless all it knows is that something was not ready.
    """
    said = last_words(session).get(error.service or "") if isinstance(error, NotReady) else None
    if said:
        error.evidence = tuple(telling(said))
    if found:
        _add(error, found[0])


def _add(error: KafkaTasksError, first: Finding) -> None:
    of_log = first.service not in (*_ITSELF, None)
    error.finding = first.id
    error.cause = " ".join(filter(None, (first.title, first.cause))) if of_log else first.cause
    if of_log:
        error.evidence = _with_first(first.evidence, error.evidence)
    if first.fix and (isinstance(error, NotReady) or not error.hint):
        error.hint = first.fix


def _with_first(lines: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """What tells most at the beginning, and not more than a screen can show."""
    return tuple(dict.fromkeys([*lines, *others]))[:12]


def _masked(finding: Finding, mask: Masker) -> Finding:
    """What the logs and the checks quote may be secret."""
    return replace(finding, evidence=tuple(map(mask, finding.evidence)))


def last_words(session: Session | None) -> dict[str, list[str]]:
    """What each service said in this call's start."""
    if session is None:
        return {}
    since = time.time() - session.recorder.elapsed() if session.runtime.name == "embedded" else None
    said = session.last_words
    if not said:
        try:
            said = {
                s.name: session.runtime.logs(s.name, WINDOW) for s in session.runtime.services()
            }
        except KafkaTasksError:
            said = {}
    return {name: last_start(lines, since) for name, lines in said.items()}


def _examined(session: Session) -> list[Finding]:
    """What is wrong here; a cluster whose start was undone has said its last words already."""
    undone = bool(session.last_words)
    around = [check for check in CHECKS if not undone or check.area != "cluster"]
    seen = examine(session.project, lambda: session.settings, checks=around, patience_s=3.0)
    return list(seen.errors)


__all__ = ["CHECKS", "enrich", "examine", "explain", "guarded", "last_words", "open_examination"]
