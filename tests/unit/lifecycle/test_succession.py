from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from kafka_tasks.clients.kafka import quorum
from kafka_tasks.lifecycle import succession
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event
from kafka_tasks.runtimes import ports
from kafka_tasks.testing import FakeClock, FakeRuntime

OLD = ["[1] Successfully registered broker 2", "[2] DUPLICATE_BROKER_REGISTRATION", "[3] last"]
REFUSED = "[9] Unable to register: DUPLICATE_BROKER_REGISTRATION"
REGISTERED = "[9] Successfully registered broker 2 with broker epoch 7"


@pytest.fixture
def killed(session: Session, runtime: FakeRuntime) -> tuple[Session, Cluster, list[str]]:
    """Three combined nodes of which the second was killed; with its log."""
    settings = replace(session.settings, version="4.4.0", brokers=3)
    lines = list(OLD)
    runtime._lines["kafka-2"] = lines
    runtime.start(settings)
    runtime.kill("kafka-2")
    topology = ports.as_set(settings, settings.topology)
    cluster = Cluster.of(topology, project=settings.project, runtime="fake", kafka_version="4.4.0")
    return replace(session, settings=settings), cluster, lines


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The ports and broker ids of the requests; the second controller leads."""
    found: list[tuple[int, int]] = []

    def unregister(at: Address, broker: int, _: float, __: object) -> bool:
        found.append((at.port, broker))
        return at.port == 19094

    monkeypatch.setattr(quorum, "unregister", unregister)
    return found


def _settle(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    *,
    then: Callable[[], object] = lambda: None,
) -> succession.Successions:
    session, cluster, _ = killed
    found = succession.begin(session, cluster.topology, lambda: clock.now)
    runtime.start(session.settings)
    then()
    found.settle(cluster, clock.deadline(30))
    return found


def test_a_refused_successor_gets_its_place(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    requests: list[tuple[int, int]],
    heard: list[Event],
) -> None:
    """One request to the controller that leads, told once."""
    left = _settle(killed, runtime, clock, then=lambda: killed[2].append(REFUSED))
    assert requests == [(19093, 2), (19094, 2)]
    assert left.waiting == {}
    assert [e.text for e in heard if "removed the registration of kafka-2" in e.text]


def test_one_that_has_registered_is_left_alone(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    requests: list[tuple[int, int]],
) -> None:
    """Also where it was refused before: its predecessor's session has expired by itself."""
    _settle(killed, runtime, clock, then=lambda: killed[2].extend([REFUSED, REGISTERED]))
    assert requests == []


def test_what_was_logged_before_the_start_counts_for_nothing(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    requests: list[tuple[int, int]],
) -> None:
    """Without a word of the successor itself nothing is asked, and the layers go on waiting."""
    left = _settle(killed, runtime, clock)
    assert requests == []
    assert set(left.waiting) == {"kafka-2"}


def test_a_refusal_of_unknown_age_is_not_acted_on(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    requests: list[tuple[int, int]],
) -> None:
    """After a pause of this process the session may expire at any moment."""

    def then() -> None:
        killed[2].append(REFUSED)
        clock.now += 8

    left = _settle(killed, runtime, clock, then=then)
    assert requests == []
    assert set(left.waiting) == {"kafka-2"}


def test_a_successor_that_dies_is_left_to_the_layers(
    killed: tuple[Session, Cluster, list[str]],
    runtime: FakeRuntime,
    clock: FakeClock,
    requests: list[tuple[int, int]],
) -> None:
    """They name it at once; nothing is waited for here."""
    _settle(killed, runtime, clock, then=lambda: runtime.kill("kafka-2"))
    assert requests == []
    assert clock.now < 1


def test_only_what_has_certainly_exited_has_a_successor(
    killed: tuple[Session, Cluster, list[str]], runtime: FakeRuntime
) -> None:
    """A suspended broker has none; nor has any in ZooKeeper mode."""
    session, cluster, _ = killed
    runtime.suspend("kafka-3")
    assert set(succession.begin(session, cluster.topology).waiting) == {"kafka-2"}
    zookeeper = replace(session.settings, version="7.9.6")
    assert not succession.begin(session, zookeeper.topology).waiting
