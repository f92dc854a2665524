"""The services: running, healthy, reachable, and connected to each other."""

from __future__ import annotations

from collections.abc import Iterable

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes.readiness import ladder, wait_until_ready
from kafka_tasks.probes.roundtrip import RoundtripProbe
from kafka_tasks.retry import Deadline
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.roles.recipe import Coordinator

_TIMEOUT_S = 5.0


def _dead(session: Session, names: Iterable[str]) -> list[str]:
    wanted = set(names)
    return [service.name for service in session.observe().dead if service.name in wanted]


@proves("zookeeper-running")
@proves("quorum-running")
def test_coordinators_run_and_are_healthy(
    session: Session, coordinators: tuple[Coordinator, ...]
) -> None:
    """Each coordinator runs and answers, and together they serve brokers."""
    assert _dead(session, [asked.service.name for asked in coordinators]) == []
    modes = {asked.service.name: asked.mode(_TIMEOUT_S) for asked in coordinators}
    assert coordinators[0].serving(_TIMEOUT_S) == modes


@proves("kafka-running")
def test_kafka_runs_and_is_healthy(session: Session, cluster: Cluster, admin: Admin) -> None:
    """Every broker runs and is registered, and one of them is the controller."""
    assert _dead(session, [each.name for each in cluster.topology.brokers]) == []
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
    if session.is_local and session.settings.explicit("port"):
        # A secured broker answers kafka-tasks at a port of its own.
        assert configured in ("auto", cluster.topology.brokers[0].port)


@proves("zookeeper-reachable")
@proves("quorum-reachable")
def test_coordinators_answer_at_their_ports(
    session: Session, coordinators: tuple[Coordinator, ...], admin: Admin
) -> None:
    """A client gets a session at the configured port and reads this cluster's id."""
    expected = admin.look(_TIMEOUT_S).cluster_id
    for asked in coordinators:
        assert asked.cluster_id(_TIMEOUT_S) == expected
        # The last is the coordinator's; ZooKeeper of a secured cluster in containers has none.
        own = [*ports.of(asked.service).items()][-1:]
        for setting, port in own:
            if session.settings.explicit(setting):
                configured = getattr(session.settings, setting)
                assert configured in ("auto", port - asked.service.number + 1)


@proves("services-connected")
def test_services_reach_each_other(coordinators: tuple[Coordinator, ...], admin: Admin) -> None:
    """The registered brokers are the same as Kafka's, at the same addresses."""
    named = admin.look(_TIMEOUT_S).brokers
    for asked in coordinators:
        listed = asked.registered_brokers(_TIMEOUT_S)
        assert sorted(listed) == sorted(named)
        for number, address in named.items():
            places = [endpoint.partition("://")[2] for endpoint in listed[number]]
            assert str(address) in places, f"broker {number} registered {places}, not {address}"


@proves("health-checks")
def test_health_checks_pass(session: Session, cluster: Cluster, scratch: str) -> None:
    """Every layer of readiness holds, including the round trip of a record."""
    layers = [*ladder(cluster.topology), RoundtripProbe(scratch)]
    deadline = Deadline.after(min(session.settings.timeout, 30.0))
    recorder = Recorder()
    wait_until_ready(cluster, session.watch, deadline, recorder, layers=layers)
    held = {mark.layer for mark in recorder.timeline}
    unreachable = cluster.topology.unreachable_layers
    assert held == {layer.layer for layer in layers} - unreachable
