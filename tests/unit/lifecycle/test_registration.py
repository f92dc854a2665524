from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.registration import await_deregistration
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.runtimes import roles
from kafka_tasks.testing import FakeClock, FakeRuntime


def test_a_killed_brokers_registration_is_waited_out(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch, heard: list[Event]
) -> None:
    """ZooKeeper comes first, alone; the broker only when its old id is gone; said once."""
    monkeypatch.setattr("kafka_tasks.clients.zookeeper.mode", lambda *_, **__: "standalone")
    listed: list[dict[int, tuple[str, ...]]] = [{}, {1: ()}, {1: ()}]
    monkeypatch.setattr(zookeeper, "registered_brokers", lambda *_, **__: listed.pop())
    up(session)
    runtime.kill("kafka")
    runtime.calls.clear()
    assert up(session).changed
    assert listed == []
    assert runtime.calls == ["start zookeeper", "start", "prepare"]
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
    (coordinator,) = roles.coordinators(cluster)
    with pytest.raises(NotReady, match="broker 1 is still registered") as caught:
        await_deregistration(coordinator, {1, 2}, clock.deadline(3), Recorder())
    assert caught.value.layer == "zookeeper"
    assert clock.now == pytest.approx(3)
    await_deregistration(coordinator, {2}, clock.deadline(0), Recorder())
