from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.lifecycle import temporary
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.temporary import on_free_ports, temporary_cluster, temporary_project
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import ScriptedBroker, alive


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, session: Session) -> list[Settings]:
    """The settings with which sessions are opened, each on the one runtime in memory."""
    found: list[Settings] = []

    def open_(project: Project, settings: Settings, recorder: object) -> Session:
        found.append(settings)
        return Session(project, settings, session.runtime, "test", session.recorder)

    monkeypatch.setattr(temporary, "open_session", open_)
    monkeypatch.setattr(registry, "running_here", lambda: iter(()))
    return found


def test_a_temporary_cluster_leaves_nothing(
    opened: list[Settings], runtime: FakeRuntime, settings: Settings
) -> None:
    """It is ready within the block, in a directory and on ports of its own, and gone after it."""
    with temporary_cluster(settings) as report:
        assert report.state == "ready"
        assert alive(runtime) == ["zookeeper", "kafka"]
        (used,) = opened
        assert (used.port, used.zookeeper_port) == ("auto", "auto")
        assert used.project != settings.project
        assert used.project.is_dir()
    assert alive(runtime) == []
    assert runtime.calls[-1] == "stop wipe"
    assert not used.project.exists()


def test_a_start_that_fails_leaves_nothing(
    opened: list[Settings], runtime: FakeRuntime, settings: Settings, broker: ScriptedBroker
) -> None:
    """The error passes on; the directory and what had started are gone."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    broker.does = interrupt
    with pytest.raises(KeyboardInterrupt), temporary_cluster(settings):
        pytest.fail("it never became ready")
    assert alive(runtime) == []
    assert not opened[0].project.exists()


def test_a_directory_with_servers_in_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who deleted it would leave servers without their files; a notice says where they are."""
    said: list[str] = []
    with temporary_project(said.append) as project:
        monkeypatch.setattr(registry, "running_here", lambda: iter([project]))
    assert said == [f"servers are left in {project.path}; kafka-tasks list shows them"]
    project.path.rmdir()


def test_every_port_is_a_free_one() -> None:
    """Ports that the environment names belong to another cluster."""
    found = on_free_ports(load(Path("/p"), environ={"KAFKA_TASKS_PORT": "9999"}))
    assert (found.port, found.zookeeper_port) == ("auto", "auto")
