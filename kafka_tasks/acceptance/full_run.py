"""The whole acceptance run: start, verify, write data, restart, check it, verify again, stop."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from kafka_tasks import settings
from kafka_tasks.acceptance.suite import run_phase
from kafka_tasks.clients import processes
from kafka_tasks.errors import Interrupted, KafkaTasksError
from kafka_tasks.lifecycle.pull import pull
from kafka_tasks.lifecycle.session import SIGNALS, Session, open_session, signals_held
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.stop import restart
from kafka_tasks.lifecycle.temporary import temporary_project, temporary_session
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.results import Report
from kafka_tasks.model.verdict import CriterionResult, Phase
from kafka_tasks.project.directory import Project
from kafka_tasks.render.views import verdict as view
from kafka_tasks.runtimes import ports, roles
from kafka_tasks.settings import Settings

_LOG_LINES = 60

_Echo = Callable[[str], None]
_Verb = Callable[[Session], Report]


@dataclass(slots=True)
class Round:
    """One start, and the results of the phases after it."""

    name: str
    report: Report | None = None
    results: list[CriterionResult] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """The outcome of a whole run; `error` stopped it."""

    runtime: str
    settings: Settings | None = None
    rounds: list[Round] = field(default_factory=list)
    error: KafkaTasksError | None = None
    logs: dict[str, list[str]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    elapsed_s: float = 0.0

    @property
    def passed(self) -> bool:
        """True if both rounds are complete and no criterion failed."""
        statuses = [result.status for each in self.rounds for result in each.results]
        complete = len(self.rounds) == len(_ROUNDS) and self.error is None
        return complete and "failed" not in statuses and "passed" in statuses

    @property
    def exit_code(self) -> int:
        """The exit code: 0, 1 if a criterion failed, or that of the error."""
        if self.error is not None:
            return self.error.exit_code
        return 0 if self.passed else 1


# The first round ends with writing the data and the second begins with checking it: no other phase
# is in between.
_ROUNDS: tuple[tuple[str, _Verb, tuple[Phase, ...]], ...] = (
    ("start", up, ("verify", "before")),
    ("restart", restart, ("after", "verify")),
)


def accept(runtime: str, echo: _Echo) -> Outcome:
    """Run both rounds on a temporary cluster; the outcome holds an error.

    Ctrl-C, SIGTERM and SIGHUP stop the run early; the cluster and its directory are removed in any
    case.
    """
    started = time.monotonic()
    outcome = Outcome(runtime)
    try:
        with (
            _interruptible_once(),
            temporary_project(
                lambda text: _notice(outcome, echo, text), "kafka-tasks-acceptance-"
            ) as project,
        ):
            _run_rounds(project, outcome, echo)
    except KafkaTasksError as error:
        outcome.error = error
    except KeyboardInterrupt:
        outcome.error = Interrupted("Interrupted; the cluster was stopped and removed.")
    outcome.elapsed_s = round(time.monotonic() - started, 3)
    return outcome


def _run_rounds(project: Project, outcome: Outcome, echo: _Echo) -> None:
    flags = _flags(project, outcome, echo)

    def loaded() -> Settings:
        outcome.settings = _loaded(project, flags)
        return outcome.settings

    def recorder() -> Recorder:
        return Recorder(_listener(outcome, echo))

    with temporary_session(project, loaded(), recorder()) as first:
        try:
            if first.is_local:
                pull(first)
            for name, verb, phases in _ROUNDS:
                session = open_session(project, loaded(), recorder())
                _run_round(Round(name), verb, phases, session, outcome, echo)
        finally:
            with signals_held():
                _keep_logs(first, outcome)


def _flags(project: Project, outcome: Outcome, echo: _Echo) -> dict[str, str | None]:
    """Return the flags for the default ports, or for free ones if a default port is in use."""
    flags: dict[str, str | None] = {"runtime": outcome.runtime}
    found = _loaded(project, flags)
    free = [name for name in roles.port_settings(found.topology) if not found.explicit(name)]
    used = [
        port
        for service in ports.as_set(found, found.topology)
        for setting, port in ports.of(service).items()
        if setting in free and not processes.port_is_free(port)
    ]
    if used:
        numbers = ", ".join(map(str, used))
        _notice(outcome, echo, f"in use on this machine: port {numbers}; this run uses free ports")
        flags |= dict.fromkeys(free, "auto")
    return flags


def _loaded(project: Project, flags: dict[str, str | None]) -> Settings:
    """Return the settings of the run; only a remote one has a connection to another cluster."""
    surroundings = settings.environment()
    if flags["runtime"] != "remote":
        surroundings |= settings.NO_CONNECTION
    return settings.load(project.path, flags=flags, environ=surroundings)


def _run_round(
    current: Round,
    verb: _Verb,
    phases: tuple[Phase, ...],
    session: Session,
    outcome: Outcome,
    echo: _Echo,
) -> None:
    outcome.rounds.append(current)
    echo(f"== {current.name}")
    current.report = verb(session)
    for phase in phases:
        # The project's directory is removed at the end, with leftovers of an interrupt.
        verdict = run_phase(session, phase, workplace=session.project.path)
        current.results += verdict.results
        echo(view.text(view.Verified(verdict), width=80))


def _keep_logs(session: Session, outcome: Outcome) -> None:
    """Keep the last log lines of a failed run."""
    if not outcome.passed:
        for name in session.observe().names:
            with contextlib.suppress(KafkaTasksError):
                outcome.logs[name] = session.logs(name, _LOG_LINES)


@contextlib.contextmanager
def _interruptible_once() -> Iterator[None]:
    """Raise `KeyboardInterrupt` on the first signal; ignore later ones during the clean-up."""

    def interrupt(*_: object) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _listener(outcome: Outcome, echo: _Echo) -> Callable[[Event], None]:
    shown: set[str] = set()

    def listen(event: Event) -> None:
        if event.kind == "progress" and event.text not in shown:
            shown.add(event.text)
            echo(f"-- {event.text}")
        elif event.kind == "passed":
            subject = f"{event.layer or '':<11}{event.service or '':<11}"
            echo(f"ok {subject}{event.at_s:6.2f} s  {event.text}".rstrip())
        elif event.kind == "notice":
            _notice(outcome, echo, event.text)
        elif event.kind == "waiting":
            echo(f".. {event.layer}: {event.text}")

    return listen


def _notice(outcome: Outcome, echo: _Echo, sentence: str) -> None:
    outcome.notices.append(sentence)
    echo(f"-- {sentence}")
