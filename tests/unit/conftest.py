"""A unit test has no time, no network, no environment and no home but its own."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest

# Its import tries IPv6 out with a socket, which no test may do.
import kafka_tasks.clients.docker  # noqa: F401
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.retry import Deadline, RetryPolicy
from kafka_tasks.runtimes.compose import command
from kafka_tasks.settings import PREFIX, Settings, load
from kafka_tasks.testing import FakeClock, FakeRuntime

_MONOTONIC, _SLEEP = time.monotonic, time.sleep


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The clock that deadlines and policies have where a test gives them none."""
    fake = FakeClock()
    instead = {_MONOTONIC: fake, _SLEEP: fake.sleep}
    functions: list[Any] = [RetryPolicy.__init__, Deadline.__init__, Deadline.after.__func__]  # type: ignore[attr-defined]
    for function in functions:
        faked = tuple(instead.get(default, default) for default in function.__defaults__)
        monkeypatch.setattr(function, "__defaults__", faked)
    return fake


@pytest.fixture(autouse=True)
def _compose_has_said_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_answers", {})


@pytest.fixture(autouse=True)
def _no_sleep_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def sleep(seconds: float) -> None:
        # subprocess looks after its own children this way.
        if sys._getframe(1).f_globals["__name__"] != "subprocess":
            pytest.fail("a unit test sleeps")
        _SLEEP(seconds)

    def refuse(*_: object, **__: object) -> None:
        pytest.fail("a unit test opens a socket")

    monkeypatch.setattr(time, "sleep", sleep)
    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of its own, without any setting from outside."""
    for name in os.environ:
        if name.startswith((PREFIX, "XDG_")) or name in ("JAVA_HOME", "NO_COLOR"):
            monkeypatch.delenv(name)
    path = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(path))
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project in a directory of its own."""
    path = tmp_path / "project"
    path.mkdir()
    found = Project(path)
    found.make_state()
    return found


@pytest.fixture
def settings(project: Project) -> Settings:
    """The defaults."""
    return load(project.path, environ={})


@pytest.fixture
def cluster(project: Project) -> Cluster:
    """One broker where the defaults put it."""
    return Cluster.of(
        zookeeper_cluster(1).at((2181, 9092)),
        project=project.path,
        runtime="fake",
        kafka_version="3.9.1",
    )


@pytest.fixture
def heard() -> list[Event]:
    """What a person would be told."""
    return []


@pytest.fixture
def session(
    project: Project, settings: Settings, runtime: FakeRuntime, heard: list[Event], clock: FakeClock
) -> Session:
    """Everything that a verb needs; `runtime` is what the tests of a room say."""
    return Session(project, settings, runtime, "test", Recorder(heard.append, clock))
