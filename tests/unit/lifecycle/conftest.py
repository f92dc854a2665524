"""A session whose cluster is made of fakes, and a ladder that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.lifecycle import Session
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.testing import FakeRuntime


class ScriptedBroker:
    """A layer that holds unless a test says otherwise."""

    layer = "broker"

    def __init__(self) -> None:
        self.does: Callable[[], None] = lambda: None

    def check(self, context: Context) -> list[Held]:
        """Do as told."""
        self.does()
        context.findings["cluster_id"] = "the-id"
        return [Held("kafka")]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    """The ladder: processes as the runtime says, and one scripted layer."""
    probe = ScriptedBroker()
    monkeypatch.setattr(readiness, "ladder", lambda: (ProcessProbe(), probe))
    return probe


@pytest.fixture
def runtime(project: Project, broker: ScriptedBroker) -> FakeRuntime:
    """A runtime on which nothing runs yet."""
    return FakeRuntime(project.path, logs={"kafka": ["the last line"]})


def record(session: Session, **changes: Any) -> None:
    """Write a record of a running cluster, with these changes."""
    fields: dict[str, Any] = {
        "runtime": "fake",
        "wanted": "running",
        "version": "7.9.6",
        "kafka_version": "3.9.1",
        "brokers": 1,
        "port": 9092,
        "zookeeper_port": 2181,
        "changed_at": 0.0,
        **changes,
    }
    state.write(session.project, ClusterRecord(**fields))


def alive(runtime: FakeRuntime) -> list[str]:
    """The services that run."""
    return [service.name for service in runtime.services() if service.alive]
