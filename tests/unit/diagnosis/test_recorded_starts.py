"""Starts that fail as others have reported it: the right cause is named, and never a wrong one.

Each goes the way of `up` from the engine's answer to the sentence; the engine is in memory.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from kafka_tasks.clients import docker, processes
from kafka_tasks.clients.container import Container
from kafka_tasks.clients.processes import Completed
from kafka_tasks.diagnosis import doctor, explanation, signatures
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.compose import command
from kafka_tasks.runtimes.compose.runtime import ComposeRuntime
from kafka_tasks.settings import load
from tests.unit.runtimes.compose.engine import FakeCompose, FakeEngine, FakeProject, container

STARTS: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parent / "recorded_starts").glob("*.yaml"))
    for case in yaml.safe_load(path.read_text(encoding="utf-8"))
]
SYMPTOMS = {known.id for known in signatures.load() if known.symptom}


class Engine:
    """An engine on which a start fails as one case tells."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.fake = FakeEngine()
        self.compose = FakeCompose(self.fake, upping=self.upping)
        for name, changes in case.get("changes", {}).items():
            _merge(self.compose.config["services"][name], changes)
        if "compose" in case:
            self.compose.answer = Completed(1, case["compose"])
        elif not case.get("late"):
            self.compose.answer = Completed(1, f"container {self.died} exited")

    @property
    def died(self) -> str:
        """The service whose container exited."""
        return str(self.case.get("died", "kafka"))

    def upping(self, project: FakeProject, services: Sequence[str]) -> None:
        """Make the containers, and let one of them exit."""
        if "compose" not in self.case:
            self.fake.there = [self._container(project, name) for name in services]

    def _container(self, project: FakeProject, name: str) -> Container:
        made = container(name, project.directory, project=project.name, ours=True)
        log = self.case["log"] if name == self.died else self.case.get(name, "")
        self.fake.lines[made.id] = log.splitlines()
        if name != self.died:
            return made
        ended = {"status": "exited", "exit_code": self.case.get("code", 1), "health": None}
        ended["out_of_memory"] = bool(self.case.get("oom"))
        return container(name, project.directory, project=project.name, ours=True, **ended)


def _merge(into: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, dict):
            _merge(into.setdefault(key, {}), value)
        else:
            into[key] = copy.deepcopy(value)


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "CHECKS", ())
    monkeypatch.setattr(command, "require_compose", lambda: (2, 26, 1))
    monkeypatch.setattr(command, "remove_container", lambda identifier: None)
    monkeypatch.setattr(processes, "port_is_free", lambda port: True)


def explained(
    case: dict[str, Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> KafkaTasksError:
    """Return the error of `up`, with its cause and hint."""
    engine = Engine(case)
    monkeypatch.setattr(command, "Project", engine.compose)
    fake: Any = engine.fake
    monkeypatch.setattr(docker.Engine, "connect", lambda *_, **__: fake)
    recorder = Recorder()
    runtime = ComposeRuntime(project, recorder, fake)
    settings = load(project.path, environ={"KAFKA_TASKS_RUNTIME": "compose"})
    session = Session(project, settings, runtime, "a test", recorder)
    with pytest.raises(KafkaTasksError) as caught:
        up(session)
    explanation.enrich(caught.value, explanation.explain(caught.value, session))
    return caught.value


def judged(case: dict[str, Any], error: KafkaTasksError) -> str:
    """Return `right`, `unknown` where no cause is claimed, or `wrong`."""
    cause = None if error.finding in SYMPTOMS else error.finding
    said = f"{error.message} {error.cause} {error.hint} {' '.join(error.evidence)}"
    if cause == case["is"]:
        return "right" if case.get("says", "") in said else "wrong"
    return "unknown" if cause is None else "wrong"


@pytest.mark.parametrize("case", STARTS, ids=lambda case: str(case["name"]))
def test_no_cause_is_wrong(
    case: dict[str, Any], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cause is that of this start; where it is not known, it is said so."""
    error = explained(case, project, monkeypatch)
    assert judged(case, error) != "wrong", (error.finding, error.cause, error.hint)
    assert error.hint


def test_nearly_every_cause_is_found(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of forty starts at least 38 are explained rightly, and none wrongly."""
    found = Counter(judged(case, explained(case, project, monkeypatch)) for case in STARTS)
    assert found["wrong"] == 0
    assert found["right"] * 40 >= 38 * len(STARTS), found
    assert len({str(case) for case in STARTS}) == len(STARTS) >= 40
