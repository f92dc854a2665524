"""Users that log in with a password: list, create, change the password, delete."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.model.user import User

_FILE_HELP = "file with the password; one that is missing gets a generated one; - is stdin"


@task(name="list", help=ANSWERS)
def list_(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """List the users that have a SCRAM password."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import scram
    from kafka_tasks.render.views import users

    with connected(call) as (_, _, admin):
        found = scram.users(admin)
    return shown(list(found.values()), users)


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
    from kafka_tasks.clients.kafka import scram
    from kafka_tasks.errors import UserExists
    from kafka_tasks.model.user import Credential, User, check_new_name, mechanism_of
    from kafka_tasks.render.views import dry

    wanted = None if mechanism is None else mechanism_of(mechanism)
    with connected(call) as (session, cluster, admin):
        check_new_name(name, started_here=session.is_local)
        if name in scram.users(admin):
            raise UserExists(
                f"User {name} exists already.", hint=f"invoke kafka.user.password {name}"
            )
        if call.dry:
            return shown(dry.Dry(f"create user {name}"), dry)
        user = User(name, (Credential(wanted or _usual_mechanism(cluster)),))
        return _with_password(call, admin, user, password_file, created=True)


def _usual_mechanism(cluster: Cluster) -> str:
    """Return the mechanism of this connection where it is one of SCRAM, else the stronger one."""
    from kafka_tasks.model.user import MECHANISMS

    own = cluster.client.get("sasl.mechanism")
    return own if own in MECHANISMS else MECHANISMS[-1]


def _with_password(
    call: Call, admin: Admin, user: User, password_file: str | None, *, created: bool
) -> Outcome:
    from kafka_tasks.clients.kafka import scram
    from kafka_tasks.render.views import user_changed
    from kafka_tasks.tasks.passwords import new_password

    password, file = new_password(call, user.name, password_file)
    scram.set_passwords(admin, {user.name: password}, user.credentials)
    brokers = scram.require_accepted(admin, user, password)
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

    with connected(call) as (session, cluster, admin):
        user = _known(admin, name)
        if call.dry:
            return shown(dry.Dry(f"change the password of user {name}"), dry)
        require_cluster_id(call, session, admin, cluster_id, doing="a new password")
        question = f"The old password of user {name} would be refused from now on."
        require_yes(call, [question, *_of_this_connection(cluster, name)], yes=yes)
        return _with_password(call, admin, user, password_file, created=False)


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
    from kafka_tasks.clients.kafka import scram
    from kafka_tasks.render.views import dry, user_deleted

    with connected(call) as (session, cluster, admin):
        user = _known(admin, name)
        if call.dry:
            return shown(dry.Dry(f"delete user {name}"), dry)
        require_cluster_id(call, session, admin, cluster_id)
        question = f"User {name} would be deleted, and could not log in any more."
        require_yes(call, [question, *_of_this_connection(cluster, name)], yes=yes)
        scram.delete(admin, user)
        scram.require_gone(admin, name)
        return shown(user_deleted.UserDeleted(name, _rules_of(admin, name)), user_deleted)


def _rules_of(admin: Admin, name: str) -> int | None:
    """Return how many rules name this user; None where there are none to see."""
    from kafka_tasks.clients.kafka import acls
    from kafka_tasks.errors import NoAuthorizer, NotPermitted

    try:
        return sum(rule.user == name for rule in acls.rules(admin))
    except (NoAuthorizer, NotPermitted):
        return None


def _known(admin: Admin, name: str) -> User:
    """Return the user; raises `UserMissing` with the nearest name that exists."""
    from kafka_tasks.clients.kafka import scram

    there = scram.users(admin)
    if name in there:
        return there[name]
    raise _missing(name, there)


def _missing(name: str, there: Iterable[str]) -> KafkaTasksError:
    from difflib import get_close_matches

    from kafka_tasks.errors import UserMissing

    near = get_close_matches(name, list(there), n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.user.list"
    return UserMissing(f"There is no user {name}.", hint=hint)


def _of_this_connection(cluster: Cluster, name: str) -> list[str]:
    if cluster.client.get("sasl.username") != name:
        return []
    return [f"This connection logs in as {name}."]
