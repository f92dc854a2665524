from __future__ import annotations

from dataclasses import replace

import pytest

from kafka_tasks.model.security import KINDS, SecureKind, Security
from kafka_tasks.model.topology import Service, Topology, kraft_cluster, zookeeper_cluster
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles import secured


def _secured(
    planned: Topology, kind: SecureKind = "scram", *, acl: bool = False
) -> tuple[Topology, dict[str, dict[str, str]]]:
    services = [service.at(100 + n, 200 + n, 300 + n) for n, service in enumerate(planned)]
    topology = replace(planned, services=tuple(services), security=Security(kind, acl))
    return topology, {each.name: _configured(each, topology) for each in topology}


def _configured(service: Service, topology: Topology) -> dict[str, str]:
    return roles.of(service.role).configure(service, topology, {})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("planned", [kraft_cluster(1), zookeeper_cluster(1), kraft_cluster(1, 1)])
def test_no_listener_is_without_tls(kind: SecureKind, planned: Topology) -> None:
    """Every listener that is bound has a protocol with TLS, whatever the kind."""
    topology, found = _secured(planned, kind)
    for service in (*topology.brokers, *topology.voters):
        mine = found[service.name]
        pairs = (pair.split(":") for pair in mine["listener.security.protocol.map"].split(","))
        protocols = dict(pairs)
        names = {part.split("://")[0] for part in mine["listeners"].split(",")}
        assert names <= set(protocols)
        assert {protocols[name] for name in names} <= {"SSL", "SASL_SSL"}


def test_brokers_and_controllers_ask_each_other_for_certificates() -> None:
    """INTERNAL and CONTROLLER trust their own authority, and take no client without it."""
    topology, found = _secured(kraft_cluster(1, 1))
    for name, listener in (("kafka", "internal"), ("controller", "controller")):
        mine = found[name]
        assert mine[f"listener.name.{listener}.ssl.client.auth"] == "required"
        trusted = mine[f"listener.name.{listener}.ssl.truststore.location"]
        assert trusted == "./secure/internal/ca.crt"
        assert mine[f"listener.name.{listener}.num.network.threads"] == "1"
    assert found["kafka"]["inter.broker.listener.name"] == "INTERNAL"
    assert found["controller"]["listeners"].startswith("CONTROLLER://127.0.0.1:")
    assert "inter.broker.listener.name" not in found["controller"]
    assert topology.internal[0].port == topology.brokers[0].internal_port


@pytest.mark.parametrize(
    ("kind", "protocol", "asks", "mechanism"),
    [
        ("tls", "SSL", "none", None),
        ("mtls", "SSL", "required", None),
        ("plain", "SASL_SSL", "none", "PLAIN"),
        ("scram", "SASL_SSL", "none", "SCRAM-SHA-512"),
    ],
)
def test_clients_log_in_by_the_kind(
    kind: SecureKind, protocol: str, asks: str, mechanism: str | None
) -> None:
    """The listener for clients has the protocol, the mechanism and the question of its kind."""
    mine = _secured(kraft_cluster(1), kind)[1]["kafka"]
    assert f"SECURE:{protocol}," in mine["listener.security.protocol.map"]
    assert mine["listener.name.secure.ssl.client.auth"] == asks
    assert mine.get("listener.name.secure.sasl.enabled.mechanisms") == mechanism


def test_passwords_of_plain_users_are_for_its_listener_alone() -> None:
    """A mechanism without its users stops a broker at its start."""
    found = secured.plain_users(secured.plain_login({"alice": "a1", "bob": "b2"}))
    (name,) = found
    assert name == "listener.name.secure.plain.sasl.jaas.config"
    assert 'user_alice="a1" user_bob="b2";' in found[name]


@pytest.mark.parametrize(
    ("planned", "authorizer"),
    [
        (kraft_cluster(1), "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        (zookeeper_cluster(1), "kafka.security.authorizer.AclAuthorizer"),
    ],
)
def test_an_authorizer_denies_what_is_not_granted(planned: Topology, authorizer: str) -> None:
    """Super are the certificates of INTERNAL, and admin; a user called broker is not."""
    mine = _secured(planned, acl=True)[1]["kafka"]
    assert mine["authorizer.class.name"] == authorizer
    assert mine["allow.everyone.if.no.acl.found"] == "false"
    assert set(mine["super.users"].split(";")) == {
        "User:CN=broker",
        "User:CN=controller",
        "User:CN=kafka-tasks",
        "User:admin",
    }
    assert "authorizer.class.name" not in _secured(planned)[1]["kafka"]


def test_a_cluster_without_security_is_as_it_was() -> None:
    """No listener of a plain cluster has TLS, and no port is picked for INTERNAL."""
    plain = replace(zookeeper_cluster(1), services=(zookeeper_cluster(1).brokers[0].at(9092),))
    mine = _configured(plain.brokers[0], plain)
    assert mine["listeners"] == "PLAINTEXT://127.0.0.1:9092"
    assert plain.internal == ()
