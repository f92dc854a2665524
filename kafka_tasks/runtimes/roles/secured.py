"""The listeners of a secured cluster: those of clients, and INTERNAL and CONTROLLER with mTLS.

INTERNAL belongs to brokers and to kafka-tasks. It and CONTROLLER trust an authority that signs no
user.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kafka_tasks.model import security
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.role import Role
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Service, Topology

# Images ask for key stores of their own where a listener's name has SSL or SASL in it.
CLIENTS, INTERNAL, CONTROLLER = "SECURE", "INTERNAL", "CONTROLLER"
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
# Kafka turns PEM files into key stores in memory, encrypted under an empty password: with Java's
# 10,000 rounds, each connector and each listener's threads cost 40 ms of a start.
JVM_FLAGS = ("-Dkeystore.pkcs12.keyPbeIterationCount=1",)


class Surroundings(Struct, frozen=True):
    """Where the servers run: the names of their listeners, and the directory of their files.

    `clients` are the listeners of users, `internal` those with mTLS; brokers use the first of them
    among each other.
    """

    clients: tuple[str, ...] = (CLIENTS,)
    internal: tuple[str, ...] = (INTERNAL,)
    # Relative to the directory in which the servers run.
    files: str = "./secure"


_HERE = Surroundings()


def of_broker(service: Service, topology: Topology, wanted: Security) -> dict[str, str]:
    """Return the listeners of one broker on loopback."""
    ports = {CLIENTS: service.port or 0, INTERNAL: service.internal_port or 0}
    bound = [Listener(name, "127.0.0.1", port) for name, port in ports.items()]
    told = [Listener(CLIENTS, "localhost", ports[CLIENTS]), bound[1]]
    if service.role.votes:
        bound.append(Listener(CONTROLLER, "127.0.0.1", service.quorum_port or 0))
    return {
        "listeners": rendered(*bound),
        "advertised.listeners": rendered(*told),
        **of_node(service, topology, wanted, _HERE),
    }


def of_node(
    service: Service, topology: Topology, wanted: Security, where: Surroundings
) -> dict[str, str]:
    """Return what a broker or controller is told, besides the addresses of its listeners."""
    protocols = {
        **dict.fromkeys(where.clients, wanted.protocol),
        **dict.fromkeys(where.internal, "SSL"),
        **({CONTROLLER: "SSL"} if topology.voters else {}),
    }
    found = {
        "inter.broker.listener.name": where.internal[0],
        "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
        **_authorizer(topology, wanted),
    }
    if topology.voters:
        mine = security.CONTROLLER if service.role is Role.CONTROLLER else security.BROKER
        found |= _mutual(CONTROLLER, mine, where)
    if service.role.serves_clients:
        for name in where.internal:
            found |= _mutual(name, security.BROKER, where)
        for name in where.clients:
            found |= _of_clients(name, wanted, where)
    return found


def _authorizer(topology: Topology, wanted: Security) -> dict[str, str]:
    if not wanted.acl:
        return {}
    return {
        "authorizer.class.name": _AUTHORIZERS[topology.mode],
        "allow.everyone.if.no.acl.found": "false",
        "super.users": ";".join(security.super_users()),
    }


def _mutual(listener: str, name: str, where: Surroundings) -> dict[str, str]:
    """Return mTLS among brokers, controllers and kafka-tasks, in the newest TLS alone."""
    found = {
        **_tls(f"internal/{name}.pem", "internal/ca.crt", where),
        "ssl.client.auth": "required",
        "ssl.enabled.protocols": "TLSv1.3",
        # Each thread reads the keys again, and few connections come here.
        "num.network.threads": "1",
    }
    return _prefixed(listener, found)


def plain_users(login: str, where: Surroundings = _HERE) -> dict[str, str]:
    """Return what gives a broker the users of PLAIN, by `plain_login` or a reference to it."""
    found: dict[str, str] = {}
    for name in where.clients:
        found |= _prefixed(name, {"plain.sasl.jaas.config": login})
    return found


def plain_login(passwords: Mapping[str, str]) -> str:
    """Return the log-in module of PLAIN, with its users and their passwords."""
    users = " ".join(f'user_{user}="{word}"' for user, word in passwords.items())
    return f"{_MODULES}.plain.PlainLoginModule required {users};"


def _of_clients(listener: str, wanted: Security, where: Surroundings) -> dict[str, str]:
    found = {
        **_tls("server.pem", "ca.crt", where),
        "ssl.client.auth": "required" if wanted.kind == "mtls" else "none",
        # With such a name in a certificate, alice is one user, however she logs in.
        "ssl.principal.mapping.rules": "RULE:^CN=([^,]+)$/$1/",
    }
    if wanted.mechanism:
        found["sasl.enabled.mechanisms"] = wanted.mechanism
    if wanted.kind == "scram":
        found["scram-sha-512.sasl.jaas.config"] = f"{_MODULES}.scram.ScramLoginModule required;"
    return _prefixed(listener, found)


def _tls(keys: str, trusted: str, where: Surroundings) -> dict[str, str]:
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": f"{where.files}/{keys}",
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": f"{where.files}/{trusted}",
    }


def _prefixed(listener: str, found: Mapping[str, str]) -> dict[str, str]:
    return {f"listener.name.{listener.lower()}.{name}": value for name, value in found.items()}
