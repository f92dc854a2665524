"""Start, verify, plant, restart, verify again, look for what was planted, stop: nothing is left."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kafka_tasks import lifecycle, settings
from kafka_tasks.acceptance.criteria import Finding, Part, Verdict
from kafka_tasks.acceptance.suite import run_part, text
from kafka_tasks.clients import processes
from kafka_tasks.errors import Interrupted, KafkaTasksError
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.results import Report
from kafka_tasks.project import register
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import Settings

LOG_LINES = 60

Say = Callable[[str], None]
Verb = Callable[[Session], Report]


@dataclass(slots=True)
class Round:
    """One start, and what was found after it."""

    name: str
    report: Report | None = None
    findings: list[Finding] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What a whole run found; `error` is what kept it from going on."""

    runtime: str
    settings: Settings | None = None
    rounds: list[Round] = field(default_factory=list)
    error: KafkaTasksError | None = None
    logs: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether both rounds were gone through and nothing in them failed."""
        found = [finding.result for each in self.rounds for finding in each.findings]
        complete = len(self.rounds) == len(ROUNDS) and self.error is None
        return complete and "failed" not in found and "passed" in found

    @property
    def exit_code(self) -> int:
        """0, 1 where a criterion failed, else that of the error."""
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.passed else 1


# The second round looks first for what the first one planted last: nothing comes in between.
ROUNDS: tuple[tuple[str, Verb, tuple[Part, ...]], ...] = (
    ("start", lifecycle.up, ("verify", "before")),
    ("restart", lifecycle.restart, ("after", "verify")),
)


def accept(runtime: str, say: Say) -> Outcome:
    """Go through both rounds with a cluster of its own; errors end up in the outcome.

    Ctrl-C, SIGTERM and a closed terminal end it early; the cluster and its directory are removed
    in any case.
    """
    began = time.monotonic()
    outcome = Outcome(runtime)
    try:
        with _one_interrupt(), _own_project(outcome, say) as project:
            _go(project, outcome, say)
    except KafkaTasksError as error:
        outcome.error = error
    except KeyboardInterrupt:
        outcome.error = Interrupted("Interrupted; the cluster was stopped and removed.")
    outcome.elapsed_s = round(time.monotonic() - began, 3)
    return outcome


def _go(project: Project, outcome: Outcome, say: Say) -> None:
    flags = _flags(project, outcome, say)

    def session() -> Session:
        found = settings.load(project.path, flags=flags)
        outcome.settings = found
        return lifecycle.open_session(project, found, Recorder(_listener(outcome, say)))

    first = session()
    try:
        if first.runtime.capabilities.lifecycle:
            lifecycle.pull(first)
        for name, verb, parts in ROUNDS:
            _round(name, verb, parts, session(), outcome, say)
    finally:
        with _undisturbed():
            _remove(first, outcome)


def _flags(project: Project, outcome: Outcome, say: Say) -> dict[str, str | None]:
    """The default ports, or free ones where somebody else has these."""
    flags: dict[str, str | None] = {"runtime": outcome.runtime}
    found = settings.load(project.path, flags=flags)
    open_ = [name for name in ("port", "zookeeper_port") if not found.explicit(name)]
    wanted = {"port": range(9092, 9092 + found.brokers), "zookeeper_port": range(2181, 2182)}
    taken = [port for name in open_ for port in wanted[name] if not processes.port_is_free(port)]
    if taken:
        names = ", ".join(map(str, taken))
        _notice(outcome, say, f"in use on this machine: port {names}; this run takes free ones")
        flags |= dict.fromkeys(open_, "auto")
    return flags


def _round(
    name: str, verb: Verb, parts: tuple[Part, ...], session: Session, outcome: Outcome, say: Say
) -> None:
    current = Round(name)
    outcome.rounds.append(current)
    say(f"== {name}")
    current.report = verb(session)
    for part in parts:
        # Inside the project, what an interrupt at the wrong moment leaves goes with it.
        verdict = run_part(session, part, workplace=session.project.path)
        current.findings += verdict.findings
        say(text(verdict))


def _remove(session: Session, outcome: Outcome) -> None:
    """Keep the ends of the logs where something failed, then take the cluster away."""
    if not outcome.passed:
        for service in session.runtime.services():
            with contextlib.suppress(KafkaTasksError):
                outcome.logs[service.name] = session.runtime.logs(service.name, LOG_LINES)
    if session.runtime.capabilities.lifecycle:
        lifecycle.down(session, wipe=True, confirmed=True)


@contextlib.contextmanager
def _own_project(outcome: Outcome, say: Say) -> Iterator[Project]:
    """A project in a temporary directory, which goes only when no server works in it any more."""
    # A signal between making the directory and caring for it is held back until then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    path = Path(tempfile.mkdtemp(prefix="kafka-tasks-acceptance-")).resolve()
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield Project(path)
    finally:
        with _undisturbed():
            if processes.find(f"-Dkafka.tasks.project={path}"):
                _notice(outcome, say, f"servers are left in {path}; kafka-tasks list shows them")
            else:
                shutil.rmtree(path, ignore_errors=True)
            # Reading the register drops the notes of projects that are gone.
            for _ in register.remembered():
                pass


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def _one_interrupt() -> Iterator[None]:
    """The first signal interrupts; those that follow find the cleaning up under way."""

    def interrupt(*_: object) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    before = {number: signal.signal(number, signal.SIG_IGN) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listener(outcome: Outcome, say: Say) -> Callable[[Event], None]:
    told: set[str] = set()

    def listen(event: Event) -> None:
        if event.kind == "progress" and event.text not in told:
            told.add(event.text)
            say(f"-- {event.text}")
        elif event.kind == "passed":
            what = f"{event.layer or '':<11}{event.service or '':<11}"
            say(f"ok {what}{event.at_s:6.2f} s  {event.text}".rstrip())
        elif event.kind == "notice":
            _notice(outcome, say, event.text)
        elif event.kind == "waiting":
            say(f".. {event.layer}: {event.text}")

    return listen


def _notice(outcome: Outcome, say: Say, sentence: str) -> None:
    outcome.notices.append(sentence)
    say(f"-- {sentence}")


__all__ = ["Outcome", "Round", "Verdict", "accept"]
