"""SCRAM users: who there is, new passwords, deletion, and whether a broker accepts a log-in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from kafka_tasks.clients.kafka.admin import ANSWER_S, CHANGE_S, Admin
from kafka_tasks.clients.kafka.authorized import require_visible
from kafka_tasks.clients.kafka.connection import awaited, undecided
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.errors import (
    BrokerUnreachable,
    CannotConnect,
    ClusterError,
    KafkaTasksError,
    UserMissing,
)
from kafka_tasks.model.address import Address
from kafka_tasks.model.client_names import OAUTH
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.model.user import Credential, User
from kafka_tasks.retry import NotYet

# A finding of a log-in that says nothing about the user.
_NO_SUCH_LOG_IN = "mechanism-off"
_LIST = "invoke kafka.user.list"


def users(admin: Admin, *, timeout_s: float | None = None) -> dict[str, User]:
    """Return every user that has a password for SCRAM, by name, sorted."""
    require_visible(admin, "listing of users", timeout_s=timeout_s)
    limit = admin.limit(timeout_s, ANSWER_S)

    def attempt(seconds: float) -> dict[str, User]:
        future: Any = admin.client.describe_user_scram_credentials(request_timeout=seconds)
        found = awaited(future, "list the users", seconds)
        return {name: _user(name, found[name]) for name in sorted(found)}

    return admin.persistently(attempt, limit)


def known(admin: Admin) -> dict[str, User] | None:
    """Return the users as `users` does; None where they cannot be listed."""
    try:
        return users(admin)
    except ClusterError:
        return None


def _user(name: str, found: Any) -> User:
    infos = sorted(found.scram_credential_infos, key=lambda info: int(info.mechanism.value))
    return User(
        name, tuple(Credential(_named(info.mechanism), int(info.iterations)) for info in infos)
    )


def _named(mechanism: ScramMechanism) -> str:
    return mechanism.name.replace("_", "-")


def set_passwords(
    admin: Admin,
    passwords: Mapping[str, str],
    credentials: Iterable[Credential] = (Credential(),),
    *,
    timeout_s: float | None = None,
) -> None:
    """Give each of these users this password; one that does not exist is created.

    A broker hears of it after the answer: `require_log_in` tells when it has.
    """
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialUpsertion(name, _info(credential), password.encode())
        for name, password in passwords.items()
        for credential in credentials
    ]
    _alter(admin, wanted, lambda name: f"set the password of user {name}", timeout_s)


def delete(admin: Admin, user: User, *, timeout_s: float | None = None) -> None:
    """Delete a user's passwords for all mechanisms; raises `UserMissing`."""
    wanted: list[UserScramCredentialAlteration] = [
        UserScramCredentialDeletion(user.name, _info(credential).mechanism)
        for credential in user.credentials
    ]
    _alter(admin, wanted, lambda name: f"delete user {name}", timeout_s)


def _info(credential: Credential) -> ScramCredentialInfo:
    mechanism = ScramMechanism[credential.mechanism.replace("-", "_")]
    assert credential.iterations is not None
    return ScramCredentialInfo(mechanism, credential.iterations)


def _alter(
    admin: Admin,
    wanted: list[UserScramCredentialAlteration],
    what: Callable[[str], str],
    timeout_s: float | None,
) -> None:
    if not wanted:
        return

    def attempt(seconds: float) -> None:
        futures = admin.client.alter_user_scram_credentials(wanted, request_timeout=seconds)
        for name, future in futures.items():
            awaited(future, what(name), seconds, _translated_for(admin, name))

    try:
        admin.persistently(attempt, admin.limit(timeout_s, CHANGE_S))
    except BrokerUnreachable as error:
        raise undecided(error, f"The request to {what(wanted[0].user)}", _LIST) from error


def _translated_for(admin: Admin, user: str) -> Callable[[KafkaException, str], KafkaTasksError]:
    def translated(error: KafkaException, what: str) -> KafkaTasksError:
        cause: KafkaError = error.args[0]
        if cause.code() == KafkaError.RESOURCE_NOT_FOUND:
            return UserMissing(f"There is no user {user}.", hint=_LIST)
        return needing(Right(admin.cluster, "ALTER", "cluster"))(error, what)

    return translated


def require_gone(admin: Admin, name: str, *, timeout_s: float | None = None) -> None:
    """Return when no broker knows this user any more; raises `BrokerUnreachable`."""
    from kafka_tasks.clients.kafka.each_broker import until_each_shows

    until_each_shows(
        admin,
        lambda client: name not in client.describe_user_scram_credentials(),
        f"that user {name} is gone",
        alone=lambda: name not in users(admin),
        timeout_s=timeout_s,
    )


def require_accepted(
    admin: Admin,
    user: User,
    password: str,
    *,
    through: Cluster | None = None,
    timeout_s: float | None = None,
) -> int | None:
    """Return when each broker accepts the log-in of this user; return how many they are.

    `through` is the cluster as users reach it, where that is not the way of `admin`. None where the
    listener has no log-in of the kind, so that nothing can be tried. Raises `BrokerUnreachable`
    where a broker refuses it to the end of the time.
    """
    reached = through or admin.cluster
    if not reached.client.get("security.protocol", "").upper().startswith("SASL"):
        return None
    brokers = through.bootstrap if through else tuple(admin.view().brokers.values())
    try:
        for mechanism in user.mechanisms:
            logged_in = _as_user(reached, user.name, password, mechanism)
            for broker in brokers:
                admin.persistently(
                    partial(require_log_in, logged_in, broker), admin.limit(timeout_s, CHANGE_S)
                )
    except CannotConnect:
        return None
    except BrokerUnreachable as error:
        raise BrokerUnreachable(
            f"The password of user {user.name} is set, but not every broker accepted it in time.",
            evidence=error.evidence or (error.message,),
            hint="invoke kafka.status",
        ) from error
    return len(brokers)


def _as_user(cluster: Cluster, user: str, password: str, mechanism: str) -> Cluster:
    """Return the cluster as this user connects to it."""
    client = {
        name: value
        for name, value in cluster.client.items()
        if name not in ("sasl.mechanisms", *OAUTH)
    }
    client |= {"sasl.mechanism": mechanism, "sasl.username": user, "sasl.password": password}
    return replace(cluster, client=client, topology=Topology(), token_command=None)


def require_log_in(user: Cluster, broker: Address, timeout_s: float) -> None:
    """Return when the broker at this address has answered a connection of this user.

    Raises `NotYet` where it refuses the log-in, or does not answer in time, and `CannotConnect`
    where it has no log-in of this kind.
    """
    try:
        with Admin(user, bootstrap=str(broker)) as admin:
            admin.require_contact(timeout_s)
    except (BrokerUnreachable, CannotConnect) as error:
        if isinstance(error, CannotConnect) and error.finding == _NO_SUCH_LOG_IN:
            raise
        told = f" ({error.evidence[0]})" if error.evidence else ""
        raise NotYet(f"{broker}: {error.message.rstrip('.')}{told}") from error
