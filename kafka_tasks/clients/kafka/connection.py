"""Configures every Kafka client, and translates the errors of librdkafka, once."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from types import FrameType
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients import machine
from kafka_tasks.clients.kafka import token_refusals, token_source
from kafka_tasks.clients.kafka.retriable import NO_TOPIC, is_retriable, was_answered
from kafka_tasks.errors import (
    BrokerUnreachable,
    CannotConnect,
    ClusterError,
    InvalidInput,
    KafkaTasksError,
    NotPermitted,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.address import Address
from kafka_tasks.model.client_names import (
    HTTPS_CA,
    HTTPS_CA_PEM,
    MECHANISM,
    OAUTHBEARER,
    TOKEN_URL,
)
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import NotYet

# While a broker is down, librdkafka writes about 20 lines a second to stderr, or to this logger.
_quiet = logging.getLogger("kafka_tasks.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

# A call into the library blocks Ctrl-C for so many seconds at most.
SLICE_S = 0.1

# On a busy machine the token takes longer: the last two of ten sleeps are left whole.
_WAKES_S = tuple(0.005 * 2**number for number in range(8))

_Client = TypeVar("_Client")
_Properties = dict[str, Any]


def has_log_in(client: Mapping[str, str]) -> bool:
    """Return whether these properties of librdkafka send a password or a token."""
    return "SASL" in client.get("security.protocol", "").upper()


def configuration(cluster: Cluster, bootstrap: str | None = None) -> _Properties:
    """Return the librdkafka properties for a cluster, or for one address of it.

    Reconnects are quick (20 ms), since a starting broker is expected soon; with SASL less so, since
    each sends the password once more. For loopback addresses only IPv4 is tried, because nothing
    listens on ::1.
    """
    logs_in = has_log_in(cluster.client)
    properties: _Properties = {
        "bootstrap.servers": bootstrap or ",".join(map(str, cluster.bootstrap)),
        "client.id": "kafka-tasks",
        # The library waits for half of it before its second connection, which each client makes.
        "reconnect.backoff.ms": 200 if logs_in else 20,
        "reconnect.backoff.max.ms": 500 if logs_in else 50,
        "allow.auto.create.topics": "false",
        # A starting broker may name no broker, not even itself: the library then has none to ask,
        # and by default takes the bootstrap servers again after five minutes.
        "metadata.recovery.rebootstrap.trigger.ms": 1000,
        **cluster.client,
    }
    asked = (Address.parse(bootstrap),) if bootstrap else cluster.bootstrap
    # With IPv4 forced, librdkafka resolves nothing where loopback is the only interface.
    if all(address.is_loopback for address in asked) and machine.has_ipv4():
        properties["broker.address.family"] = "v4"
    return {**properties, **log_in(cluster)}


def log_in(cluster: Cluster) -> dict[str, Any]:
    """Return what a log-in by a token needs besides; raises `CannotConnect` without a token."""
    client = cluster.client
    if client.get(MECHANISM) != OAUTHBEARER:
        return {}
    if cluster.token_command is None:
        return authorities_of_endpoint(client)
    source = token_source.of(cluster)
    assert source is not None
    # A command that fails says so before there is a connection.
    source.token()
    # Extensions are of the callback then.
    return {"oauth_cb": source.for_librdkafka}


def authorities_of_endpoint(client: Mapping[str, str]) -> dict[str, str]:
    """Return whom librdkafka trusts at a token endpoint, where these properties name no one."""
    from kafka_tasks.clients.kafka import tls

    secured = client.get(TOKEN_URL, "").startswith("https:")
    if not secured or {HTTPS_CA, HTTPS_CA_PEM} & set(client):
        return {}
    found = tls.authorities_of_machine()
    return {HTTPS_CA: found} if found else {}


@contextlib.contextmanager
def _ctrl_c_later() -> Iterator[None]:
    """Hold Ctrl-C back: within the library's constructor it would end as a TypeError."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    held: list[tuple[int, FrameType | None]] = []
    signal.signal(signal.SIGINT, lambda *seen: held.append(seen))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held:
        before(*held[0])


@contextlib.contextmanager
def _hurried(has_callback: bool) -> Iterator[None]:
    """Cut the sleeps of a second in which confluent-kafka waits for the first token (2.16).

    The token is there within a millisecond. Any signal ends a sleep, and the library looks again,
    ten times in all; this one is ignored by default, and nothing else of Python uses it.
    """
    is_main = threading.current_thread() is threading.main_thread()
    if not has_callback or not is_main or signal.getsignal(signal.SIGURG) is not signal.SIG_DFL:
        yield
        return
    main, done = threading.get_ident(), threading.Event()

    def wake() -> None:
        for seconds in _WAKES_S:
            if done.wait(seconds):
                return
            signal.pthread_kill(main, signal.SIGURG)

    signal.signal(signal.SIGURG, lambda *_: None)
    waker = threading.Thread(target=wake, daemon=True)
    waker.start()
    try:
        yield
    finally:
        done.set()
        waker.join()
        signal.signal(signal.SIGURG, signal.SIG_DFL)


