"""Connections to a secured cluster that have one fault, so that they must be refused.

By them the acceptance suite proves what is refused, and tests of users try it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kafka_tasks.clients.tls_listener import listening
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import client_names
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import ADMIN, Security
from kafka_tasks.model.topology import Topology
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import access, issuing
from kafka_tasks.runtimes.secure.store import SecureStore

if TYPE_CHECKING:
    from kafka_tasks.clients.certificates import Identity

Fault = Literal["password", "authority", "host", "expired", "expired-client"]
# Fault → the finding by which a refused client names it.
FINDINGS: dict[Fault, str] = {
    "password": "log-in-refused",
    "authority": "authority-unknown",
    "host": "certificate-host",
    "expired": "certificate-expired",
    "expired-client": "client-certificate-expired",
}
_DAY = timedelta(days=1)


def is_possible(fault: Fault, security: Security) -> bool:
    """Return whether clients of such a cluster have what this fault is about."""
    if fault == "password":
        return security.mechanism is not None
    return fault != "expired-client" or security.kind == "mtls"


@dataclass(frozen=True, slots=True)
class WrongConnections:
    """The connections of one user, each changed in one thing; `folder` gets their certificates."""

    member: Cluster
    folder: Path

    @classmethod
    def of(cls, cluster: Cluster, security: Security, folder: Path) -> WrongConnections:
        """Return those of a user who has no right of its own; raises `InvalidInput` without one."""
        name = _member(cluster) if security.knows_users else None
        return cls(replace(access.as_user(cluster, name), topology=Topology()), folder)

    def having(self, fault: Fault) -> AbstractContextManager[Cluster]:
        """Return a connection with this fault, for the time of a block."""
        made: dict[Fault, Callable[[], AbstractContextManager[Cluster]]] = {
            "password": lambda: self._with({client_names.PASSWORD: "wrong"}),
            "authority": self._unknown_authority,
            "host": lambda: self._impostor(self._issued("elsewhere.invalid")),
            "expired": lambda: self._impostor(self._issued("localhost", expired=True)),
            "expired-client": self._expired_client,
        }
        return made[fault]()

    def _with(self, properties: dict[str, str]) -> AbstractContextManager[Cluster]:
        client = {**self.member.client, **properties}
        return nullcontext(replace(self.member, client=client))

    def _unknown_authority(self) -> AbstractContextManager[Cluster]:
        """Trust another authority of the same name."""
        from kafka_tasks.clients.certificates import Authority

        other = Authority("kafka-tasks users").pem
        return self._with({client_names.CA: self._written("other.crt", other)})

    def _expired_client(self) -> AbstractContextManager[Cluster]:
        mine = self._issued(expired=True)
        return self._with(
            {
                client_names.CERTIFICATE: self._written("expired.crt", mine.certificate_pem),
                client_names.KEY: self._written("expired.key", mine.key_pem()),
            }
        )

    @contextmanager
    def _impostor(self, identity: Identity) -> Iterator[Cluster]:
        """Yield the connection to a listener of TLS that has this certificate."""
        keys = self._written("impostor.pem", identity.key_pem() + identity.certificate_pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(keys)
        with listening(context) as address:
            yield replace(self.member, bootstrap=(address,))

    def _issued(self, *hosts: str, expired: bool = False) -> Identity:
        """Return a certificate of the authority that clients trust."""
        dates = {"begins": -2 * _DAY, "ends": -_DAY} if expired else {}
        signer = issuing.authority(SecureStore.of(Project(self.member.project)))
        return signer.issue("server" if hosts else "alice", hosts, **dates)

    def _written(self, name: str, content: bytes) -> str:
        path = self.folder / name
        private.write(path, content)
        return str(path)


def _member(cluster: Cluster) -> str:
    """Return the last user besides admin; raises `InvalidInput` where there is none."""
    passwords = SecureStore.of(Project(cluster.project)).passwords()
    others = [name for name in (passwords.users if passwords else {}) if name != ADMIN]
    if not others:
        raise InvalidInput(f"{ADMIN} is the only user.", hint="invoke kafka.user.create bob")
    return others[-1]
