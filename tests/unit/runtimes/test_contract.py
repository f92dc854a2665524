"""The contract of runtimes, on the fake that tests of other people use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import pytest

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project.directory import Project
from kafka_tasks.retry import NotYet
from kafka_tasks.settings import load
from kafka_tasks.testing import FakeClock, FakeRuntime
from tests.contract.runtime import RuntimeContract, Subject

# These ask the servers themselves, and there are none.
_ASK = {
    "kafka_tasks.lifecycle.status": "answering",
    "kafka_tasks.lifecycle.start": "clear_old_registrations",
}


class _Broker:
    """A layer that holds some time after the start, as a real broker's."""

    layer = "broker"

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.looks = 0

    def check(self, context: Context) -> list[Held]:
        """Hold from the second look on, 0.1 s later."""
        self.looks += 1
        if self.looks % 2:
            self._clock.now += 0.1
            raise NotYet("the broker does not answer")
        context.findings["cluster_id"] = "the-id"
        return [Held("kafka")]


class TestFakeRuntime(RuntimeContract):
    """In memory, without time."""

    @pytest.fixture
    def subject(
        self, project: Project, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
    ) -> Subject:
        """Return a project on a runtime in memory, which writes nothing down."""
        lines = [f"line {number}" for number in range(5)]
        runtime = FakeRuntime(project.path, logs={"zookeeper": lines, "kafka": lines})
        probe = _Broker(clock)
        monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(), probe))
        for module, asks in _ASK.items():
            monkeypatch.setattr(import_module(module), asks, lambda *_: ())

        def open_(environ: Mapping[str, str]) -> Session:
            settings = load(project.path, environ=environ)
            return Session(project, settings, runtime, "a test", Recorder(clock=clock))

        def living() -> list[ServiceState]:
            return [service for service in runtime.observe().services if service.alive]

        return Subject(
            open=open_,
            kill=runtime.kill,
            hold=runtime.suspend,
            identities=lambda: {service.name: service.pid for service in living()},
            put=lambda name: runtime.files.there.update({f"kafka/{name}": b"x"}),
            kept=lambda: {name.removeprefix("kafka/") for name in runtime.files.there},
            records=False,
        )
