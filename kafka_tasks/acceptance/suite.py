"""Runs a part of the suite with pytest, undisturbed by the pytest configuration of the project."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kafka_tasks.acceptance import junit
from kafka_tasks.acceptance.criteria import Finding, Part, Verdict, judged
from kafka_tasks.acceptance.readiness import require_ready
from kafka_tasks.clients import processes
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle import Session
from kafka_tasks.settings import PREFIX, Settings, as_environment, environment

HERE = Path(__file__).parent
_TARGETS: dict[Part, Path] = {
    "verify": HERE,
    "before": HERE / "before_restart.py",
    "after": HERE / "after_restart.py",
}
_TIMEOUT_S = 600.0
_COMPLETED = (0, 1)
_TAIL = 20


def verify(session: Session) -> Verdict:
    """Check what needs no restart; raises `NotReady` where the cluster is not ready."""
    require_ready(session)
    return run_part(session, "verify")


def run_part(session: Session, part: Part, *, workplace: Path | None = None) -> Verdict:
    """Run one part against the session's cluster, with the session's settings.

    `workplace` is where temporary files go, if not where the system has them.
    """
    began = time.monotonic()
    run = uuid.uuid4().hex[:12]
    with tempfile.TemporaryDirectory(prefix="kafka-tasks-", dir=workplace) as scratch:
        report, config = Path(scratch) / "junit.xml", Path(scratch) / "pytest.ini"
        config.write_text(f"[pytest]\nkafka_tasks_run = {run}\n", encoding="ascii")
        with _tidied_when_broken_off(session, run):
            done = processes.run(
                _command(_TARGETS[part], config, report),
                timeout_s=_TIMEOUT_S,
                cwd=session.project.path,
                environ=_surroundings(session.settings),
            )
        found = junit.read(report)
    if done.code not in _COMPLETED and not found:
        _explain(session, done)
    missing = f"it was not run; pytest ended with code {done.code}"
    return Verdict(judged(part, found, missing), round(time.monotonic() - began, 3))


def _command(target: Path, config: Path, report: Path) -> list[str]:
    """Neither the project's pytest configuration nor a conftest above the suite is read."""
    return [
        sys.executable,
        "-P",
        "-m",
        "pytest",
        str(target),
        "-c",
        str(config),
        f"--rootdir={HERE}",
        f"--confcutdir={HERE}",
        f"--junitxml={report}",
        "--color=no",
        "--tb=short",
        "-p",
        "no:cacheprovider",
    ]


def _surroundings(settings: Settings) -> dict[str, str]:
    """The environment in which the same settings are found, whatever they came from here."""
    kept = {
        name: value
        for name, value in environment().items()
        if not name.startswith((PREFIX, "PYTEST_"))
    }
    return {**kept, **as_environment(settings), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@contextlib.contextmanager
def _tidied_when_broken_off(session: Session, run: str) -> Iterator[None]:
    """A run that is ended from outside cannot delete its topics itself."""
    try:
        yield
    except BaseException:
        from kafka_tasks.acceptance.leftovers import delete_run

        with contextlib.suppress(KafkaTasksError):
            delete_run(session.runtime.cluster(session.settings), run)
        raise


def _explain(session: Session, done: processes.Completed) -> None:
    """Raise the reason why there is no result: a cluster that went away, or pytest itself."""
    require_ready(session)
    raise KafkaTasksError(
        f"The acceptance checks did not run: pytest ended with code {done.code}.",
        evidence=done.output.splitlines()[-_TAIL:],
        hint=f"{Path(sys.executable).name} -m pytest --pyargs kafka_tasks.acceptance",
    )


def document(verdict: Verdict) -> dict[str, Any]:
    """The verdict as a plain mapping, ready for JSON; times in seconds."""
    return {
        "schema": 1,
        "passed": verdict.passed,
        "criteria": [entry(finding) for finding in verdict.findings],
        "elapsed_s": verdict.elapsed_s,
    }


def entry(finding: Finding) -> dict[str, Any]:
    """One criterion."""
    return {
        "id": finding.criterion.id,
        "title": finding.criterion.title,
        "result": finding.result,
        "seconds": finding.seconds,
        "message": finding.message,
    }


def text(verdict: Verdict) -> str:
    """A line a criterion, and the sum."""
    lines = [line for finding in verdict.findings for line in _lines(finding)]
    failed, skipped = verdict.count("failed"), verdict.count("skipped")
    tried = len(verdict.findings) - skipped
    ends = f"{verdict.count('passed')} of {tried} criteria hold ({verdict.elapsed_s:.1f} s)"
    ends += f", {failed} failed" if failed else ""
    ends += f", {skipped} skipped" if skipped else ""
    return "\n".join([*lines, f"{ends}."])


def _lines(finding: Finding) -> list[str]:
    word = {"passed": "ok", "failed": "FAILED", "skipped": "skipped"}[finding.result]
    head = f"{word:<8} {finding.criterion.title}"
    if finding.result == "passed":
        return [f"{head:<77} {finding.seconds:5.2f} s"]
    if finding.result == "skipped":
        return [f"{head}: {finding.message}"]
    return [head, *(f"         | {line}" for line in finding.message.splitlines())]
