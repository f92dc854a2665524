"""SCRAM users, as the library lists and changes them."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from kafka_tasks.clients.kafka import scram
from kafka_tasks.clients.kafka.answers import ClusterView
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, NotPermitted, UserMissing
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.model.user import Credential, User
from kafka_tasks.retry import NotYet
from tests.unit.fakes import FakeAdmin

_BROKERS = {1: Address("k", 9092), 2: Address("k", 9093)}
_SASL = {"security.protocol": "SASL_SSL", "sasl.username": "admin", "sasl.mechanisms": "PLAIN"}
_REMOTE = Cluster(Path(), "remote", Topology(), (Address("k", 9092),), 1, client=_SASL)


@dataclass
class _Library:
    """The library's client: it has one user with two passwords; changes end with `code`."""

    code: int = 0
    altered: list[Any] = field(default_factory=list)

    def describe_user_scram_credentials(self, **_: object) -> Future[Any]:
        """Return one user."""
        found: Future[Any] = Future()
        infos = [
            SimpleNamespace(mechanism=mechanism, iterations=iterations)
            for mechanism, iterations in (
                (ScramMechanism.SCRAM_SHA_512, 8192),
                (ScramMechanism.SCRAM_SHA_256, 4096),
            )
        ]
        found.set_result({"alice": SimpleNamespace(scram_credential_infos=infos)})
        return found

    def alter_user_scram_credentials(
        self, wanted: list[Any], **_: object
    ) -> dict[str, Future[Any]]:
        """Return how it ended, by user."""
        self.altered += wanted
        found: Future[Any] = Future()
        if self.code:
            found.set_exception(KafkaException(KafkaError(self.code)))
        else:
            found.set_result(None)
        return {wanted[0].user: found}


class _Admin(FakeAdmin):
    library: _Library

    @property
    def client(self) -> Any:
        """The library's client."""
        return self.library

    @property
    def cluster(self) -> Cluster:
        """A remote cluster that asks for a log-in."""
        return _REMOTE

    def view(self, timeout_s: float | None = None) -> ClusterView:
        """Return two brokers."""
        return ClusterView("id", 1, _BROKERS)


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cluster with one user."""
    monkeypatch.setattr(scram, "require_visible", lambda *_, **__: None)
    found = _Admin()
    found.library = _Library()
    return found


def test_users_have_mechanisms_and_iterations(admin: Any) -> None:
    """In the order of the mechanisms."""
    credentials = (Credential("SCRAM-SHA-256", 4096), Credential("SCRAM-SHA-512", 8192))
    assert scram.users(admin) == {"alice": User("alice", credentials)}


def test_every_password_of_a_user_is_replaced(admin: Any) -> None:
    """One for each mechanism, with its iterations, in one request."""
    scram.set_passwords(admin, {"alice": "secret"}, scram.users(admin)["alice"].credentials)
    assert all(isinstance(each, UserScramCredentialUpsertion) for each in admin.library.altered)
    found = [
        (each.scram_credential_info.mechanism.name, each.scram_credential_info.iterations)
        for each in admin.library.altered
    ]
    assert found == [("SCRAM_SHA_256", 4096), ("SCRAM_SHA_512", 8192)]
    scram.set_passwords(admin, {})
    assert len(admin.library.altered) == 2


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (KafkaError.RESOURCE_NOT_FOUND, UserMissing, "There is no user alice."),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, NotPermitted, "lacks the right ALTER on the clu"),
        (KafkaError.REQUEST_TIMED_OUT, BrokerUnreachable, "and may still happen"),
    ],
)
def test_errors_of_changes_are_sentences(admin: Any, code: int, kind: type, said: str) -> None:
    """A change without an answer may have happened."""
    admin.library.code = code
    with pytest.raises(kind, match=said):
        scram.delete(admin, User("alice"))


def test_each_broker_is_asked_with_each_mechanism(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new user logs in where the first one is connected, as a remote cluster's client."""
    tried = []

    def log_in(user: Cluster, broker: Address, timeout_s: float) -> None:
        assert user.client["sasl.password"] == "secret" and "sasl.mechanisms" not in user.client
        tried.append((user.client["sasl.username"], user.client["sasl.mechanism"], broker.port))

    monkeypatch.setattr(scram, "require_log_in", log_in)
    user = User("alice", (Credential("SCRAM-SHA-256"), Credential()))
    assert scram.require_accepted(admin, user, "secret") == 2
    assert tried == [
        ("alice", mechanism, port)
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        for port in (9092, 9093)
    ]


def test_a_log_in_that_no_listener_has_is_not_claimed(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None: neither accepted nor refused."""

    def refuse(*_: object) -> None:
        raise CannotConnect("no SCRAM here", finding="mechanism-off", hint="-")

    monkeypatch.setattr(scram, "require_log_in", refuse)
    assert scram.require_accepted(admin, User("alice"), "secret") is None
    monkeypatch.setattr(_Admin, "cluster", replace(_REMOTE, client={}))
    assert scram.require_accepted(admin, User("alice"), "secret") is None


def test_a_password_that_is_set_and_not_seen_by_all_is_said_to_be_set(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker that died meanwhile does not undo the change."""

    def away(*_: object) -> None:
        raise BrokerUnreachable("No broker answered.", evidence=("k:9092: refused",), hint="-")

    monkeypatch.setattr(scram, "require_log_in", away)
    with pytest.raises(BrokerUnreachable, match="user alice is set, but not every") as raised:
        scram.require_accepted(admin, User("alice", (Credential(),)), "secret")
    assert raised.value.evidence == ("k:9092: refused",)


@pytest.mark.parametrize(
    ("finding", "kind"), [("log-in-refused", NotYet), ("mechanism-off", CannotConnect)]
)
def test_a_refused_log_in_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, finding: str, kind: type[Exception]
) -> None:
    """The broker may not have heard of the password yet; a missing mechanism stays missing."""

    class Refusing:
        def __init__(self, *_: object, **__: object) -> None: ...

        def __enter__(self) -> Refusing:
            return self

        def __exit__(self, *_: object) -> None: ...

        def require_contact(self, _: float) -> None:
            """Refuse."""
            raise CannotConnect("Refused.", finding=finding, hint="-")

    monkeypatch.setattr(scram, "Admin", Refusing)
    with pytest.raises(kind):
        scram.require_log_in(_REMOTE, Address("k", 9092), 1.0)