def connected(kind: Callable[..., _Client], properties: Mapping[str, Any]) -> _Client:
    """Return a client of this kind that writes nothing to stderr; raises `InvalidInput`.

    A bad certificate, key or password fails here, before anything is connected.
    """
    try:
        with _ctrl_c_later(), _hurried("oauth_cb" in properties):
            return kind(dict(properties), logger=_quiet)
    except KafkaException as error:
        raise InvalidInput(
            "The settings of the connection are not valid.",
            evidence=(*_unreadable(properties), error.args[0].str()),
            hint="invoke kafka.config shows each KAFKA_TASKS_SSL_… and KAFKA_TASKS_SASL_… with its "
            "origin",
        ) from error


def _unreadable(properties: Mapping[str, Any]) -> Iterator[str]:
    """Yield the files of the properties that are not there, or not to be read."""
    for name, value in properties.items():
        if name.endswith(".location") and not os.access(value, os.R_OK):
            what = "cannot be read" if Path(value).exists() else "does not exist"
            yield f"{name}: {value} {what}"


# Codes of the topic itself → the kind of error, and what it says.
_OF_TOPICS: dict[int, tuple[type[KafkaTasksError], str]] = {
    KafkaError.TOPIC_ALREADY_EXISTS: (TopicExists, "The topic exists already"),
    **dict.fromkeys(NO_TOPIC, (TopicMissing, "The topic does not exist")),
}
# Codes of a right that the user lacks.
FORBIDDEN = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.DELEGATION_TOKEN_AUTHORIZATION_FAILED,
)
# Codes of a connection that worked before, such as after a change of the password.
_OF_CONNECTIONS = {
    **dict.fromkeys(
        (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED),
        ("log-in-refused", "The broker refuses the log-in", "SASL"),
    ),
    KafkaError._SSL: ("tls-failed", "The TLS connection failed", "SSL"),
}
# So many refusals are believed: one may be of a broker that has just started and does not know its
# users yet.
ENOUGH_REFUSALS = 2
# Codes of bad input → the hint.
_OF_INPUT = {
    KafkaError.INVALID_CONFIG: "invoke kafka.topic.describe NAME -o json shows every setting",
    KafkaError.INVALID_REPLICATION_FACTOR: "--replication-factor 1; invoke kafka.doctor",
    KafkaError.INVALID_PARTITIONS: "--partitions 1",
    KafkaError.TOPIC_EXCEPTION: "invoke kafka.topic.list",
    KafkaError._INVALID_ARG: "invoke kafka.topic.list",
}


def of_connections(error: KafkaError) -> bool:
    """Return whether a broker refuses the connection itself, which trying again does not cure."""
    return error.code() in _OF_CONNECTIONS


def translate(error: KafkaException, what: str) -> KafkaTasksError:
    """Return the error of this package for one of librdkafka; `what` names the request."""
    cause: KafkaError = error.args[0]
    code, text = cause.code(), cause.str()
    named = f"{cause.name()}: {text}"
    if is_retriable(cause):
        said = "The cluster was not ready" if was_answered(cause) else "No broker answered"
        return BrokerUnreachable(f"{said}: {what}.", evidence=(named,), hint="invoke kafka.status")
    if code == KafkaError._AUTHENTICATION and text.startswith(token_refusals.NO_TOKEN):
        return token_refusals.missing("its source", text)
    if code in _OF_CONNECTIONS:
        finding, said, kind_of = _OF_CONNECTIONS[code]
        hint = f"invoke kafka.config shows each KAFKA_TASKS_{kind_of}_… with its origin"
        return CannotConnect(f"{said}: {what}.", finding=finding, evidence=(named,), hint=hint)
    if code in _OF_TOPICS:
        kind, said = _OF_TOPICS[code]
        return kind(f"{said}: {what}.", hint="invoke kafka.topic.list")
    if code in FORBIDDEN:
        hint = "invoke kafka.config shows the user; the cluster's administrator grants rights"
        return NotPermitted(f"Not permitted: {what}.", evidence=(named,), hint=hint)
    if code in _OF_INPUT:
        return InvalidInput(f"The broker refused: {what}.", evidence=(text,), hint=_OF_INPUT[code])
    return ClusterError(
        f"Failed: {what}.", evidence=(named,), hint="invoke kafka.status; invoke kafka.doctor"
    )


def not_yet(error: KafkaTasksError) -> NotYet:
    """Return the reason to ask again after this error, as short as it can be."""
    return NotYet(error.evidence[0] if error.evidence else error.message)


def undecided(error: BrokerUnreachable, what: str, look: str) -> BrokerUnreachable:
    """Return the error of a change that was sent and not answered in time; `look` is a command.

    The cluster may carry it out all the same, or may have done so.
    """
    return BrokerUnreachable(
        f"{what} was not answered in time, and may still happen.",
        evidence=error.evidence or (error.message,),
        hint=look,
    )


def awaited(
    future: Future[Any],
    what: str,
    timeout_s: float,
    translated: Callable[[KafkaException, str], KafkaTasksError] = translate,
) -> Any:
    """Return the result of an admin request; raises what `translated` makes of its error."""
    try:
        return future.result(timeout=timeout_s + 1.0)
    except KafkaException as error:
        raise translated(error, what) from error
    except FutureTimeout as error:
        raise BrokerUnreachable(
            f"No answer within {timeout_s:g} s: {what}.", hint="invoke kafka.status"
        ) from error
