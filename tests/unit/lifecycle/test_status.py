from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.acceptance.readiness import require_ready
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import EngineMissing, NotReady, ServiceDied, SettingsError
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.status import list_clusters, status, wait
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.events import Recorder
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import exclusive
from kafka_tasks.retry import NotYet
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeClock, FakeRuntime
from tests.unit.lifecycle.conftest import ScriptedBroker, record


def test_a_remote_cluster_has_a_status(
    tmp_path: Path, broker: ScriptedBroker, clock: FakeClock
) -> None:
    """A reachable remote cluster is ready; one whose brokers do not answer has failed."""
    settings = load(tmp_path, environ={"KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092"})
    session = Session(Project(tmp_path), settings, RemoteRuntime(settings), "", Recorder())
    assert status(session).state == "ready"

    broker.absent = frozenset({3})
    found = status(session)
    assert (found.state, found.failed_layer) == ("degraded", None)
    assert found.reason == "brokers with replicas are not registered: 3"
    assert require_ready(session).state == "degraded"

    def away() -> None:
        raise NotYet("refused")

    broker.does = away
    found = status(session)
    assert (found.state, found.failed_layer, found.reason) == ("failed", "broker", "refused")


def test_status_tells_stopped_from_failed(session: Session, runtime: FakeRuntime) -> None:
    """Nothing recorded or stopped on purpose is stopped; wanted but dead is failed."""
    assert status(session).state == "stopped"
    up(session)
    for name in ("zookeeper", "kafka"):
        runtime.kill(name)
    record(session, wanted="stopped")
    assert status(session).state == "stopped"
    record(session)
    found = status(session)
    assert found.state == "failed"
    assert {service.state for service in found.services} == {"failed"}


@pytest.mark.parametrize(("answers", "expected"), [(True, "ready"), (False, "degraded")])
def test_status_of_a_half_dead_cluster_is_degraded(
    session: Session,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    answers: bool,
    expected: str,
) -> None:
    """The dead service is named as the reason; the living one is judged by what it answers."""

    def asked(*_: object, **__: object) -> str:
        if not answers:
            raise Unanswered("silence")
        return "standalone"

    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", asked)
    up(session)
    runtime.kill("kafka")
    found = status(session)
    assert (found.state, found.failed_layer) == ("degraded", "process")
    assert found.reason == "kafka not running"
    assert {service.name: service.state for service in found.services} == {
        "zookeeper": expected,
        "kafka": "failed",
    }


def test_a_layer_that_does_not_hold_degrades_the_brokers(
    session: Session, broker: ScriptedBroker
) -> None:
    """ZooKeeper is well when only the broker's layer fails; under the lock that is starting."""
    up(session)

    def away() -> None:
        raise NotYet("refused")

    broker.does = away
    found = status(session)
    assert found.state == "degraded"
    assert {service.name: service.state for service in found.services} == {
        "zookeeper": "ready",
        "kafka": "degraded",
    }
    with exclusive(session.project, "up", session.deadline()):
        busy = status(session)
    assert busy.state == "starting"
    assert {service.name: service.state for service in busy.services}["kafka"] == "starting"


def test_wait_starts_nothing(session: Session, runtime: FakeRuntime, clock: FakeClock) -> None:
    """Waiting for what nobody starts ends at the deadline with exit 5."""
    with pytest.raises(NotReady, match="nothing has been started in this project") as caught:
        wait(session)
    assert (caught.value.layer, caught.value.exit_code) == ("process", 5)
    assert clock.now == pytest.approx(60)
    assert runtime.calls == []


def test_wait_returns_when_somebody_elses_start_is_through(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    """What is started by another call while it is waited for is noticed."""
    observe = runtime.observe
    looks = iter(range(10**6))

    def watched() -> Any:
        if next(looks) == 5:
            runtime.start(session.settings)
        return observe()

    monkeypatch.setattr(runtime, "observe", watched)
    assert wait(session).state == "ready"
    assert 0 < clock.now < 5


def test_wait_outlasts_a_service_that_dies(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker, clock: FakeClock
) -> None:
    """A death is no end for who only waits: it may be started again."""
    up(session)

    def die() -> None:
        runtime.kill("kafka")
        raise NotYet("gone")

    broker.does = die
    with pytest.raises(NotReady) as caught:
        wait(session)
    assert not isinstance(caught.value, ServiceDied)
    assert clock.now == pytest.approx(60)


def test_clusters_of_the_machine_are_listed(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each known project with its state; one whose settings are broken is listed as failed."""
    up(session)
    broken = Project(tmp_path / "broken")
    monkeypatch.setattr(registry, "projects_here", lambda: iter([session.project, broken]))
    monkeypatch.setattr(registry, "choose", lambda *_: registry.Choice(session.runtime, "test"))

    def settings_of(path: Path, runtime: str | None) -> Settings:
        if path == broken.path:
            raise SettingsError("bad")
        assert runtime == "fake"
        return session.settings

    record(session)
    found = list_clusters(settings_of)
    assert [(known.project, known.state) for known in found] == [
        (session.project.path, "ready"),
        (broken.path, "failed"),
    ]


def test_a_cluster_that_cannot_be_looked_at_is_listed_as_failed(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that is gone hides its own cluster's state, and not the list."""

    def no_engine() -> tuple[ServiceState, ...]:
        raise EngineMissing("No Docker engine answers.")

    up(session)
    monkeypatch.setattr(registry, "projects_here", lambda: iter([session.project]))
    monkeypatch.setattr(registry, "choose", lambda *_: registry.Choice(runtime, "test"))
    monkeypatch.setattr(runtime, "observe", no_engine)
    found = list_clusters(lambda *_: session.settings)
    assert [(known.project, known.state) for known in found] == [(session.project.path, "failed")]
