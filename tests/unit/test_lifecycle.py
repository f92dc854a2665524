from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks import lifecycle
from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.zookeeper import Unanswered
from kafka_tasks.errors import (
    EngineMissing,
    InvalidInput,
    MachineError,
    NotReady,
    Refused,
    ServiceDied,
    SettingsError,
)
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import exclusive, is_held
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.retry import NotYet
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.remote import RemoteRuntime
from kafka_tasks.settings import Settings, load
from kafka_tasks.testing import FakeClock, FakeRuntime


class _Broker:
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
def broker(monkeypatch: pytest.MonkeyPatch) -> _Broker:
    """The ladder: processes as the runtime says, and one scripted layer."""
    probe = _Broker()
    monkeypatch.setattr(readiness, "ladder", lambda: (ProcessProbe(), probe))
    return probe


@pytest.fixture
def runtime(project: Project, broker: _Broker) -> FakeRuntime:
    """A runtime on which nothing runs yet."""
    return FakeRuntime(project.path, logs={"kafka": ["the last line"]})


@pytest.fixture
def heard() -> list[Event]:
    """What a person would be told."""
    return []


@pytest.fixture
def session(
    project: Project, settings: Settings, runtime: FakeRuntime, heard: list[Event], clock: FakeClock
) -> Session:
    """Everything that a verb needs."""
    return Session(project, settings, runtime, "test", Recorder(heard.append, clock))


def _record(session: Session, **changes: Any) -> None:
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


def _alive(runtime: FakeRuntime) -> list[str]:
    return [service.name for service in runtime.services() if service.alive]


def test_up_starts_everything_and_returns_when_it_is_ready(
    session: Session, runtime: FakeRuntime
) -> None:
    """Services, findings and timeline are in the report; the project is noted, the lock free."""
    found = lifecycle.up(session)
    assert (found.state, found.changed, found.cluster_id) == ("ready", True, "the-id")
    assert [(entry.name, entry.state) for entry in found.services] == [
        ("zookeeper", "ready"),
        ("kafka", "ready"),
    ]
    assert [mark.layer for mark in found.timeline] == ["process", "process", "broker"]
    assert runtime.calls == ["start", "settled"]
    assert list(register.remembered()) == [session.project]
    assert not is_held(session.project)


def test_up_twice_changes_nothing(session: Session, runtime: FakeRuntime) -> None:
    """A ready cluster is left as it is, whether its record is there or not."""
    lifecycle.up(session)
    before = runtime.services()
    runtime.calls.clear()
    assert not lifecycle.up(session).changed
    _record(session)
    again = lifecycle.up(session)
    assert (again.state, again.changed) == ("ready", False)
    assert runtime.calls == []
    assert runtime.services() == before


def test_up_on_a_half_dead_cluster_starts_only_what_is_dead(
    session: Session, runtime: FakeRuntime
) -> None:
    """What lives keeps its process."""
    lifecycle.up(session)
    before = {service.name: service.pid for service in runtime.services()}
    runtime.kill("zookeeper")
    found = lifecycle.up(session)
    after = {service.name: service.pid for service in found.services}
    assert after["kafka"] == before["kafka"]
    assert after["zookeeper"] not in (None, before["zookeeper"])


def test_a_failed_start_stops_what_it_started(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """When the broker dies while it is waited for, ZooKeeper does not stay behind."""
    runtime.dies = {"kafka"}
    with pytest.raises(ServiceDied) as caught:
        lifecycle.up(session)
    assert caught.value.service == "kafka"
    assert caught.value.evidence == ("the last line",)
    assert _alive(runtime) == []
    assert "stopping again: zookeeper" in [event.text for event in heard]
    assert not is_held(session.project)


def test_a_failed_repair_leaves_what_ran_before(
    session: Session, runtime: FakeRuntime, broker: _Broker
) -> None:
    """Only what this very call had started is stopped again."""
    lifecycle.up(session)
    runtime.kill("zookeeper")

    def never() -> None:
        raise NotYet("refused")

    broker.does = never
    with pytest.raises(NotReady, match="layer broker does not hold: refused"):
        lifecycle.up(session)
    assert _alive(runtime) == ["kafka"]
    assert runtime.calls[-1] == "stop zookeeper"


def test_an_interrupted_start_stops_what_it_started(
    session: Session, runtime: FakeRuntime, broker: _Broker
) -> None:
    """Ctrl-C at a layer undoes the start, passes on, and a second Ctrl-C cannot disturb that."""
    handlers: list[Any] = []
    stop = runtime.stop

    def watched(*args: Any, **options: Any) -> tuple[str, ...]:
        handlers.append(signal.getsignal(signal.SIGINT))
        return stop(*args, **options)

    def interrupt() -> None:
        raise KeyboardInterrupt

    runtime.stop = watched  # type: ignore[method-assign]
    broker.does = interrupt
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        lifecycle.up(session)
    assert _alive(runtime) == []
    assert handlers == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) == before


