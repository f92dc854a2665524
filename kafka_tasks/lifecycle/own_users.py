"""Users of a secured cluster that is started here: its brokers and `.kafka-tasks/secure/` agree.

A start gives each kept user to the brokers again, so that a change has to reach both.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from kafka_tasks.clients.kafka import scram
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.security import ADMIN, Security
from kafka_tasks.model.user import Credential, User
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure import access, issuing
from kafka_tasks.runtimes.secure.store import Passwords, SecureStore

_BYTES = 24
_FILE = "passwords.json"
_RESTART = "the brokers learn of it at their next start: invoke kafka.restart"


@dataclass(frozen=True, slots=True)
class OwnUsers:
    """The users of one cluster; the caller locks it for a change.

    `notice` is told what is still to do.
    """

    cluster: Cluster
    security: Security
    admin: Admin
    notice: Callable[[str], None]

    @classmethod
    def of(cls, cluster: Cluster, admin: Admin, notice: Callable[[str], None]) -> OwnUsers | None:
        """Return the users of a secured cluster that is started here; None of any other."""
        security = cluster.topology.security
        return None if security is None else cls(cluster, security, admin, notice)

    def listed(self) -> dict[str, User]:
        """Return every user by name, sorted; raises `InvalidInput` where clients have no names."""
        if self.security.kind == "scram":
            return scram.users(self.admin)
        self._require_names()
        how = Credential(self.security.mechanism or "certificate", None)
        return {name: User(name, (how,)) for name in sorted(self._kept().users)}

    def check(self, user: User | None, *, new: bool = False) -> None:
        """Raise `InvalidInput` for a change that this kind of log-in does not have."""
        self._require_names()
        if self.security.kind == "mtls" and not new:
            raise InvalidInput(
                "Users of this cluster log in by certificate, which is valid until it expires.",
                hint="invoke kafka.acl.revoke takes rights; invoke kafka.down --wipe all users",
            )
        if user is not None and user.name == ADMIN and not new:
            raise InvalidInput(
                f"kafka-tasks itself needs the user {ADMIN}.",
                hint="invoke kafka.user.list shows the others",
            )

    def usual(self, name: str, mechanism: str | None) -> User:
        """Return a new user with the log-in of this cluster; raises `InvalidInput` for another."""
        own = self.security.mechanism or "certificate"
        if mechanism not in (None, own):
            raise InvalidInput(
                f"Users of this cluster log in with {own}, not with {mechanism}.",
                hint=f"invoke kafka.user.create {name}",
            )
        return User(name, (Credential(own),))

    def kept_in(self, user: User) -> str:
        """Return the file of this user's password, or of its certificate."""
        kind = self.security.kind
        return str(self._store.root / (f"users/{user.name}.crt" if kind == "mtls" else _FILE))

    def set(self, user: User, password: str | None) -> int | None:
        """Give a user a password, or a certificate; return how many brokers accept the log-in."""
        import secrets

        word = password or secrets.token_urlsafe(_BYTES)
        issuing.require_allowed(self.security, {user.name: word})
        if self.security.kind == "scram":
            scram.set_passwords(self.admin, {user.name: word}, user.credentials)
        self._keep(lambda users: {**users, user.name: word})
        if self.security.kind == "mtls":
            issuing.issue_user(self._store, user.name)
            return None
        if self.security.kind == "plain":
            self.notice(_RESTART)
            return None
        through = access.as_user(self.cluster, user.name)
        return scram.require_accepted(self.admin, user, word, through=through)

    def delete(self, user: User) -> None:
        """Delete a user; under PLAIN the brokers accept it up to their next start."""
        if self.security.kind == "scram":
            scram.delete(self.admin, user)
        self._keep(lambda users: {name: w for name, w in users.items() if name != user.name})
        if self.security.kind == "scram":
            scram.require_gone(self.admin, user.name)
        else:
            self.notice(_RESTART)

    @property
    def _store(self) -> SecureStore:
        return SecureStore.of(Project(self.cluster.project))

    def _kept(self) -> Passwords:
        found = self._store.passwords()
        assert found is not None
        return found

    def _keep(self, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        before = self._kept()
        self._store.keep_passwords(msgspec.structs.replace(before, users=change(before.users)))

    def _require_names(self) -> None:
        if not self.security.knows_users:
            raise InvalidInput(
                "Clients of this cluster have no names: it runs with --secure tls.",
                hint="invoke kafka.config shows KAFKA_TASKS_SECURE; "
                "invoke kafka.down; invoke kafka.up --secure",
            )
