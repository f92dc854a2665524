"""Runs a phase of the suite with pytest, without the pytest configuration of the project."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.acceptance import junit
from kafka_tasks.acceptance.criteria import results_of
from kafka_tasks.acceptance.readiness import require_ready
from kafka_tasks.clients import processes
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.verdict import Phase, Verdict
from kafka_tasks.settings import PREFIX, Settings, as_environment, environment

_SUITE = Path(__file__).parent
_TARGETS: dict[Phase, Path] = {
    "verify": _SUITE,
    "before": _SUITE / "before_restart.py",
    "after": _SUITE / "after_restart.py",
}
_TIMEOUT_S = 600.0
# Exit codes of pytest: all passed, some failed.
_COMPLETED = (0, 1)
_OUTPUT_LINES = 20


def verify(session: Session) -> Verdict:
    """Run the checks that need no restart; raises `NotReady` if the cluster is not ready."""
    require_ready(session)
    return run_phase(session, "verify")


def run_phase(session: Session, phase: Phase, *, workplace: Path | None = None) -> Verdict:
    """Run one phase against the session's cluster, with the session's settings.

    `workplace` is the directory of temporary files, else the system's.
    """
    started = time.monotonic()
    run = uuid.uuid4().hex[:12]
    with tempfile.TemporaryDirectory(prefix="kafka-tasks-", dir=workplace) as scratch:
        report, config = Path(scratch) / "junit.xml", Path(scratch) / "pytest.ini"
        config.write_text(f"[pytest]\nkafka_tasks_run = {run}\n", encoding="ascii")
        with _topics_deleted_on_error(session, run):
            done = processes.run(
                _command(_TARGETS[phase], config, report),
                timeout_s=_TIMEOUT_S,
                cwd=session.project.path,
                environ=_environment(session.settings),
            )
        reported = junit.read(report)
    if done.code not in _COMPLETED and not reported:
        raise _no_results(session, done)
    # Of a remote cluster the mode is not known: what only a coordinator tells is skipped.
    known = session.cluster().topology
    mode = known.mode or session.settings.resolved_mode
    missing = f"not run: pytest exited with code {done.code}"
    results = results_of(phase, mode, reported, missing, known.security)
    return Verdict(results, round(time.monotonic() - started, 3))


def _command(target: Path, config: Path, report: Path) -> list[str]:
    """Return the command; pytest reads neither the project's configuration nor its conftest."""
    return [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        str(target),
        "-c",
        str(config),
        f"--rootdir={_SUITE}",
        f"--confcutdir={_SUITE}",
        f"--junitxml={report}",
        "--color=no",
        "--tb=short",
        "-p",
        "no:cacheprovider",
    ]


def _environment(settings: Settings) -> dict[str, str]:
    """Return an environment that gives a child these settings, whatever their origin."""
    kept = {
        name: value
        for name, value in environment().items()
        if not name.startswith((PREFIX, "PYTEST_"))
    }
    return {**kept, **as_environment(settings), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@contextlib.contextmanager
def _topics_deleted_on_error(session: Session, run: str) -> Iterator[None]:
    """Delete the topics of a run that is killed or interrupted."""
    try:
        yield
    except BaseException:
        from kafka_tasks.acceptance.leftovers import delete_run

        with contextlib.suppress(KafkaTasksError):
            delete_run(session.cluster(), run)
        raise


def _no_results(session: Session, done: processes.Completed) -> KafkaTasksError:
    """Return the error of pytest; raises `NotReady` if the cluster is no longer ready."""
    require_ready(session)
    return KafkaTasksError(
        f"The acceptance checks did not run: pytest exited with code {done.code}.",
        evidence=done.output.splitlines()[-_OUTPUT_LINES:],
        hint=f"{Path(sys.executable).name} -m pytest --pyargs kafka_tasks.acceptance",
    )
