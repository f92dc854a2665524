"""A session whose cluster is made of fakes, and a ladder that does as it is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.testing import FakeRuntime
from tests.unit.recorded import cluster_record


class ScriptedBroker:
    """A layer that holds unless a test says otherwise."""

    layer = "broker"

    def __init__(self) -> None:
        self.does: Callable[[], None] = lambda: None
        self.absent = frozenset[int]()

    def check(self, context: Context) -> list[Held]:
        """Do as told."""
        self.does()
        context.findings["cluster_id"] = "the-id"
        context.absent = self.absent
        return [Held("kafka")]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> ScriptedBroker:
    """The ladder: processes as the runtime says, and one scripted layer."""
    probe = ScriptedBroker()
    monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(), probe))
    return probe


@pytest.fixture
def runtime(project: Project, broker: ScriptedBroker) -> FakeRuntime:
    """A runtime on which nothing runs yet."""
    return FakeRuntime(project.path, logs={"kafka": ["the last line"]})


def record(session: Session, **changes: Any) -> None:
    """Write a record of a running cluster, with these changes."""
    state.write(session.project, cluster_record(**{"runtime": "fake", **changes}))


def alive(runtime: FakeRuntime) -> list[str]:
    """The services that run."""
    return [service.name for service in runtime.observe().services if service.alive]
