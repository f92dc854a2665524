from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.registration import Registrations
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.stop import down, restart
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.runtimes import roles
from kafka_tasks.testing import FakeClock, FakeRuntime

_HERE = ("PLAINTEXT://localhost:9092",)


class _Listed:
    """What ZooKeeper lists: a broker stays for so many questions, unless it is unregistered."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **of_1: Any) -> None:
        self.endpoints: tuple[str, ...] = of_1.get("endpoints", _HERE)
        self.questions: int = of_1.get("questions", 3)
        self.refuses: bool = of_1.get("refuses", False)
        self.removed: list[int] = []
        monkeypatch.setattr(zookeeper, "mode", lambda *_, **__: "standalone")
        monkeypatch.setattr(zookeeper, "registered_brokers", self._registered)
        monkeypatch.setattr(zookeeper, "unregister", self._unregister)

    def _registered(self, *_: object, **__: object) -> dict[int, tuple[str, ...]]:
        self.questions -= 1
        return {} if self.removed or self.questions < 0 else {1: self.endpoints}

    def _unregister(self, _: object, broker: int, __: float) -> None:
        if self.refuses:
            raise Unanswered("not allowed")
        self.removed.append(broker)


def _healed(session: Session, runtime: FakeRuntime) -> None:
    """Kill the broker of a ready cluster, and start it again."""
    up(session)
    runtime.kill("kafka")
    runtime.calls.clear()
    assert up(session).changed
    assert runtime.calls == ["start zookeeper", "start", "prepare"]


def _waits(heard: list[Event]) -> int:
    return sum("still lists broker 1" in event.text for event in heard)


def test_the_registration_of_a_dead_process_is_removed(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, heard: list[Event]
) -> None:
    """ZooKeeper comes first, alone; the old id is deleted, and nothing is waited for."""
    listed = _Listed(monkeypatch)
    _healed(session, runtime)
    assert listed.removed == [1]
    assert "kafka was killed; removed its registration from ZooKeeper" in [e.text for e in heard]
    assert _waits(heard) == 0


@pytest.mark.parametrize(
    "of_1",
    [{"refuses": True}, {"endpoints": ("PLAINTEXT://localhost:9999",)}, {"endpoints": ("x",)}],
)
def test_a_registration_that_may_be_anothers_is_waited_out(
    session: Session,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    heard: list[Event],
    of_1: dict[str, Any],
) -> None:
    """A broker at another port, or one that ZooKeeper does not let go, is left alone; said once."""
    listed = _Listed(monkeypatch, **of_1)
    _healed(session, runtime)
    assert (listed.removed, listed.questions, _waits(heard)) == ([], -1, 1)


def test_a_broker_whose_death_is_not_certain_is_waited_for(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, heard: list[Event]
) -> None:
    """A process that is not found may be frozen or hidden: its session decides."""
    listed = _Listed(monkeypatch)
    monkeypatch.setattr(runtime, "exited", frozenset)
    _healed(session, runtime)
    assert (listed.removed, listed.questions, _waits(heard)) == ([], -1, 1)


def test_a_suspended_broker_keeps_its_registration(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is alive: `up` resumes it and asks ZooKeeper for nothing."""
    listed = _Listed(monkeypatch)
    up(session)
    runtime.suspend("kafka")
    up(session)
    assert (listed.removed, listed.questions) == ([], 3)


def test_a_registration_that_does_not_expire_ends_the_wait(
    cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, runtime: FakeRuntime
) -> None:
    """At the deadline it is exit 5 with what was seen last; a silent ZooKeeper is waited for."""
    seen: list[Any] = [Unanswered("silent")]

    def registered(*_: object, **__: object) -> dict[int, tuple[str, ...]]:
        if seen:
            raise seen.pop()
        return {1: (), 7: ()}

    monkeypatch.setattr(zookeeper, "registered_brokers", registered)
    (coordinator,) = roles.coordinators(cluster)
    (broker,) = cluster.topology.brokers
    with pytest.raises(NotReady, match="broker 1 is still registered") as caught:
        Registrations(coordinator, runtime, Recorder()).clear([broker], clock.deadline(3))
    assert caught.value.layer == "zookeeper"
    assert clock.now == pytest.approx(3)
    Registrations(coordinator, runtime, Recorder()).clear([], clock.deadline(0))


@pytest.mark.parametrize("stop", [down, restart])
def test_a_killed_broker_is_unregistered_before_zookeeper_stops(
    session: Session,
    runtime: FakeRuntime,
    monkeypatch: pytest.MonkeyPatch,
    stop: Callable[[Session], Any],
) -> None:
    """ZooKeeper's container waits with its end for the brokers that it lists."""
    listed = _Listed(monkeypatch)
    up(session)
    runtime.kill("kafka")
    stop(session)
    assert listed.removed == [1]


def test_a_silent_zookeeper_does_not_keep_down_from_its_work(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing is unregistered, and everything stops."""

    def silent(*_: object) -> None:
        raise Unanswered("silent")

    listed = _Listed(monkeypatch)
    monkeypatch.setattr(zookeeper, "registered_brokers", silent)
    up(session)
    runtime.kill("kafka")
    assert down(session) == ("zookeeper",)
    assert listed.removed == []
