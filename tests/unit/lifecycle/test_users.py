from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kafka_tasks.clients.kafka import scram
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle import users
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Event
from kafka_tasks.model.security import SecureKind, Security
from kafka_tasks.model.topology import Topology, kraft_cluster, zookeeper_cluster
from kafka_tasks.retry import Deadline, NotYet
from kafka_tasks.runtimes.secure.store import Passwords, SecureStore

_WORDS = {"admin": "a1", "alice": "a2"}


class Brokers:
    """The users that the brokers know, and how often each of them refuses the next log-ins."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}
        self.set: list[str] = []
        self.asked: list[tuple[str | None, int]] = []
        self.refuse = 0

    def users(self, _: object) -> frozenset[str]:
        """Return the names."""
        return frozenset(self.known)

    def set_passwords(self, _: object, passwords: Mapping[str, str]) -> None:
        """Take the passwords."""
        self.set += passwords
        self.known |= passwords

    def require_log_in(self, mine: Cluster, broker: Address, timeout_s: float) -> None:
        """Refuse a password that is not known, and as often as told."""
        name = mine.client.get("sasl.username")
        self.asked.append((name, broker.port))
        assert mine.is_remote and timeout_s > 0
        self.refuse -= 1
        if self.refuse >= 0:
            raise NotYet("not known yet")
        if name is not None and self.known.get(name) != mine.client["sasl.password"]:
            raise NotYet("wrong password")


class _NoAdmin:
    def __init__(self, _: Cluster) -> None:
        pass

    def __enter__(self) -> _NoAdmin:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def brokers(session: Session, monkeypatch: pytest.MonkeyPatch) -> Brokers:
    """Two brokers that know nobody yet, and a store with two users."""
    session.project.make_state()
    SecureStore.of(session.project).keep_passwords(Passwords(users=_WORDS, stores="s"))
    found = Brokers()
    monkeypatch.setattr(users, "Admin", _NoAdmin)
    for name in ("users", "set_passwords", "require_log_in"):
        monkeypatch.setattr(scram, name, getattr(found, name))
    return found


def _settled(session: Session, kind: SecureKind | None, planned: Topology | None = None) -> None:
    security = Security(kind) if kind else None
    placed = replace((planned or kraft_cluster(2)).at([1, 2]), security=security)
    cluster = Cluster.of(placed, project=session.project.path, runtime="fake", kafka_version=None)
    users.settle(session, cluster, Deadline.after(0.5))


def test_missing_users_are_made_and_each_broker_is_asked(
    session: Session, brokers: Brokers
) -> None:
    """Who is there keeps what he has; each user logs in to each broker."""
    brokers.known = {"admin": "a1"}
    _settled(session, "scram")
    assert brokers.set == ["alice"]
    assert set(brokers.asked) == {(name, port) for name in _WORDS for port in (1, 2)}
    assert [mark.layer for mark in session.recorder.timeline] == ["users"]


def test_a_broker_that_hears_of_a_user_later_is_asked_again(
    session: Session, brokers: Brokers
) -> None:
    """A refusal or two are only late news; no password is set for that."""
    brokers.known, brokers.refuse = dict(_WORDS), 2
    _settled(session, "scram")
    assert brokers.set == []


def test_a_password_that_differs_is_set_again(session: Session, brokers: Brokers) -> None:
    """The data of another cluster, say of a snapshot, has the same users with other passwords."""
    brokers.known = {"admin": "other", "alice": "a2"}
    _settled(session, "scram")
    assert set(brokers.set) == {"admin"}
    assert brokers.known == _WORDS


@pytest.mark.parametrize(("kind", "names"), [("plain", list(_WORDS)), ("tls", [None])])
def test_other_kinds_make_no_user(
    session: Session, brokers: Brokers, kind: SecureKind, names: list[str | None]
) -> None:
    """PLAIN users are in the brokers' configuration; with tls, a client without a name connects."""
    brokers.known = dict(_WORDS)
    _settled(session, kind)
    assert brokers.set == []
    assert set(brokers.asked) == {(name, port) for name in names for port in (1, 2)}


def test_a_cluster_without_security_is_not_asked(session: Session, brokers: Brokers) -> None:
    """There is nothing to settle."""
    _settled(session, None)
    assert brokers.asked == [] and session.recorder.timeline == ()


def test_a_user_that_is_refused_for_good_is_named(session: Session, brokers: Brokers) -> None:
    """At the deadline the layer and the user are in the error."""
    brokers.known, brokers.refuse = dict(_WORDS), 10_000
    with pytest.raises(NotReady, match="user admin is refused: not known yet") as raised:
        _settled(session, "plain")
    assert raised.value.layer == "users"


def test_zookeeper_without_a_password_is_told(
    session: Session, brokers: Brokers, heard: list[Event]
) -> None:
    """In ZooKeeper mode, `up` says who can read the passwords; in KRaft mode there is nothing."""
    brokers.known = dict(_WORDS)
    _settled(session, "scram")
    assert [event for event in heard if event.kind == "notice"] == []
    _settled(session, "scram", zookeeper_cluster(1))
    (said,) = [event.text for event in heard if event.kind == "notice"]
    assert said.startswith("ZooKeeper has no password") and "--mode kraft" in said
