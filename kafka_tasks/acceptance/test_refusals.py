"""What a secured cluster and its clients refuse, and that the reason is named."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.acceptance.tls_listener import listening
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.records import Record, produce
from kafka_tasks.errors import CannotConnect, NotPermitted
from kafka_tasks.model import client_names
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import ADMIN, Security
from kafka_tasks.model.topology import Topology
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import access
from kafka_tasks.runtimes.secure.store import SecureStore

if TYPE_CHECKING:
    from kafka_tasks.clients.certificates import Authority, Identity

_DAY = timedelta(days=1)


@pytest.fixture
def security(cluster: Cluster) -> Security:
    """Return how the cluster is secured."""
    found = cluster.topology.security
    if found is None:
        pytest.skip("the cluster is not secured")
    return found


@pytest.fixture
def store(cluster: Cluster) -> SecureStore:
    """Return its certificates and passwords."""
    return SecureStore.of(Project(cluster.project))


@pytest.fixture
def authority(store: SecureStore) -> Authority:
    """Return the authority that its clients trust."""
    # Costs a fifth of a second, which other clusters need not pay.
    from kafka_tasks.clients.certificates import Authority

    return Authority.load(*((store.root / name).read_bytes() for name in ("ca.crt", "ca.key")))


@pytest.fixture
def member(cluster: Cluster, security: Security, store: SecureStore) -> Cluster:
    """Return the cluster as a client connects to it that has no right of its own."""
    name = None
    if security.knows_users:
        passwords = store.passwords()
        others = [user for user in (passwords.users if passwords else {}) if user != ADMIN]
        if not others:
            pytest.skip(f"there is no user besides {ADMIN}")
        name = others[-1]
    return replace(access.as_user(cluster, name), topology=Topology())


def _refused(client: Cluster, finding: str, limit_s: float) -> None:
    with pytest.raises(CannotConnect) as caught, Admin(client) as admin:
        admin.require_contact(limit_s)
    assert caught.value.finding == finding, caught.value.message


def _with(client: Cluster, properties: dict[str, str]) -> Cluster:
    return replace(client, client={**client.client, **properties})


@contextmanager
def _impostor(identity: Identity, folder: Path) -> Iterator[tuple[Address, ...]]:
    """Yield the address of a listener of TLS with this certificate."""
    keys = folder / "impostor.pem"
    keys.write_bytes(identity.key_pem() + identity.certificate_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys)
    with listening(context) as address:
        yield (address,)


@proves("refused-password")
def test_a_wrong_password(security: Security, member: Cluster, limit_s: float) -> None:
    """The broker refuses it, and the client says which user's it is."""
    if not security.mechanism:
        pytest.skip("clients log in without a password")
    _refused(_with(member, {client_names.PASSWORD: "wrong"}), "log-in-refused", limit_s)


@proves("refused-authority")
def test_an_unknown_authority(member: Cluster, tmp_path: Path, limit_s: float) -> None:
    """A client that trusts another authority of the same name does not talk to the broker."""
    from kafka_tasks.clients.certificates import Authority

    other = tmp_path / "other.crt"
    other.write_bytes(Authority("kafka-tasks users").pem)
    _refused(_with(member, {client_names.CA: str(other)}), "authority-unknown", limit_s)


@proves("refused-host")
def test_another_host(
    member: Cluster, authority: Authority, tmp_path: Path, limit_s: float
) -> None:
    """A listener at localhost whose certificate is for another host gets no log-in."""
    with _impostor(authority.issue("server", ["elsewhere.invalid"]), tmp_path) as addresses:
        _refused(replace(member, bootstrap=addresses), "certificate-host", limit_s)


@proves("refused-expired")
def test_an_expired_certificate(
    security: Security, member: Cluster, authority: Authority, tmp_path: Path, limit_s: float
) -> None:
    """Clients refuse a listener's, and under mTLS the broker a client's."""
    old = authority.issue("server", ["localhost"], begins=-2 * _DAY, ends=-_DAY)
    with _impostor(old, tmp_path) as addresses:
        _refused(replace(member, bootstrap=addresses), "certificate-expired", limit_s)
    if security.kind == "mtls":
        mine = authority.issue("alice", begins=-2 * _DAY, ends=-_DAY)
        files = {"certificate": mine.certificate_pem, "key": mine.key_pem()}
        properties = {}
        for what, content in files.items():
            (tmp_path / what).write_bytes(content)
            properties[f"ssl.{what}.location"] = str(tmp_path / what)
        _refused(_with(member, properties), "client-certificate-expired", limit_s)


@proves("denied-topic")
def test_a_denied_topic(security: Security, member: Cluster, scratch: str, limit_s: float) -> None:
    """A user without rights writes nothing, and learns which right is missing."""
    if not security.acl:
        pytest.skip("the cluster has no authorizer")
    with pytest.raises(NotPermitted):
        produce(member, scratch, [Record(b"denied")], timeout_s=limit_s)


@proves("denied-group")
def test_a_denied_group(
    security: Security, member: Cluster, run_prefix: str, limit_s: float
) -> None:
    """A user without rights does not see the offsets of a group."""
    if not security.acl:
        pytest.skip("the cluster has no authorizer")
    with Admin(member) as admin, pytest.raises(NotPermitted):
        group_admin.committed(admin, [f"{run_prefix}denied"], timeout_s=limit_s)
