"""Ready and in sync are two words: which replicas are waited for, and which are not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.clients.kafka import reassignment
from kafka_tasks.errors import BrokerUnreachable, NotReady
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.topic import PartitionState, TopicState
from kafka_tasks.model.topology import Topology, zookeeper_cluster
from kafka_tasks.probes import readiness
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.probes.replicas import ReplicasProbe
from kafka_tasks.retry import NotYet
from kafka_tasks.testing import FakeClock
from tests.unit.fakes import FakeAdmin, topic

BROKERS = {number: Address("localhost", 9091 + number) for number in (1, 2, 3)}


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    """Three brokers, each with a replica of two partitions."""
    found = FakeAdmin({"orders": topic("orders", 2, 3)}, brokers=BROKERS)
    monkeypatch.setattr(admin_module, "Admin", lambda *_, **__: found)
    return found


class _Moves:
    """The partitions that are being moved."""

    found: dict[str, set[int]]

    def __init__(self, cluster: Cluster) -> None:
        assert cluster

    def __enter__(self) -> _Moves:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def moving(self) -> dict[str, set[int]]:
        """Return them."""
        return self.found


@pytest.fixture(autouse=True)
def moves(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, set[int]]]:
    """What is being moved: nothing, unless a test says so."""
    _Moves.found = {}
    monkeypatch.setattr(reassignment, "Replicas", _Moves)
    yield _Moves.found


def lagging(state: TopicState, *in_sync: int, config: dict[str, str] | None = None) -> TopicState:
    """The same topic with these replicas in sync, and with these settings."""
    shown = tuple(PartitionState(at.id, 1, at.replicas, in_sync) for at in state.partitions)
    return replace(topic(state.name, config=config), partitions=shown)


def _checked(cluster: Cluster, probe: ReplicasProbe) -> list[Held]:
    return probe.check(Context(cluster, lambda: ()))


def test_all_replicas_in_sync_hold_the_layer(cluster: Cluster, admin: FakeAdmin) -> None:
    """They are counted."""
    assert _checked(cluster, ReplicasProbe(True)) == [Held(None, "6 replicas in sync")]
    admin.there = {"one": topic("one")}
    assert _checked(cluster, ReplicasProbe(True)) == [Held(None, "1 replica in sync")]


def test_a_replica_of_a_registered_broker_is_waited_for(cluster: Cluster, admin: FakeAdmin) -> None:
    """How many are missing is said, with one of them."""
    admin.there = {"orders": lagging(admin.there["orders"], 1, 3)}
    said = "^2 of 6 replicas are not in sync, such as orders-0 on broker 2$"
    with pytest.raises(NotYet, match=said):
        _checked(cluster, ReplicasProbe(True))


def test_replicas_of_absent_brokers_are_listed(cluster: Cluster, admin: FakeAdmin) -> None:
    """A broker that is not registered can have none in sync."""
    admin.brokers = {1: BROKERS[1], 3: BROKERS[3]}
    admin.there = {"orders": lagging(admin.there["orders"], 1, 3)}
    (held,) = _checked(cluster, ReplicasProbe(True))
    assert held.text == (
        "4 replicas in sync; 2 not waited for because of absent brokers: "
        "orders-0 on broker 2, orders-1 on broker 2"
    )


@pytest.mark.parametrize(
    ("moved", "config", "said"),
    [
        ({"orders": {0, 1}}, {}, "because of moves"),
        ({}, {"follower.replication.throttled.replicas": "0:2,1:2"}, "because of throttles"),
        ({}, {"leader.replication.throttled.replicas": "*"}, "because of throttles"),
    ],
)
def test_moved_and_throttled_replicas_are_listed(
    cluster: Cluster,
    admin: FakeAdmin,
    moves: dict[str, set[int]],
    moved: dict[str, set[int]],
    config: dict[str, str],
    said: str,
) -> None:
    """They are asked for after two seconds: most replicas are in sync before."""
    moves.update(moved)
    admin.there = {"orders": lagging(admin.there["orders"], 1, 3, config=config)}
    clock = FakeClock()
    probe = ReplicasProbe(True, clock=clock)
    with pytest.raises(NotYet):
        _checked(cluster, probe)
    clock.sleep(2.0)
    (held,) = _checked(cluster, probe)
    assert f"2 not waited for {said}" in held.text


def test_other_replicas_are_waited_for_all_the_same(
    cluster: Cluster, admin: FakeAdmin, moves: dict[str, set[int]]
) -> None:
    """A move of one partition excuses no other; a throttle of another broker, nothing."""
    moves["orders"] = {0}
    config = {"follower.replication.throttled.replicas": "1:3"}
    admin.there = {"orders": lagging(admin.there["orders"], 1, 3, config=config)}
    clock = FakeClock()
    probe = ReplicasProbe(True, clock=clock)
    for pause in (3.0, 0.0):
        with pytest.raises(NotYet) as caught:
            _checked(cluster, probe)
        clock.sleep(pause)
    assert str(caught.value) == "1 of 6 replicas are not in sync, such as orders-1 on broker 2"


def test_an_answer_that_is_not_the_clusters_does_not_count(
    cluster: Cluster, admin: FakeAdmin
) -> None:
    """Neither one without a controller, nor one without topics that are known."""
    known = Context(cluster, lambda: (), topics=frozenset({"payments"}))
    with pytest.raises(NotYet, match="not shown yet"):
        ReplicasProbe(True).check(known)
    admin.controller = None
    with pytest.raises(NotYet, match="not shown yet"):
        _checked(cluster, ReplicasProbe(True))
    admin.errors["look"] = [BrokerUnreachable("No broker answered.", evidence=("refused",))]
    with pytest.raises(NotYet, match="refused"):
        _checked(cluster, ReplicasProbe(True))


def test_one_broker_has_no_such_layer(cluster: Cluster) -> None:
    """Its replicas are in sync always; how many a remote cluster has is not known before."""
    assert readiness.in_sync(cluster, required=True) == ()
    for topology in (zookeeper_cluster(2), Topology()):
        (probe,) = readiness.in_sync(replace(cluster, topology=topology), required=True)
        layers = [each.layer for each in readiness.ladder(topology, probe)]
        assert layers[-3:] == ["cluster", "replicas", "advertised"]


def _waited(cluster: Cluster, clock: FakeClock, *, required: bool) -> list[Event]:
    heard: list[Event] = []
    layers: Any = [ReplicasProbe(required)]
    watch = readiness.Watch(lambda: (), lambda *_: [])
    recorder = Recorder(heard.append, clock)
    readiness.wait_until_ready(cluster, watch, clock.deadline(3), recorder, layers=layers)
    return heard


def test_a_start_ends_with_a_notice_where_replicas_stay_behind(
    cluster: Cluster, admin: FakeAdmin, clock: FakeClock
) -> None:
    """The cluster serves; only `wait --in-sync` fails."""
    admin.there = {"orders": lagging(admin.there["orders"], 1)}
    heard = _waited(cluster, clock, required=False)
    (notice,) = [event.text for event in heard if event.kind == "notice"]
    assert notice.startswith("4 of 6 replicas are not in sync, such as orders-0 on broker 2; ")
    assert "invoke kafka.wait --in-sync" in notice
    with pytest.raises(NotReady, match="layer replicas does not hold: 4 of 6") as caught:
        _waited(cluster, clock, required=True)
    assert (caught.value.exit_code, caught.value.layer) == (5, "replicas")
