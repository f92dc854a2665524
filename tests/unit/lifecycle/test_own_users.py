"""Users of a secured cluster that is started here: at the brokers and in the directory."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from kafka_tasks.clients.kafka import scram
from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.own_users import OwnUsers
from kafka_tasks.model import topology
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import SecureKind, Security
from kafka_tasks.model.user import Credential, User
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import issuing
from kafka_tasks.runtimes.secure.store import Passwords, SecureStore
from tests.unit.fakes import FakeAdmin


class _Secured:
    """A project with a kept store, and what was told."""

    def __init__(self, project: Project, kind: SecureKind) -> None:
        self.store = SecureStore.of(project)
        self.store.keep_passwords(Passwords(users={"admin": "a", "alice": "b"}, stores="s"))
        self.told: list[str] = []
        secured = dataclasses.replace(
            topology.zookeeper_cluster(1), security=Security(kind, acl=False)
        )
        cluster = Cluster(project.path, "embedded", secured, (), 1)
        found = OwnUsers.of(cluster, FakeAdmin(), self.told.append)  # type: ignore[arg-type]
        assert found is not None
        self.users = found

    @property
    def passwords(self) -> dict[str, str]:
        """The kept passwords."""
        found = self.store.passwords()
        assert found is not None
        return found.users


def test_a_cluster_without_security_has_no_users_of_its_own(project: Project) -> None:
    """SCRAM users of any cluster are another matter."""
    plain = Cluster(project.path, "embedded", topology.zookeeper_cluster(1), (), 1)
    assert OwnUsers.of(plain, FakeAdmin(), print) is None  # type: ignore[arg-type]


def test_scram_users_are_at_the_brokers_and_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log-in is tried where users connect, not where kafka-tasks does."""
    found = _Secured(project, "scram")
    seen: list[Any] = []
    monkeypatch.setattr(scram, "set_passwords", lambda *given: seen.append(given[1:]))

    def accepted(*_: object, through: Cluster) -> int:
        seen.append(through.client)
        return 1

    monkeypatch.setattr(scram, "require_accepted", accepted)
    dora = found.users.usual("dora", None)
    assert found.users.set(dora, None) == 1
    word = found.passwords["dora"]
    assert len(word) >= 32 and seen[0] == ({"dora": word}, (Credential(),))
    assert seen[1]["sasl.username"] == "dora" and seen[1]["security.protocol"] == "SASL_SSL"
    monkeypatch.setattr(scram, "delete", lambda _, user: seen.append(user.name))
    monkeypatch.setattr(scram, "require_gone", lambda _, name: seen.append(name))
    found.users.delete(dora)
    assert seen[2:] == ["dora", "dora"] and set(found.passwords) == {"admin", "alice"}
    with pytest.raises(InvalidInput, match="log in with SCRAM-SHA-512, not with SCRAM-SHA-256"):
        found.users.usual("dora", "SCRAM-SHA-256")


def test_plain_users_change_by_a_restart(project: Project) -> None:
    """Nothing is sent to the brokers, and that is said."""
    found = _Secured(project, "plain")
    assert found.users.set(User("dora", (Credential("PLAIN", None),)), "w0rd") is None
    assert found.passwords["dora"] == "w0rd" and "invoke kafka.restart" in found.told[0]
    assert list(found.users.listed()) == ["admin", "alice", "dora"]
    found.users.delete(User("alice"))
    assert set(found.passwords) == {"admin", "dora"} and len(found.told) == 2
    for name, word in (("a b", None), ("bob", 'quo"te')):
        with pytest.raises(InvalidInput, match="up to 64 letters"):
            found.users.set(User(name), word)
    assert set(found.passwords) == {"admin", "dora"}


def test_mtls_users_get_a_certificate(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be taken back."""
    found = _Secured(project, "mtls")
    issued: list[str] = []
    monkeypatch.setattr(issuing, "issue_user", lambda _, name: issued.append(name))
    dora = found.users.usual("dora", None)
    found.users.check(None, new=True)
    assert found.users.set(dora, None) is None and issued == ["dora"]
    assert found.users.kept_in(dora).endswith("secure/users/dora.crt")
    with pytest.raises(InvalidInput, match="up to 64 letters"):
        found.users.set(User("../dora"), None)
    assert issued == ["dora"] and "../dora" not in found.passwords
    assert found.users.listed()["dora"].mechanisms == ("certificate",)
    with pytest.raises(InvalidInput, match="valid until it expires"):
        found.users.check(dora)


def test_what_never_changes(project: Project) -> None:
    """Clients without names, and the user that kafka-tasks needs."""
    with pytest.raises(InvalidInput, match="Clients of this cluster have no names"):
        _Secured(project, "tls").users.listed()
    scrammed = _Secured(project, "scram").users
    with pytest.raises(InvalidInput, match="needs the user admin"):
        scrammed.check(User("admin"))
    scrammed.check(User("alice"))
