"""Users that log in with a password: list, create, change the password, delete."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.own_users import OwnUsers
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.model.user import User

_FILE_HELP = "file with the password; one that is missing gets a generated one; - is stdin"


@task(name="list", help=ANSWERS)
def list_(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """List the users that can log in, and how."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import users

    with _looking(call) as users_:
        return shown(list(users_.listed().values()), users)


@task(
    help={
        "name": "name of the user",
        "password_file": _FILE_HELP,
        "mechanism": "SCRAM-SHA-512 (default) or SCRAM-SHA-256",
        **ANSWERS,
    }
)
def create(
    call: Call,
    name: str,
    password_file: str | None = None,
    mechanism: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Create a user with a password; returns when each broker accepts it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.errors import UserExists
    from kafka_tasks.model.user import check_new_name, mechanism_of
    from kafka_tasks.render.views import dry

    wanted = None if mechanism is None else mechanism_of(mechanism)
    with _changing(call) as users:
        check_new_name(name, started_here=users.session.is_local)
        if users.own is not None:
            users.own.check(None, new=True)
        if name in users.listed():
            raise UserExists(
                f"User {name} exists already.",
                hint=f"invoke kafka.env --user {name}"
                if users.own is not None and users.own.security.kind == "mtls"
                else f"invoke kafka.user.password {name}",
            )
        user = users.usual(name, wanted)
        if call.dry:
            return shown(dry.Dry(f"create user {name}"), dry)
        return _with_password(call, users, user, password_file, created=True)


def _with_password(
    call: Call, users: _Users, user: User, password_file: str | None, *, created: bool
) -> Outcome:
    from kafka_tasks.clients.kafka import scram
    from kafka_tasks.render.views import user_changed
    from kafka_tasks.tasks.passwords import new_password

    if users.own is not None and password_file is None:
        file: str | None = users.own.kept_in(user)
        brokers = users.own.set(user, None)
    else:
        password, file = new_password(call, user.name, password_file)
        if users.own is not None:
            brokers = users.own.set(user, password)
        else:
            scram.set_passwords(users.admin, {user.name: password}, user.credentials)
            brokers = scram.require_accepted(users.admin, user, password)
    return shown(user_changed.UserChanged(user, created, file, brokers), user_changed)


@task(
    help={"name": "name of the user", "password_file": _FILE_HELP, **ANSWERS},
    completes={"name": "users"},
)
def password(
    call: Call,
    name: str,
    password_file: str | None = None,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Give a user a new password; asks first, and returns when each broker accepts it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import dry

    with _changing(call) as users:
        user = users.known(name, deleted=False)
        if call.dry:
            return shown(dry.Dry(f"change the password of user {name}"), dry)
        require_cluster_id(call, users.session, users.admin, cluster_id, doing="a new password")
        question = f"The old password of user {name} would be refused from now on."
        require_yes(call, [question, *users.of_this_connection(name)], yes=yes)
        return _with_password(call, users, user, password_file, created=False)


@task(help={"name": "name of the user", **ANSWERS}, completes={"name": "users"})
def delete(
    call: Call,
    name: str,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete a user's passwords; asks first. Rights granted to the name stay."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import dry, user_deleted

    with _changing(call) as users:
        user = users.known(name, deleted=True)
        if call.dry:
            return shown(dry.Dry(f"delete user {name}"), dry)
        require_cluster_id(call, users.session, users.admin, cluster_id)
        question = f"User {name} would be deleted, and could not log in any more."
        require_yes(call, [question, *users.of_this_connection(name)], yes=yes)
        users.delete(user)
        return shown(user_deleted.UserDeleted(name, _rules_of(users.admin, name)), user_deleted)


def _rules_of(admin: Admin, name: str) -> int | None:
    """Return how many rules name this user; None where there are none to see."""
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.errors import NoAuthorizer, NotPermitted

    try:
        return sum(rule.user == name for rule in acls.rules(admin))
    except (NoAuthorizer, NotPermitted):
        return None


@contextmanager
def _looking(call: Call) -> Iterator[_Users]:
    """Yield the users of the cluster."""
    from kafka_tasks.lifecycle.own_users import OwnUsers

    with connected(call) as (session, cluster, admin):
        own = OwnUsers.of(cluster, admin, session.recorder.notice)
        yield _Users(session, cluster, admin, own)


@contextmanager
def _changing(call: Call) -> Iterator[_Users]:
    """Yield the users of the cluster; those of a secured cluster started here under its lock."""
    from kafka_tasks.project.lock import exclusive

    with _looking(call) as found, ExitStack() as stack:
        if found.own is not None:
            session = found.session
            waiting = session.recorder.notice
            lock = exclusive(session.project, "changing users", session.deadline(), waiting=waiting)
            stack.enter_context(lock)
        yield found


@dataclass(frozen=True, slots=True)
class _Users:
    """The users of a cluster, and `own` where their passwords are kept here."""

    session: Session
    cluster: Cluster
    admin: Admin
    own: OwnUsers | None

    def listed(self) -> dict[str, User]:
        """Return every user by name."""
        from kafka_tasks.clients.kafka import scram

        return self.own.listed() if self.own is not None else scram.users(self.admin)

    def known(self, name: str, *, deleted: bool) -> User:
        """Return the user, who is to change; raises `UserMissing` with the nearest name."""
        there = self.listed()
        if name not in there:
            raise _missing(name, there)
        if self.own is not None:
            self.own.check(there[name] if deleted else None)
        return there[name]

    def usual(self, name: str, mechanism: str | None) -> User:
        """Return a new user, by default with the log-in of this cluster or connection."""
        from kafka_tasks.model.user import MECHANISMS, Credential, User

        if self.own is not None:
            return self.own.usual(name, mechanism)
        mine = self.cluster.client.get("sasl.mechanism")
        usual = mine if mine in MECHANISMS else MECHANISMS[-1]
        return User(name, (Credential(mechanism or usual),))

    def delete(self, user: User) -> None:
        """Delete a user; returns when no broker shows it."""
        from kafka_tasks.clients.kafka import scram

        if self.own is not None:
            self.own.delete(user)
        else:
            scram.delete(self.admin, user)
            scram.require_gone(self.admin, user.name)

    def of_this_connection(self, name: str) -> list[str]:
        """Return what is to be said of the user with whom this connection logs in."""
        if self.cluster.client.get("sasl.username") != name:
            return []
        return [f"This connection logs in as {name}."]


def _missing(name: str, there: Iterable[str]) -> KafkaTasksError:
    from difflib import get_close_matches

    from kafka_tasks.errors import UserMissing

    near = get_close_matches(name, list(there), n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.user.list"
    return UserMissing(f"There is no user {name}.", hint=hint)
