"""Why a command failed: the cause by evidence of this very failure, and what else is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.diagnosis import doctor, signatures
from kafka_tasks.diagnosis.examination import own_file
from kafka_tasks.diagnosis.signatures import NO_SERVER
from kafka_tasks.errors import KafkaTasksError, MachineError, NotReady, ServiceDied
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.evidence import WINDOW, last_start, telling
from kafka_tasks.model.finding import Finding

_UNKNOWN = "not known: no log line, state or answer of this failure is a known one"
# How lines about a container's health check begin.
_HEALTH = "health check of "
# What a failing command says about other mistakes; `doctor` has all of them.
_ALSO = 3


@dataclass(frozen=True, slots=True)
class Explanation:
    """The findings of a failure: its causes, the most important first, and what else is wrong.

    `causes` come from log lines, states and answers of the failure alone. Where there is no cause,
    it has the symptoms. Findings of `also` hold at any time and explain nothing.
    """

    causes: tuple[Finding, ...] = ()
    also: tuple[Finding, ...] = ()
    lines: tuple[str, ...] = ()


def explain(error: KafkaTasksError, session: Session | None) -> Explanation:
    """Return what explains a failed command, and what else is wrong.

    Searches the services' last log lines and the error's own text for known signatures. The
    findings may contain secrets: the caller masks them.
    """
    runtime = session.runtime.name if session else None
    logs = _last_lines(session) if isinstance(error, NotReady) else {}
    names = signatures.names_of(session.settings.topology) if session else {}
    own = session is not None and own_file(session.settings) is not None
    hits = signatures.search(_texts(error, logs), names)
    if isinstance(error, NotReady):
        hits.sort(key=lambda hit: hit[0] != error.service)
    starting = isinstance(error, NotReady) and error.layer != "roundtrip"
    found = [
        (
            hit.signature.ends_starts or not starting,
            hit.finding(service=of, runtime=runtime, names=names, own_file=own),
        )
        for of, hit in hits
    ]
    also = [finding for ends, finding in found if not ends]
    # What is wrong on this machine is nothing to a remote cluster, and takes a second to find out.
    if session is not None and session.is_local and isinstance(error, (NotReady, MachineError)):
        also += _standing(session)
    causes = tuple(finding for ends, finding in found if ends)
    known = {finding.id for finding in causes}
    unlike = {finding.title: finding for finding in also if finding.id not in known}
    unlike.pop(error.message, None)
    lines = logs.get(error.service or "", ()) if isinstance(error, NotReady) else ()
    return Explanation(causes, tuple(unlike.values()), tuple(telling(lines)) if lines else ())


def _texts(error: KafkaTasksError, logs: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return service → lines; the error's evidence replaces a log that was deleted."""
    if isinstance(error, NotReady):
        texts = dict(logs)
        if error.service and not texts.get(error.service):
            texts[error.service] = list(error.evidence)
        checked = [line for line in error.evidence if line.startswith(_HEALTH)]
        return {**texts, "tool": [error.message], "engine": checked}
    # No service was started: the logs are from an earlier start.
    return {"tool": [error.message, *error.evidence], "engine": list(error.evidence)}


def enrich(error: KafkaTasksError, found: Explanation) -> None:
    """Add the first cause, its evidence and fix to the error, and say what else is wrong.

    An error's own hint is more exact than a signature's fix and stays, except for `NotReady`, which
    knows no cause.
    """
    if found.lines:
        checked = [line for line in error.evidence if line.startswith(_HEALTH)]
        error.evidence = _with_first(checked, found.lines)
    error.also_wrong = tuple(map(_also, found.also[:_ALSO]))
    if found.causes:
        _add(error, found.causes[0])
    elif error.hint is None and isinstance(error, MachineError):
        error.hint = "invoke kafka.doctor"
    elif _is_death(error) or (isinstance(error, NotReady) and _has_more(error)):
        error.cause = _UNKNOWN


def _is_death(error: KafkaTasksError) -> bool:
    """Return whether a process has exited, which the sentence says, and not why."""
    return isinstance(error, ServiceDied) or (
        isinstance(error, NotReady) and error.layer == "process"
    )


def _has_more(error: KafkaTasksError) -> bool:
    """Return whether the evidence says more than the sentence, which then tells all there is."""
    return any(line not in error.message for line in error.evidence)


def _also(finding: Finding) -> str:
    return f"{finding.title} Fix: {finding.fix}" if finding.fix else finding.title


def _add(error: KafkaTasksError, first: Finding) -> None:
    from_log = first.service not in (*NO_SERVER, None)
    error.finding = error.finding or first.id
    # Where the error's own sentence is what matched, it says what the title does.
    said = error.message in first.evidence
    error.cause = first.cause if said else " ".join(filter(None, (first.title, first.cause)))
    if from_log:
        error.evidence = _with_first(first.evidence, error.evidence)
    if first.fix and (isinstance(error, NotReady) or not error.hint):
        error.hint = first.fix


def _with_first(lines: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """Return the lines, the most important first, limited to a screen."""
    return tuple(dict.fromkeys([*lines, *others]))[:12]


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


def _standing(session: Session) -> list[Finding]:
    """Return the errors that hold at any time; those of the cluster follow from the failure."""
    checks = [check for check in doctor.CHECKS if check.area != "cluster"]
    found = doctor.examine(session.project, lambda: session.settings, checks=checks, timeout_s=3.0)
    return list(found.errors)
