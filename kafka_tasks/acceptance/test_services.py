"""The services: running, healthy, reachable, and connected to each other."""

from __future__ import annotations

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.cluster import Address, Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes.readiness import ladder, wait_until_ready
from kafka_tasks.probes.roundtrip import RoundtripProbe
from kafka_tasks.retry import Deadline

_TIMEOUT_S = 5.0


def _dead(session: Session, role: str) -> list[str]:
    return [s.name for s in session.runtime.services() if s.role == role and not s.alive]


@proves("zookeeper-running")
def test_zookeeper_runs_and_is_healthy(session: Session, zookeeper_address: Address) -> None:
    """ZooKeeper's process runs and serves requests in one of its modes."""
    assert _dead(session, "zookeeper") == []
    assert zookeeper.mode(zookeeper_address, _TIMEOUT_S) in ("standalone", "leader", "follower")


@proves("kafka-running")
def test_kafka_runs_and_is_healthy(session: Session, cluster: Cluster, admin: Admin) -> None:
    """Every broker runs and is registered, and one of them is the controller."""
    assert _dead(session, "broker") == []
    view = admin.look(_TIMEOUT_S)
    assert len(view.brokers) >= cluster.brokers
    assert view.controller in view.brokers


@proves("kafka-reachable")
def test_each_broker_answers_at_its_port(session: Session, cluster: Cluster) -> None:
    """Each bootstrap address answers the Kafka protocol, at the configured port."""
    for address in cluster.bootstrap:
        with Admin(cluster, bootstrap=str(address)) as one:
            assert one.look(_TIMEOUT_S).brokers, f"{address} names no broker"
    configured = session.settings.port
    if session.runtime.capabilities.lifecycle and session.settings.explicit("port"):
        assert configured in ("auto", cluster.bootstrap[0].port)


@proves("zookeeper-reachable")
def test_zookeeper_answers_at_its_port(
    session: Session, zookeeper_address: Address, admin: Admin
) -> None:
    """A client gets a session at the configured port and reads this cluster's id."""
    assert zookeeper.cluster_id(zookeeper_address, _TIMEOUT_S) == admin.look(_TIMEOUT_S).cluster_id
    configured = session.settings.zookeeper_port
    if session.settings.explicit("zookeeper_port"):
        assert configured in ("auto", zookeeper_address.port)


@proves("services-connected")
def test_services_reach_each_other(zookeeper_address: Address, admin: Admin) -> None:
    """ZooKeeper lists the same brokers as Kafka, at the same addresses."""
    listed = zookeeper.registered_brokers(zookeeper_address, _TIMEOUT_S)
    named = admin.look(_TIMEOUT_S).brokers
    assert sorted(listed) == sorted(named)
    for number, address in named.items():
        places = [endpoint.partition("://")[2] for endpoint in listed[number]]
        assert str(address) in places, f"broker {number} registered {places}, not {address}"


@proves("health-checks")
def test_health_checks_pass(session: Session, cluster: Cluster, scratch: str) -> None:
    """Every layer of readiness holds, including the round trip of a record."""
    layers = [*ladder(), RoundtripProbe(scratch)]
    deadline = Deadline.after(min(session.settings.timeout, 30.0))
    recorder = Recorder()
    wait_until_ready(cluster, session.watch, deadline, recorder, layers=layers)
    held = {mark.layer for mark in recorder.timeline}
    wanted = {layer.layer for layer in layers if cluster.zookeeper or layer.layer != "zookeeper"}
    assert held == wanted
