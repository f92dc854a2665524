from __future__ import annotations

import pytest

from kafka_tasks.clients.kafka import quorum
from kafka_tasks.clients.kafka.quorum import Quorum
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import kraft_cluster
from kafka_tasks.runtimes import ports, roles
from kafka_tasks.settings import Settings


@pytest.fixture
def three(settings: Settings) -> Cluster:
    """Three combined nodes with controllers at 19093 to 19095."""
    from dataclasses import replace

    chosen = replace(settings, version="4.4.0", brokers=3)
    topology = ports.as_set(chosen, chosen.topology)
    return Cluster.of(topology, project=settings.project, runtime="embedded", kafka_version="4.4")


def test_nodes_are_told_of_each_other(three: Cluster) -> None:
    """Every voter has its port, roles are comma-separated, and a controller has its listener."""
    first = three.topology.services[0]
    found = roles.of(first.role).configure(first, three.topology, {})
    assert found["process.roles"] == "broker,controller"
    assert found["controller.quorum.voters"] == (
        "1@127.0.0.1:19093,2@127.0.0.1:19094,3@127.0.0.1:19095"
    )
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:19093"
    assert found["advertised.listeners"] == "PLAINTEXT://localhost:9092"
    assert "zookeeper.connect" not in found and "broker.id" not in found
    assert found["share.coordinator.state.topic.min.isr"] == "2"


def test_dedicated_controllers_serve_no_clients(settings: Settings) -> None:
    """A controller advertises nothing; a pure broker has no listener for controllers."""
    planned = kraft_cluster(2, controllers=3)
    at = planned.at((19093, 19094, 19095, 9092, 9093))
    controller, broker = at.services[0], at.brokers[1]
    found = roles.of(controller.role).configure(controller, at, {"a.b": "c"})
    assert found["process.roles"] == "controller"
    assert (found["node.id"], found["listeners"]) == ("3001", "CONTROLLER://127.0.0.1:19093")
    assert "advertised.listeners" not in found
    assert found["a.b"] == "c"
    mine = roles.of(broker.role).configure(broker, at, {})
    assert (mine["process.roles"], mine["node.id"]) == ("broker", "2")
    assert mine["listeners"] == "PLAINTEXT://127.0.0.1:9093"
    assert mine["controller.quorum.voters"].startswith("3001@127.0.0.1:19093,3002@")


def test_the_quorum_serves_when_one_leads_and_knows_all(
    three: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each voter has its word; without a leader, or one that lacks a voter, it does not serve."""
    voters = {1: 5, 2: 5, 3: 5}
    leader = 19094

    def describe(address: Address, _: float, __: object) -> Quorum | None:
        return Quorum(2, 1, voters, {}) if address.port == leader else None

    monkeypatch.setattr(quorum, "describe", describe)
    asked = roles.coordinators(three)
    assert [each.service.name for each in asked] == ["kafka", "kafka-2", "kafka-3"]
    assert asked[0].serving(1.0) == {
        "kafka": "follower",
        "kafka-2": "leader",
        "kafka-3": "follower",
    }
    assert [each.mode(1.0) for each in asked] == ["follower", "leader", "follower"]
    del voters[3]
    with pytest.raises(Unanswered, match="does not know the voters 3"):
        asked[0].serving(1.0)
    leader = 0
    with pytest.raises(Unanswered, match="no controller leads yet"):
        asked[0].serving(1.0)