def test_a_machine_that_is_not_able_starts_nothing(session: Session, runtime: FakeRuntime) -> None:
    """A start that refuses passes its error on; there is nothing to stop."""
    runtime.refuses = MachineError("Port 9092 is held.")
    with pytest.raises(MachineError, match="Port 9092"):
        lifecycle.up(session)
    assert runtime.calls == ["start"]


def test_strays_are_taken_in_with_a_notice(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """What a crash left running is found again, and is not started twice."""
    runtime._strays = ["zookeeper", "kafka"]
    assert not lifecycle.up(session).changed
    assert runtime.calls == []
    assert "found running and not recorded: zookeeper, kafka" in [event.text for event in heard]


def test_a_corrupt_record_is_set_aside_with_a_notice(session: Session, heard: list[Event]) -> None:
    """An unreadable state file is moved, said so, and does not hinder the start."""
    (session.project.state / "state.json").write_bytes(b"{")
    assert lifecycle.up(session).state == "ready"
    kept = session.project.state / "state.json.corrupt"
    assert kept.read_bytes() == b"{"
    texts = [event.text for event in heard]
    assert f"the state file was unreadable; it was moved to {kept}" in texts


def test_other_settings_than_the_running_clusters_are_refused(
    session: Session, runtime: FakeRuntime
) -> None:
    """What was asked for and differs is exit 3 and shows both; a default was not asked for."""
    lifecycle.up(session)
    _record(session, fingerprint={"heap": "1g", "port": "9092"})
    assert not lifecycle.up(session).changed
    asked = load(session.project.path, environ={"KAFKA_TASKS_HEAP": "2g"})
    with pytest.raises(InvalidInput) as caught:
        lifecycle.up(replace(session, settings=asked))
    assert "KAFKA_TASKS_HEAP is 2g, the cluster has 1g" in caught.value.message
    assert _alive(runtime) == ["zookeeper", "kafka"]


def test_auto_ports_agree_with_any(session: Session) -> None:
    """`auto` means whatever port the cluster has."""
    lifecycle.up(session)
    _record(session, fingerprint={"port": "23456"})
    auto = load(session.project.path, environ={"KAFKA_TASKS_PORT": "auto"})
    assert not lifecycle.up(replace(session, settings=auto)).changed


def test_a_killed_brokers_registration_is_waited_out(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, heard: list[Event]
) -> None:
    """ZooKeeper comes first, alone; the broker only when its old id is gone; said once."""
    monkeypatch.setattr("kafka_tasks.probes.zookeeper.mode", lambda *_, **__: "standalone")
    listed: list[dict[int, tuple[str, ...]]] = [{}, {1: ()}, {1: ()}]
    monkeypatch.setattr(zookeeper, "registered_brokers", lambda *_, **__: listed.pop())
    lifecycle.up(session)
    runtime.kill("kafka")
    runtime.calls.clear()
    assert lifecycle.up(session).changed
    assert listed == []
    assert runtime.calls == ["start zookeeper", "start", "settled"]
    notices = [event.text for event in heard if "still lists broker 1" in event.text]
    assert len(notices) == 1


def test_a_registration_that_does_not_expire_ends_the_wait(
    cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the deadline it is exit 5 with what was seen last; a silent ZooKeeper is waited for."""
    seen: list[Any] = [Unanswered("silent")]

    def registered(*_: object, **__: object) -> dict[int, tuple[str, ...]]:
        if seen:
            raise seen.pop()
        return {1: (), 7: ()}

    monkeypatch.setattr(zookeeper, "registered_brokers", registered)
    with pytest.raises(NotReady, match="broker 1 is still registered") as caught:
        lifecycle.await_deregistration(cluster, {1, 2}, clock.deadline(3), Recorder())
    assert caught.value.layer == "zookeeper"
    assert clock.now == pytest.approx(3)
    lifecycle.await_deregistration(cluster, {2}, clock.deadline(0), Recorder())
    lifecycle.await_deregistration(
        replace(cluster, zookeeper=None), {1}, clock.deadline(0), Recorder()
    )


def test_down_stops_brokers_first_and_keeps_the_data(
    session: Session, runtime: FakeRuntime
) -> None:
    """The order is the safe one, and nothing is wiped."""
    lifecycle.up(session)
    assert lifecycle.down(session) == ("kafka", "zookeeper")
    assert runtime.calls[-1] == "stop"
    assert lifecycle.down(session) == ()


def test_down_without_confirmation_wipes_nothing(session: Session, runtime: FakeRuntime) -> None:
    """An unconfirmed wipe is exit 6 and does not even stop the cluster."""
    lifecycle.up(session)
    with pytest.raises(Refused, match="was not confirmed") as caught:
        lifecycle.down(session, wipe=True)
    assert caught.value.exit_code == 6
    assert _alive(runtime) == ["zookeeper", "kafka"]
    assert lifecycle.down(session, wipe=True, confirmed=True) == ("kafka", "zookeeper")
    assert runtime.calls[-1] == "stop wipe"
    assert runtime.services() == ()


def test_down_where_nothing_ever_was_leaves_no_trace(
    tmp_path: Path, settings: Settings, broker: _Broker
) -> None:
    """In a directory without state nothing is stopped and nothing is created."""
    bare = tmp_path / "bare"
    bare.mkdir()
    runtime = FakeRuntime(bare)
    session = Session(Project(bare), settings, runtime, "test", Recorder())
    assert lifecycle.down(session) == ()
    assert list(bare.iterdir()) == []
    assert runtime.calls == []


def test_down_stops_what_was_started_by_hand(
    tmp_path: Path, settings: Settings, broker: _Broker
) -> None:
    """Services that run where nothing was written down, as by `docker compose up`, are stopped."""
    bare = tmp_path / "bare"
    bare.mkdir()
    runtime = FakeRuntime(bare)
    runtime.start(settings)
    session = Session(Project(bare), settings, runtime, "test", Recorder())
    assert lifecycle.down(session) == ("kafka", "zookeeper")
    assert _alive(runtime) == []


def test_restart_stops_and_starts_everything(session: Session, runtime: FakeRuntime) -> None:
    """Every service gets a new process."""
    lifecycle.up(session)
    before = {service.pid for service in runtime.services()}
    found = lifecycle.restart(session)
    assert (found.state, found.changed) == ("ready", True)
    assert not before & {service.pid for service in found.services}


def test_restart_of_one_service_leaves_the_others(session: Session, runtime: FakeRuntime) -> None:
    """Only the named service gets a new process."""
    lifecycle.up(session)
    before = {service.name: service.pid for service in runtime.services()}
    after = {s.name: s.pid for s in lifecycle.restart(session, "kafka").services}
    assert after["zookeeper"] == before["zookeeper"]
    assert after["kafka"] != before["kafka"]


def test_restart_of_an_unknown_service_stops_nothing(
    session: Session, runtime: FakeRuntime
) -> None:
    """A service that is not there is exit 3 and lists those that are."""
    lifecycle.up(session)
    with pytest.raises(InvalidInput, match=r"no service 'kafka-9' here \(there is: zookeeper, ka"):
        lifecycle.restart(session, "kafka-9")
    assert _alive(runtime) == ["zookeeper", "kafka"]


@pytest.mark.parametrize(
    "verb",
    [
        lifecycle.up,
        lifecycle.restart,
        lifecycle.down,
        lambda session: lifecycle.down(session, wipe=True, confirmed=True),
    ],
)
def test_a_remote_cluster_declines_in_words(tmp_path: Path, verb: Callable[[Session], Any]) -> None:
    """up, restart and down of somebody else's cluster say so, and leave no state behind."""
    settings = load(tmp_path, environ={"KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092"})
    session = lifecycle.open_session(Project(tmp_path), settings)
    assert session.runtime.name == "remote"
    with pytest.raises(InvalidInput, match=r"a\.example:9092 is run by somebody else"):
        verb(session)
    assert list(tmp_path.iterdir()) == []


def test_a_remote_cluster_has_a_status(tmp_path: Path, broker: _Broker, clock: FakeClock) -> None:
    """A reachable remote cluster is ready; one whose brokers do not answer has failed."""
    settings = load(tmp_path, environ={"KAFKA_TASKS_BOOTSTRAP_SERVERS": "a.example:9092"})
    session = Session(Project(tmp_path), settings, RemoteRuntime(settings), "", Recorder())
    assert lifecycle.status(session).state == "ready"

    def away() -> None:
        raise NotYet("refused")

    broker.does = away
    found = lifecycle.status(session)
    assert (found.state, found.failed_layer, found.reason) == ("failed", "broker", "refused")


def test_status_tells_stopped_from_failed(session: Session, runtime: FakeRuntime) -> None:
    """Nothing recorded or stopped on purpose is stopped; wanted but dead is failed."""
    assert lifecycle.status(session).state == "stopped"
    lifecycle.up(session)
    for name in ("zookeeper", "kafka"):
        runtime.kill(name)
    _record(session, wanted="stopped")
    assert lifecycle.status(session).state == "stopped"
    _record(session)
    found = lifecycle.status(session)
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

    monkeypatch.setattr("kafka_tasks.probes.zookeeper.mode", asked)
    lifecycle.up(session)
    runtime.kill("kafka")
    found = lifecycle.status(session)
    assert (found.state, found.failed_layer) == ("degraded", "process")
    assert found.reason == "kafka not running"
    assert {service.name: service.state for service in found.services} == {
        "zookeeper": expected,
        "kafka": "failed",
    }


def test_a_layer_that_does_not_hold_degrades_the_brokers(session: Session, broker: _Broker) -> None:
    """ZooKeeper is well when only the broker's layer fails; under the lock that is starting."""
    lifecycle.up(session)

    def away() -> None:
        raise NotYet("refused")

    broker.does = away
    found = lifecycle.status(session)
    assert found.state == "degraded"
    assert {service.name: service.state for service in found.services} == {
        "zookeeper": "ready",
        "kafka": "degraded",
    }
    with exclusive(session.project, "up", session.deadline()):
        busy = lifecycle.status(session)
    assert busy.state == "starting"
    assert {service.name: service.state for service in busy.services}["kafka"] == "starting"


def test_wait_starts_nothing(session: Session, runtime: FakeRuntime, clock: FakeClock) -> None:
    """Waiting for what nobody starts ends at the deadline with exit 5."""
    with pytest.raises(NotReady, match="nothing has been started in this project") as caught:
        lifecycle.wait(session)
    assert (caught.value.layer, caught.value.exit_code) == ("process", 5)
    assert clock.now == pytest.approx(60)
    assert runtime.calls == []


def test_wait_returns_when_somebody_elses_start_is_through(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, clock: FakeClock
) -> None:
    """What is started by another call while it is waited for is noticed."""
    services = runtime.services
    looks = iter(range(10**6))

    def watched() -> Any:
        if next(looks) == 5:
            runtime.start(session.settings)
        return services()

    monkeypatch.setattr(runtime, "services", watched)
    assert lifecycle.wait(session).state == "ready"
    assert 0 < clock.now < 5


def test_wait_outlasts_a_service_that_dies(
    session: Session, runtime: FakeRuntime, broker: _Broker, clock: FakeClock
) -> None:
    """A death is no end for who only waits: it may be started again."""
    lifecycle.up(session)

    def die() -> None:
        runtime.kill("kafka")
        raise NotYet("gone")

    broker.does = die
    with pytest.raises(NotReady) as caught:
        lifecycle.wait(session)
    assert not isinstance(caught.value, ServiceDied)
    assert clock.now == pytest.approx(60)


def test_clusters_of_the_machine_are_listed(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each known project with its state; one whose settings are broken is listed as failed."""
    lifecycle.up(session)
    broken = Project(tmp_path / "broken")
    monkeypatch.setattr(registry, "projects_here", lambda: iter([session.project, broken]))
    monkeypatch.setattr(registry, "choose", lambda *_: registry.Choice(session.runtime, "test"))

    def settings_of(path: Path) -> Settings:
        if path == broken.path:
            raise SettingsError("bad")
        return session.settings

    _record(session)
    found = lifecycle.list_clusters(settings_of)
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

    lifecycle.up(session)
    monkeypatch.setattr(registry, "projects_here", lambda: iter([session.project]))
    monkeypatch.setattr(registry, "choose", lambda *_: registry.Choice(runtime, "test"))
    monkeypatch.setattr(runtime, "services", no_engine)
    found = lifecycle.list_clusters(lambda _: session.settings)
    assert [(known.project, known.state) for known in found] == [(session.project.path, "failed")]


def test_what_auto_chose_is_said(session: Session, heard: list[Event]) -> None:
    """A start on a runtime that nobody named says which it is and why."""
    assert session.settings.runtime == "auto"
    lifecycle.up(session)
    assert f"{session.runtime.name}: {session.reason}" in [event.text for event in heard]


@pytest.mark.parametrize("verb", [lifecycle.up, lifecycle.restart])
def test_what_is_suspended_goes_on(
    session: Session,
    runtime: FakeRuntime,
    heard: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    verb: Callable[[Session], Any],
) -> None:
    """`up` and `restart` wake a service that a signal holds, and say so; `status` tells of it."""
    monkeypatch.setattr("kafka_tasks.probes.zookeeper.mode", lambda *_, **__: "standalone")
    lifecycle.up(session)
    runtime.suspend("kafka")
    seen = lifecycle.status(session)
    assert (seen.state, seen.failed_layer) == ("degraded", "process")
    assert seen.reason and seen.reason.startswith("kafka suspended")
    assert {service.name: service.state for service in seen.services} == {
        "zookeeper": "ready",
        "kafka": "degraded",
    }
    assert verb(session).state == "ready"
    assert "was suspended and goes on: kafka" in [event.text for event in heard]
    assert lifecycle.status(session).state == "ready"
