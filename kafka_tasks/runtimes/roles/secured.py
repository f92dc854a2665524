"""The listeners of a secured cluster: one for clients, and INTERNAL and CONTROLLER with mTLS.

INTERNAL belongs to brokers and to kafka-tasks. It and CONTROLLER trust an authority that signs no
user. Paths are relative to the directory in which the servers run.
"""

from __future__ import annotations

from collections.abc import Mapping

from kafka_tasks.model import security
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.role import Role
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Service, Topology

# Images ask for key stores of their own where a listener's name has SSL or SASL in it.
_CLIENTS, _INTERNAL, _CONTROLLER = "SECURE", "INTERNAL", "CONTROLLER"
_AUTHORIZERS: Mapping[Mode | None, str] = {
    "zookeeper": "kafka.security.authorizer.AclAuthorizer",
    "kraft": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
}
# What a file of further properties may not change on a secured cluster.
DECIDED = frozenset(
    {
        "allow.everyone.if.no.acl.found",
        "authorizer.class.name",
        "inter.broker.listener.name",
        "listener.security.protocol.map",
        "security.inter.broker.protocol",
        "super.users",
    }
)
_MODULES = "org.apache.kafka.common.security"


def of_broker(service: Service, topology: Topology, wanted: Security) -> dict[str, str]:
    """Return the listeners of one broker on loopback."""
    ports = {_CLIENTS: service.port or 0, _INTERNAL: service.internal_port or 0}
    bound = [Listener(name, "127.0.0.1", port) for name, port in ports.items()]
    told = [Listener(_CLIENTS, "localhost", ports[_CLIENTS]), bound[1]]
    if service.role.votes:
        bound.append(Listener(_CONTROLLER, "127.0.0.1", service.quorum_port or 0))
    return {
        "listeners": rendered(*bound),
        "advertised.listeners": rendered(*told),
        "inter.broker.listener.name": _INTERNAL,
        **_mutual(_INTERNAL, security.BROKER),
        **_of_clients(wanted),
        **_of_node(service, topology, wanted),
    }


def _of_node(service: Service, topology: Topology, wanted: Security) -> dict[str, str]:
    """Return what every broker and controller is told: protocols and the authorizer."""
    protocols = {_CLIENTS: wanted.protocol, _INTERNAL: "SSL"}
    if topology.voters:
        protocols[_CONTROLLER] = "SSL"
    found = {
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
        # With such a name in a certificate, alice is one user, however she logs in.
        f"listener.name.{_CLIENTS.lower()}.ssl.principal.mapping.rules": "RULE:^CN=([^,]+)$/$1/",
    }
    if topology.voters:
        mine = security.CONTROLLER if service.role is Role.CONTROLLER else security.BROKER
        found |= _mutual(_CONTROLLER, mine)
    if wanted.acl:
        found |= {
            "authorizer.class.name": _AUTHORIZERS[topology.mode],
            "allow.everyone.if.no.acl.found": "false",
            "super.users": ";".join(security.super_users()),
        }
    return found


def _mutual(listener: str, name: str) -> dict[str, str]:
    """Return mTLS among brokers, controllers and kafka-tasks, in the newest TLS alone."""
    found = {**_tls(f"internal/{name}.pem", "internal/ca.crt"), "ssl.client.auth": "required"}
    return _prefixed(listener, {**found, "ssl.enabled.protocols": "TLSv1.3"})


def plain_users(passwords: Mapping[str, str]) -> dict[str, str]:
    """Return what tells a broker the users of PLAIN and their passwords."""
    users = " ".join(f'user_{user}="{word}"' for user, word in passwords.items())
    login = f"{_MODULES}.plain.PlainLoginModule required {users};"
    return _prefixed(_CLIENTS, {"plain.sasl.jaas.config": login})


def _of_clients(wanted: Security) -> dict[str, str]:
    found = {
        **_tls("server.pem", "ca.crt"),
        "ssl.client.auth": "required" if wanted.kind == "mtls" else "none",
    }
    if wanted.mechanism:
        found["sasl.enabled.mechanisms"] = wanted.mechanism
    if wanted.kind == "scram":
        found["scram-sha-512.sasl.jaas.config"] = f"{_MODULES}.scram.ScramLoginModule required;"
    return _prefixed(_CLIENTS, found)


def _tls(keys: str, trusted: str) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": f"./secure/{keys}",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"./secure/{trusted}",
    }


def _prefixed(listener: str, found: Mapping[str, str]) -> dict[str, str]:
    return {f"listener.name.{listener.lower()}.{name}": value for name, value in found.items()}
