"""How to connect to a secured cluster: as kafka-tasks itself, or as one of its users."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import ADMIN, USERS, Security
from kafka_tasks.model.topology import Topology
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure.store import SecureStore

_INTERNAL = {
    "ssl.ca.location": "ca.crt",
    "ssl.certificate.location": "tool.crt",
    "ssl.key.location": "tool.key",
}


def of_tool(topology: Topology, project: Path) -> dict[str, str]:
    """Return the librdkafka properties of kafka-tasks' own connections; none without security."""
    if topology.security is None:
        return {}
    folder = SecureStore.of(Project(project)).root / "internal"
    return {"security.protocol": "SSL"} | {
        name: str(folder / file) for name, file in _INTERNAL.items()
    }


def require_files(project: Path, security: Security | None) -> None:
    """Raise `InvalidInput` where kafka-tasks' own certificate, or what it trusts, is missing."""
    if security is not None:
        store = SecureStore.of(Project(project))
        for file in _INTERNAL.values():
            store.require_there(f"internal/{file}")


def as_user(cluster: Cluster, user: str | None = ADMIN) -> Cluster:
    """Return the same cluster as a client of this user connects to it; None is one without a name.

    A cluster without security stays as it is. Raises `InvalidInput` for an unknown user.
    """
    security = cluster.topology.security
    if security is None:
        return cluster
    client = _client(SecureStore.of(Project(cluster.project)), security, user)
    return replace(cluster, bootstrap=cluster.topology.bootstrap, client=client)


def java_stores(cluster: Cluster, user: str | None) -> tuple[str, str, str | None] | None:
    """Return the password of the PKCS#12 files, the trust store, and the user's key store."""
    store, security = SecureStore.of(Project(cluster.project)), cluster.topology.security
    passwords = store.passwords()
    if security is None or passwords is None:
        return None
    keys = str(store.root / "users" / f"{user}.p12") if security.kind == "mtls" else None
    return passwords.stores, str(store.root / "truststore.p12"), keys


def _client(store: SecureStore, security: Security, user: str | None) -> dict[str, str]:
    found = {"security.protocol": security.protocol, "ssl.ca.location": str(store.root / "ca.crt")}
    if not security.knows_users:
        return found
    passwords = store.passwords()
    if passwords is None:
        raise without_passwords(store)
    users = passwords.users
    if user is None or user not in users:
        raise InvalidInput(
            f"There is no user {user!r} here (there is: {', '.join(sorted(users))}).",
            hint=f"--user {ADMIN}",
        )
    if security.mechanism:
        return found | {
            "sasl.mechanism": security.mechanism,
            "sasl.username": user,
            "sasl.password": users[user],
        }
    return found | {
        "ssl.certificate.location": str(store.root / "users" / f"{user}.crt"),
        "ssl.key.location": str(store.root / "users" / f"{user}.key"),
    }


def without_passwords(store: SecureStore) -> InvalidInput:
    """Return the error where no user's password is there, with what makes new ones."""
    if store.was_issued:
        return InvalidInput(
            f"{store.root / 'passwords.json'} is missing, so that no user's password is known.",
            hint=f"invoke kafka.restart makes new passwords for {', '.join(USERS)}",
        )
    return InvalidInput(
        "The users of this cluster have no passwords yet: a start makes them.",
        hint="invoke kafka.up",
    )
