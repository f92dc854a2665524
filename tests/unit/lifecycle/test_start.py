from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any, Literal

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError, NotReady, ServiceDied
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event
from kafka_tasks.model.topology import Topology
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Probe
from kafka_tasks.project import register
from kafka_tasks.project.lock import is_held
from kafka_tasks.retry import NotYet
from kafka_tasks.testing import FakeRuntime
from tests.unit.lifecycle.conftest import ScriptedBroker, alive, record


def test_up_starts_everything_and_returns_when_it_is_ready(
    session: Session, runtime: FakeRuntime
) -> None:
    """Services, findings and timeline are in the report; the project is noted, the lock free."""
    found = up(session)
    assert (found.state, found.changed, found.cluster_id) == ("ready", True, "the-id")
    assert [(entry.name, entry.state) for entry in found.services] == [
        ("zookeeper", "ready"),
        ("kafka", "ready"),
    ]
    assert [mark.layer for mark in found.timeline] == ["process", "process", "broker"]
    assert runtime.calls == ["start", "prepare"]
    assert list(register.remembered()) == [session.project]
    assert not is_held(session.project)


def test_up_twice_changes_nothing(session: Session, runtime: FakeRuntime) -> None:
    """A ready cluster is left as it is, whether its record is there or not."""
    up(session)
    before = runtime.observe().services
    runtime.calls.clear()
    assert not up(session).changed
    record(session)
    again = up(session)
    assert (again.state, again.changed) == ("ready", False)
    assert runtime.calls == []
    assert runtime.observe().services == before


def test_up_on_a_half_dead_cluster_starts_only_what_is_dead(
    session: Session, runtime: FakeRuntime
) -> None:
    """What lives keeps its process."""
    up(session)
    before = {service.name: service.pid for service in runtime.observe().services}
    runtime.kill("zookeeper")
    found = up(session)
    after = {service.name: service.pid for service in found.services}
    assert after["kafka"] == before["kafka"]
    assert after["zookeeper"] not in (None, before["zookeeper"])


