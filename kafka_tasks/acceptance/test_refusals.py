"""What a secured cluster and its clients refuse, and that the reason is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.records import Record, produce
from kafka_tasks.errors import CannotConnect, InvalidInput, NotPermitted
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import Security
from kafka_tasks.runtimes.secure import wrong_connections
from kafka_tasks.runtimes.secure.wrong_connections import Fault, WrongConnections


@pytest.fixture
def security(cluster: Cluster) -> Security:
    """Return how the cluster is secured."""
    found = cluster.topology.security
    if found is None:
        pytest.skip("the cluster is not secured")
    return found


@pytest.fixture
def wrong(cluster: Cluster, security: Security, tmp_path: Path) -> WrongConnections:
    """Return the connections of a client that has no right of its own."""
    try:
        return WrongConnections.of(cluster, security, tmp_path)
    except InvalidInput as error:
        pytest.skip(error.message)


def _refused(wrong: WrongConnections, fault: Fault, limit_s: float) -> None:
    with (
        wrong.having(fault) as client,
        Admin(client) as admin,
        pytest.raises(CannotConnect) as caught,
    ):
        admin.require_contact(limit_s)
    assert caught.value.finding == wrong_connections.FINDINGS[fault], caught.value.message


@proves("refused-password")
def test_a_wrong_password(security: Security, wrong: WrongConnections, limit_s: float) -> None:
    """The broker refuses it, and the client says which user's it is."""
    if not wrong_connections.is_possible("password", security):
        pytest.skip("clients log in without a password")
    _refused(wrong, "password", limit_s)


@proves("refused-authority")
def test_an_unknown_authority(wrong: WrongConnections, limit_s: float) -> None:
    """A client that trusts another authority of the same name does not talk to the broker."""
    _refused(wrong, "authority", limit_s)


@proves("refused-host")
def test_another_host(wrong: WrongConnections, limit_s: float) -> None:
    """A listener at localhost whose certificate is for another host gets no log-in."""
    _refused(wrong, "host", limit_s)


@proves("refused-expired")
def test_an_expired_certificate(
    security: Security, wrong: WrongConnections, limit_s: float
) -> None:
    """Clients refuse a listener's, and under mTLS the broker a client's."""
    _refused(wrong, "expired", limit_s)
    if wrong_connections.is_possible("expired-client", security):
        _refused(wrong, "expired-client", limit_s)


@proves("denied-topic")
def test_a_denied_topic(
    security: Security, wrong: WrongConnections, scratch: str, limit_s: float
) -> None:
    """A user without rights writes nothing, and learns which right is missing."""
    if not security.acl:
        pytest.skip("the cluster has no authorizer")
    with pytest.raises(NotPermitted):
        produce(wrong.member, scratch, [Record(b"denied")], timeout_s=limit_s)


@proves("denied-group")
def test_a_denied_group(
    security: Security, wrong: WrongConnections, run_prefix: str, limit_s: float
) -> None:
    """A user without rights does not see the offsets of a group."""
    if not security.acl:
        pytest.skip("the cluster has no authorizer")
    with Admin(wrong.member) as admin, pytest.raises(NotPermitted):
        group_admin.committed(admin, [f"{run_prefix}denied"], timeout_s=limit_s)
