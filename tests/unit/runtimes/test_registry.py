from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Found, Identity
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.events import Recorder
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import load
from kafka_tasks.testing import FakeRuntime


def _recorded(project: Project, runtime: str, wanted: str = "running") -> None:
    fields: dict[str, Any] = {"runtime": runtime, "wanted": wanted}
    state.write(
        project,
        ClusterRecord(
            version="7.9.6",
            kafka_version="3.9.1",
            brokers=1,
            port=9092,
            zookeeper_port=2181,
            changed_at=0.0,
            **fields,
        ),
    )


def _choose(project: Project, **environ: str) -> registry.Choice:
    settings = load(project.path, environ={f"KAFKA_TASKS_{k}": v for k, v in environ.items()})
    return registry.choose(project, settings, Recorder())


def test_auto_is_embedded_where_nothing_else_is(project: Project) -> None:
    """Without any sign of another runtime the processes of this machine are it, with a reason."""
    found = _choose(project)
    assert (found.runtime.name, found.reason) == ("embedded", "no other runtime is available")


def test_bootstrap_servers_mean_remote(project: Project) -> None:
    """Where bootstrap servers are set, auto is remote and says where they were set."""
    found = _choose(project, BOOTSTRAP_SERVERS="a:1")
    assert found.runtime.name == "remote"
    assert found.reason == (
        "bootstrap servers are set by environment (KAFKA_TASKS_BOOTSTRAP_SERVERS)"
    )


def test_the_runtime_of_the_projects_cluster_is_kept(project: Project) -> None:
    """A project that has a cluster stays on its runtime."""
    _recorded(project, "embedded", "stopped")
    assert _choose(project).reason == "this project's cluster is on it"


def test_a_named_runtime_is_never_replaced(project: Project) -> None:
    """What was asked for by name is taken or refused, and the reason says by what."""
    found = _choose(project, RUNTIME="embedded", BOOTSTRAP_SERVERS="a:1")
    assert found.runtime.name == "embedded"
    assert found.reason == "asked for by environment (KAFKA_TASKS_RUNTIME)"
    with pytest.raises(InvalidInput, match="The compose runtime is not part of this version"):
        _choose(project, RUNTIME="compose")


@pytest.mark.parametrize("alive", [True, False])
def test_another_runtime_is_refused_while_one_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    """As long as the recorded runtime's services live, another one is refused in words."""
    settings = load(project.path, environ={})
    _recorded(project, "other")
    other = FakeRuntime(project.path, name="other")
    if alive:
        other.start(settings)
    made = {"other": other, "embedded": FakeRuntime(project.path, name="embedded")}
    monkeypatch.setattr(registry, "_make", lambda name, *_: made[name])
    if alive:
        with pytest.raises(InvalidInput, match="runs on the other runtime; embedded was asked"):
            _choose(project, RUNTIME="embedded")
    else:
        assert _choose(project, RUNTIME="embedded").runtime is made["embedded"]


def test_projects_are_those_noted_and_those_running(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running cluster whose note is lost is found by its processes; none is listed twice."""
    register.remember(project)
    lost = tmp_path / "lost and found"
    paths = [lost, lost, project.path]
    running = [
        Found(Identity(n, 0.0, ""), ("java", f"-Dkafka.tasks.project={path}", "kafka.Kafka"))
        for n, path in enumerate(paths)
    ]
    monkeypatch.setattr(processes, "find", lambda marker: running)
    assert list(registry.projects_here()) == [Project(lost), project]