def test_a_failed_start_stops_what_it_started(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """When the broker dies while it is waited for, ZooKeeper does not stay behind."""
    runtime.dies = {"kafka"}
    with pytest.raises(ServiceDied) as caught:
        up(session)
    assert caught.value.service == "kafka"
    assert caught.value.evidence == ("the last line",)
    assert alive(runtime) == []
    assert "stopping again: zookeeper" in [event.text for event in heard]
    assert not is_held(session.project)


def test_a_failed_repair_leaves_what_ran_before(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker
) -> None:
    """Only what this very call had started is stopped again."""
    up(session)
    runtime.kill("zookeeper")

    def never() -> None:
        raise NotYet("refused")

    broker.does = never
    with pytest.raises(NotReady, match="layer broker does not hold: refused"):
        up(session)
    assert alive(runtime) == ["kafka"]
    assert runtime.calls[-1] == "stop zookeeper"


def test_an_interrupted_start_stops_what_it_started(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker
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
        up(session)
    assert alive(runtime) == []
    assert session.undone == ["zookeeper", "kafka"]
    assert handlers == [signal.SIG_IGN]
    assert signal.getsignal(signal.SIGINT) == before


def test_a_start_that_is_interrupted_early_is_no_longer_wanted(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after the wish was written down, and before anything lives, leaves no failure."""

    def planned(*_: object, **__: object) -> Cluster:
        record(session)
        raise KeyboardInterrupt

    monkeypatch.setattr(runtime, "start", planned)
    with pytest.raises(KeyboardInterrupt):
        up(session)
    assert runtime.calls == ["stop"]
    assert session.undone == []


def test_what_was_about_to_end_is_started_again(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker, heard: list[Event]
) -> None:
    """A stop that was interrupted has told a broker to end, which it does only under `up`."""
    up(session)
    runtime.kill("zookeeper")
    before = {service.name: service.pid for service in runtime.observe().services}

    def ends() -> None:
        broker.does = lambda: None
        runtime.stop(["kafka"])
        raise NotYet("refused")

    broker.does = ends
    found = up(session)
    assert found.state == "ready"
    assert {s.name: s.pid for s in found.services}["kafka"] not in (None, before["kafka"])
    assert "kafka was about to end; starting it again" in [event.text for event in heard]


def test_what_ends_twice_is_not_started_a_third_time(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker
) -> None:
    """It does not end because it was told to; nothing that this call started stays."""
    up(session)
    runtime.kill("zookeeper")

    def ends() -> None:
        runtime.stop(["kafka"])
        raise NotYet("refused")

    broker.does = ends
    runtime.calls.clear()
    with pytest.raises(ServiceDied):
        up(session)
    assert runtime.calls.count("start") == 2
    assert alive(runtime) == []


def test_a_machine_that_is_not_able_starts_nothing(session: Session, runtime: FakeRuntime) -> None:
    """A start that refuses passes its error on; there is nothing to stop."""
    runtime.refuses = MachineError("Port 9092 is held.")
    with pytest.raises(MachineError, match="Port 9092"):
        up(session)
    assert runtime.calls == ["start"]


def test_what_auto_chose_is_said(session: Session, heard: list[Event]) -> None:
    """A start on a runtime that nobody named says which it is and why."""
    assert session.settings.runtime == "auto"
    up(session)
    assert f"{session.runtime.name}: {session.reason}" in [event.text for event in heard]


def test_a_cluster_that_was_only_slow_to_answer_is_not_changed(
    session: Session, runtime: FakeRuntime, broker: ScriptedBroker
) -> None:
    """A look that came too early is followed by a wait, and nothing was started."""
    up(session)
    looks = iter([NotYet("busy")])

    def busy() -> None:
        for cause in looks:
            raise cause

    broker.does = busy
    found = up(session)
    assert (found.state, found.changed) == ("ready", False)


def test_why_a_start_failed_is_said_although_the_stop_fails_too(
    session: Session, runtime: FakeRuntime, heard: list[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else takes the containers away meanwhile: the broker's death is the error."""

    def refuse(*_: object, **__: object) -> None:
        raise MachineError("docker compose stop failed.")

    runtime.dies = {"kafka"}
    monkeypatch.setattr(runtime, "stop", refuse)
    with pytest.raises(ServiceDied):
        up(session)
    said = [event.text for event in heard]
    assert "not all is stopped again: docker compose stop failed." in said


@pytest.mark.parametrize("setting", ["auto", 9092])
def test_a_port_that_was_lost_between_look_and_start_is_picked_anew(
    session: Session,
    runtime: FakeRuntime,
    heard: list[Event],
    monkeypatch: pytest.MonkeyPatch,
    setting: int | Literal["auto"],
) -> None:
    """Once, where it may be any; a port that was named is an error."""
    record(session)
    chosen = replace(session, settings=replace(session.settings, port=setting))
    runtime.dies = {"kafka"}
    stop = runtime.stop

    def stopped(*arguments: Any, **options: Any) -> tuple[str, ...]:
        runtime.dies = set()
        return stop(*arguments, **options)

    monkeypatch.setattr(runtime, "stop", stopped)
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 9092)
    if setting != "auto":
        with pytest.raises(ServiceDied):
            up(chosen)
        return
    assert up(chosen).state == "ready"
    assert "another process took the port of kafka; starting again" in [
        event.text for event in heard
    ]


@pytest.mark.parametrize(
    ("had_data", "brokers", "waits"), [(True, 3, 1), (False, 3, 0), (True, 1, 0)]
)
def test_a_start_on_old_data_waits_for_replicas(
    session: Session,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    had_data: bool,
    brokers: int,
    waits: int,
) -> None:
    """New data has no replica that is behind, and one broker has none at all."""
    seen: list[int] = []
    layers = readiness.ladder

    def ladder(topology: Topology, *replicas: Probe) -> tuple[Probe, ...]:
        seen.append(len(replicas))
        return layers(topology)

    monkeypatch.setattr(readiness, "ladder", ladder)
    begin = runtime.start

    def start(*given: Any, **further: Any) -> Any:
        return replace(begin(*given, **further), had_data=had_data)

    monkeypatch.setattr(runtime, "start", start)
    many = replace(session, settings=replace(session.settings, brokers=brokers))
    up(many)
    assert seen[0] == waits
