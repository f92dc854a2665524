from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle import owned_directory
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.temporary import on_free_ports, temporary_cluster, temporary_project
from kafka_tasks.project import owner
from kafka_tasks.project.directory import STATE_DIRECTORY, Project
from kafka_tasks.settings import Settings, dotenv_values_of, load
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import ScriptedBroker, alive


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, session: Session) -> list[Settings]:
    """The settings with which sessions are opened, each on the one runtime in memory."""
    found: list[Settings] = []

    def open_(project: Project, settings: Settings, recorder: object) -> Session:
        found.append(settings)
        return Session(project, settings, session.runtime, "test", session.recorder)

    monkeypatch.setattr(owned_directory, "open_session", open_)
    return found


@pytest.fixture(autouse=True)
def watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """The directories that a watcher was started for; the register is the test's own."""
    found: list[str] = []

    def spawn(command: Sequence[str], **_: object) -> processes.Identity:
        found.append(command[-1])
        return processes.Identity(2**22 + 1, 0.0, "")

    monkeypatch.setattr(processes, "spawn_detached", spawn)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return found


def test_a_temporary_cluster_leaves_nothing(
    opened: list[Settings], runtime: FakeRuntime, settings: Settings, watched: list[str]
) -> None:
    """It is ready within the block, in a directory and on ports of its own, and gone after it."""
    with temporary_cluster(settings) as report:
        assert report.state == "ready"
        assert alive(runtime) == ["zookeeper", "kafka"]
        (used,) = opened
        assert (used.port, used.zookeeper_port) == ("auto", "auto")
        assert used.project != settings.project
        assert used.project.is_dir()
        assert watched == [str(used.project.parent)]
        found = owner.read(used.project.parent)
        assert found is not None and found.pid == os.getpid()
    assert alive(runtime) == []
    assert runtime.calls[-1] == "stop wipe"
    assert not used.project.parent.exists()


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
    assert not opened[0].project.parent.exists()


def test_a_directory_with_servers_in_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who deleted it would leave servers without their files; a notice says where they are."""

    def refuse(path: Path) -> None:
        raise KafkaTasksError("kafka does not stop")

    said: list[str] = []
    monkeypatch.setattr(owned_directory, "wipe", refuse)
    with temporary_project(said.append) as project:
        (project.path / STATE_DIRECTORY).mkdir(parents=True)
    (line,) = said
    assert f"{project.path}: kafka does not stop" in line
    assert project.path.is_dir()
    shutil.rmtree(project.path.parent)


def test_a_killed_process_leaves_what_any_other_can_end(
    opened: list[Settings], runtime: FakeRuntime, settings: Settings
) -> None:
    """The settings lie beside the cluster, so that the watcher knows its runtime."""
    with temporary_cluster(settings):
        (used,) = opened
        assert dotenv_values_of(used.project / ".env")["KAFKA_TASKS_RUNTIME"] == used.runtime


def test_every_port_is_a_free_one() -> None:
    """Ports that the environment names belong to another cluster."""
    found = on_free_ports(load(Path("/p"), environ={"KAFKA_TASKS_PORT": "9999"}))
    assert (found.port, found.zookeeper_port) == ("auto", "auto")
