from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients.kafka import acls, scram
from kafka_tasks.model.access import CLUSTER, Rule
from kafka_tasks.model.user import Credential, User
from kafka_tasks.project.directory import Project
from tests.unit.tasks.conftest import Run


class _Users:
    """`clients.kafka.scram` in memory."""

    def __init__(self) -> None:
        self.there = {"alice": User("alice", (Credential("SCRAM-SHA-256", 8192), Credential()))}
        self.passwords: dict[str, str] = {}
        self.gone: list[str] = []

    def set_passwords(
        self, _: object, passwords: dict[str, str], credentials: Iterable[Credential]
    ) -> None:
        """Keep passwords."""
        self.passwords |= passwords
        self.there |= {name: User(name, tuple(credentials)) for name in passwords}

    def delete(self, _: object, user: User) -> None:
        """Forget a user."""
        del self.there[user.name]


@pytest.fixture
def users(monkeypatch: pytest.MonkeyPatch) -> _Users:
    """The users of the cluster."""
    found = _Users()
    monkeypatch.setattr(scram, "users", lambda _: dict(found.there))
    monkeypatch.setattr(scram, "set_passwords", found.set_passwords)
    monkeypatch.setattr(scram, "delete", found.delete)
    monkeypatch.setattr(scram, "require_gone", lambda _, name: found.gone.append(name))
    monkeypatch.setattr(scram, "require_accepted", lambda *_: 3)
    monkeypatch.setattr(acls, "rules", lambda _: [Rule("User:alice", CLUSTER, "alter")])
    return found


def test_a_user_is_created_with_a_generated_password(
    ready: Run, users: _Users, project: Project
) -> None:
    """It is in a file that its owner alone may read, and nowhere else."""
    ran = ready("user.create bob --password-file bob.password")
    assert ran.code == 0
    file = project.path / "bob.password"
    assert file.stat().st_mode & 0o777 == 0o600
    password = file.read_text().rstrip("\n")
    assert len(password) >= 32 and users.passwords == {"bob": password}
    assert password not in ran.out + ran.err
    assert ran.out == (
        "Created user bob (SCRAM-SHA-512).\nThe generated password is in bob.password.\n"
        "Each of 3 brokers accepts the log-in.\n"
    )


def test_a_password_file_that_exists_is_read(ready: Run, users: _Users, project: Project) -> None:
    """Its first line is the password; a file for all to read is refused with the fix."""
    file = project.path / "file"
    file.write_text("s3cret \r\nsecond line\n")
    file.chmod(0o640)
    ran = ready("user.create bob --password-file file")
    assert ran.code == 3 and users.passwords == {}
    assert "Other users may read the password file file." in ran.err
    assert "  | its mode is 640\nHint: chmod 600 file\n" in ran.err
    file.chmod(0o600)
    ran = ready("user.create bob --password-file file --mechanism scram-sha-256 -o json")
    assert ran.document == {
        "schema": 1,
        "user": "bob",
        "created": True,
        "mechanisms": ["SCRAM-SHA-256"],
        "password_file": None,
        "brokers": 3,
    }
    assert users.passwords == {"bob": "s3cret "}


def test_a_password_comes_from_stdin(
    ready: Run, users: _Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first line; an empty one is refused."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("fr0m stdin\nmore"))
    assert ready("user.create bob --password-file -").code == 0
    assert users.passwords == {"bob": "fr0m stdin"}
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    ran = ready("user.create carol --password-file -")
    assert ran.code == 3 and "There is no password in the first line of stdin." in ran.err


def test_without_a_terminal_a_password_is_missing(ready: Run, users: _Users) -> None:
    """The hint is the command with a file."""
    ran = ready("user.create bob")
    assert ran.code == 3 and users.passwords == {}
    assert "Hint: invoke kafka.user.create bob --password-file bob.password" in ran.err


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("user.create alice", 1, "User alice exists already."),
        ("user.create broker", 3, "The user name broker is reserved on clusters"),
        ("user.create bob --mechanism PLAIN", 3, "--mechanism is 'PLAIN'"),
        ("user.password alise --yes", 1, "There is no user alise."),
        ("user.delete nobody --yes", 1, "Hint: invoke kafka.user.list"),
        ("user.delete alice", 6, "User alice would be deleted, and could not log in any more."),
        ("user.password alice", 6, "The old password of user alice would be refused"),
        ("user.delete alice --yes --cluster-id other", 6, "--cluster-id is other"),
    ],
)
def test_mistakes_change_nothing(
    ready: Run, users: _Users, line: str, code: int, said: str
) -> None:
    """Each has its sentence; what may lock a client out is asked first."""
    before = dict(users.there)
    ran = ready(line)
    assert ran.code == code and said in ran.err
    assert users.there == before and users.passwords == {}


def test_every_password_of_a_user_changes(ready: Run, users: _Users, project: Project) -> None:
    """With each mechanism, else the old one would still be good with the other."""
    before = users.there["alice"]
    ran = ready("user.password alice --yes --password-file new")
    assert ran.code == 0 and users.there["alice"] == before
    assert "Changed the password of user alice (SCRAM-SHA-256 and SCRAM-SHA-512)." in ran.out


def test_a_user_is_deleted_everywhere(ready: Run, users: _Users) -> None:
    """Each broker is asked."""
    ran = ready("user.delete alice --yes -o json")
    assert ran.document == {"schema": 1, "deleted": "alice", "rules": 1}
    assert users.gone == ["alice"] and not users.there
    assert ready("user.list").out == "There are no users with a SCRAM password.\n"


def test_dry_changes_nothing(ready: Run, users: _Users, project: Project) -> None:
    """And asks for no password."""
    before = dict(users.there)
    for line in ("user.create bob", "user.password alice", "user.delete alice"):
        assert ready(f"--dry {line}").code == 0
    assert users.there == before


def test_users_are_listed(ready: Run, users: _Users) -> None:
    """With mechanisms, and in JSON with iterations."""
    assert ready("user.list").out.splitlines()[2] == "alice   SCRAM-SHA-256, SCRAM-SHA-512"
    (found,) = ready("user.list -o json").document["users"]
    assert found["credentials"][0] == {"mechanism": "SCRAM-SHA-256", "iterations": 8192}


def test_a_typed_password_is_typed_twice(
    ready: Run, users: _Users, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two different ones change nothing."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            """Return True: a person types."""
            return True

    typed: list[str] = ["one", "two", "same", "same", ""]
    asked: list[Any] = []

    def getpass(prompt: str, stream: object) -> str:
        asked.append(prompt)
        return typed.pop(0)

    monkeypatch.setattr("getpass.getpass", getpass)
    monkeypatch.setattr(sys, "stdin", Terminal())
    assert "The two passwords differ" in ready("user.create bob").err
    assert ready("user.create bob").code == 0
    assert users.passwords == {"bob": "same"}
    assert "The password of user carol is empty." in ready("user.create carol").err
    assert asked[0] == "New password of user bob: "


def test_an_unreadable_password_file(ready: Run, users: _Users, project: Project) -> None:
    """A directory is no password."""
    Path(project.path / "folder").mkdir()
    ran = ready("user.create bob --password-file folder")
    assert ran.code == 3 and "The password file folder cannot be read." in ran.err
