"""Outcome and reports of a whole run; `nox -s acceptance` is the run itself."""

from __future__ import annotations

import json
import os
import signal
import tempfile
from functools import partial
from pathlib import Path

import pytest

from kafka_tasks.acceptance import full_run, report
from kafka_tasks.acceptance.criteria import CRITERIA
from kafka_tasks.acceptance.full_run import Outcome, Round
from kafka_tasks.clients import processes
from kafka_tasks.errors import NotReady, SettingsError
from kafka_tasks.model.verdict import CriterionResult, Phase, Status, Verdict
from kafka_tasks.probes import readiness
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.testing import FakeClock, FakeRuntime


def rounds(*statuses: Status) -> list[Round]:
    """Return both rounds; the second has results with these statuses."""
    second = [CriterionResult(CRITERIA[n], status, 0.5, "why") for n, status in enumerate(statuses)]
    return [
        Round("start", results=[CriterionResult(CRITERIA[0], "passed")]),
        Round("restart", None, second),
    ]


def test_a_run_passes_when_both_rounds_do() -> None:
    """One failed criterion, a round that is missing or an error: not passed, and not 0."""
    assert Outcome("embedded", rounds=rounds("passed", "skipped")).exit_code == 0
    assert Outcome("embedded", rounds=rounds("passed", "failed")).exit_code == 1
    assert Outcome("embedded", rounds=rounds()[:1]).exit_code == 1
    assert Outcome("embedded").exit_code == 1
    stopped = Outcome("embedded", rounds=rounds("passed"), error=NotReady("not ready"))
    assert (stopped.passed, stopped.exit_code) == (False, 5)


@pytest.fixture
def lives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, clock: FakeClock) -> list[FakeRuntime]:
    """Return the runtime of the run that takes place, which is in memory."""
    made: list[FakeRuntime] = []

    def choose(project: Project, *_: object) -> registry.Choice:
        if not made:
            logs = {"zookeeper": ["quiet"], "kafka": ["too large"]}
            made.append(FakeRuntime(project.path, logs=logs))
        return registry.Choice(made[0], "in memory")

    monkeypatch.setattr(registry, "choose", choose)
    monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(),))
    monkeypatch.setattr(processes, "port_is_free", lambda _: True)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return made


def _verdict(phase: Phase, failed: str = "") -> Verdict:
    found = [c for c in CRITERIA if c.phase == phase]
    results = tuple(CriterionResult(c, "failed" if c.id == failed else "passed") for c in found)
    return Verdict(results, 0.1)


def test_a_failed_criterion_fails_the_run_and_not_the_rounds(
    lives: list[FakeRuntime], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Both rounds are gone through, the ends of all logs are kept, and nothing is left."""
    verdict = partial(_verdict, failed="large-records")
    monkeypatch.setattr(full_run, "run_phase", lambda _, phase, **__: verdict(phase))
    outcome = full_run.accept("embedded", lambda _: None)
    assert (outcome.exit_code, outcome.error) == (1, None)
    failed = [
        (each.name, result.criterion.id)
        for each in outcome.rounds
        for result in each.results
        if result.status == "failed"
    ]
    assert failed == [("start", "large-records"), ("restart", "large-records")]
    found = {result.criterion.id for each in outcome.rounds for result in each.results}
    assert found == {criterion.id for criterion in CRITERIA}
    assert outcome.logs == {"zookeeper": ["quiet"], "kafka": ["too large"]}
    assert lives[0].observe().services == ()
    assert list(tmp_path.glob("kafka-tasks-*")) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_any_signal_ends_the_run_and_leaves_nothing(
    lives: list[FakeRuntime],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    """Exit 130; a second signal does not disturb the cleaning up."""

    def interrupted(*_: object, **__: object) -> None:
        assert lives[0].observe().services != ()
        for _attempt in range(2):
            os.kill(os.getpid(), number)

    monkeypatch.setattr(full_run, "run_phase", interrupted)
    outcome = full_run.accept("embedded", lambda _: None)
    assert outcome.exit_code == 130
    assert outcome.error is not None and outcome.error.code == "interrupted"
    assert not outcome.passed
    assert lives[0].observe().services == ()
    assert list(tmp_path.glob("kafka-tasks-*")) == []


def _flags_of(
    project: Project, monkeypatch: pytest.MonkeyPatch, taken: set[int]
) -> tuple[dict[str, str | None], list[str]]:
    said: list[str] = []
    monkeypatch.setattr(processes, "port_is_free", lambda port: port not in taken)
    return full_run._flags(project, Outcome("embedded"), said.append), said


def test_the_default_ports_are_used_when_both_are_free(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With both default ports free, the run sets no port and prints no notice."""
    assert _flags_of(project, monkeypatch, set()) == ({"runtime": "embedded"}, [])


@pytest.mark.parametrize("port", [9092, 2181])
def test_free_ports_are_used_when_one_is_taken(
    project: Project, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    """With a default port in use, both ports are picked and a notice names the used one."""
    flags, said = _flags_of(project, monkeypatch, {port})
    assert flags == {"runtime": "embedded", "port": "auto", "zookeeper_port": "auto"}
    assert len(said) == 1 and str(port) in said[0]


def test_a_context_is_for_a_remote_run(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cluster that is started here needs none, whether it is declared or not."""
    monkeypatch.setenv("KAFKA_TASKS_CONTEXT", "missing")
    assert _flags_of(project, monkeypatch, set()) == ({"runtime": "embedded"}, [])
    with pytest.raises(SettingsError, match="There is no context missing"):
        full_run._flags(project, Outcome("remote"), print)


def test_ports_that_were_asked_for_are_left_alone(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable of the environment is not replaced, taken or not."""
    monkeypatch.setenv("KAFKA_TASKS_PORT", "9092")
    flags, _ = _flags_of(project, monkeypatch, {9092})
    assert flags == {"runtime": "embedded"}
    flags, _ = _flags_of(project, monkeypatch, {9092, 2181})
    assert flags == {"runtime": "embedded", "zookeeper_port": "auto"}


def test_report_and_text_tell_of_the_failure(tmp_path: Path) -> None:
    """The error with its evidence and hint, and the ends of the logs, are in both."""
    error = NotReady("kafka ended", hint="invoke kafka.logs", evidence=["FATAL"])
    outcome = Outcome("remote", rounds=rounds("failed"), error=error, elapsed_s=3.0)
    outcome.logs["kafka"] = [f"line {number}" for number in range(60)]
    path = tmp_path / "report.json"
    report.write(outcome, report=path, junit_xml=None)
    found = json.loads(path.read_text(encoding="utf-8"))
    assert (found["schema"], found["passed"], found["elapsed_s"]) == (1, False, 3.0)
    assert found["error"] == {
        "code": "not-ready",
        "message": "kafka ended",
        "hint": "invoke kafka.logs",
        "evidence": ["FATAL"],
    }
    assert [(entry["round"], entry["result"]) for entry in found["criteria"]] == [
        ("start", "passed"),
        ("restart", "failed"),
    ]
    assert len(found["logs"]["kafka"]) == 60
    text = report.text(outcome)
    for part in ("Error: kafka ended", "| FATAL", "Hint: invoke kafka.logs", "| line 59"):
        assert part in text
    assert "| line 0\n" not in text
    assert text.endswith("Acceptance FAILED: 1 of 2 checks (3.0 s).")
