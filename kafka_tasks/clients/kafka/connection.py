"""What every client here is configured with, and the one translation of librdkafka's errors."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients import processes
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    InvalidInput,
    KafkaTasksError,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import NotYet

# librdkafka writes about 20 lines a second to stderr while a broker is down; a logger takes them.
_quiet = logging.getLogger("kafka_tasks.librdkafka")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False

# What brokers, and the library itself, say of a topic that is not there.
NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)

# How long one call into the library may hold Ctrl-C back, in seconds.
SLICE_S = 0.1

_AWAY = frozenset(
    {
        KafkaError._TRANSPORT,
        KafkaError._TIMED_OUT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError._TIMED_OUT_QUEUE,
        # What answers does not speak Kafka, or not to the end.
        KafkaError._BAD_MSG,
        KafkaError._UNDERFLOW,
        KafkaError._PARTIAL,
        KafkaError._MSG_TIMED_OUT,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.NOT_COORDINATOR,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.NOT_CONTROLLER,
    }
)


def quiet_logger() -> logging.Logger:
    """The logger that keeps librdkafka off stderr."""
    return _quiet


Client = TypeVar("Client")
Properties = dict[str, str | int | float | bool]


def configuration(
    cluster: Cluster, bootstrap: str | None = None
) -> dict[str, str | int | float | bool]:
    """The librdkafka properties for a cluster, or for one address of it.

    Reconnects are quick (20 ms), since what is not there yet is expected to be there soon; on this
    machine only IPv4 is tried, because nothing listens on ::1.
    """
    properties: Properties = {
        "bootstrap.servers": bootstrap or cluster.bootstrap_servers,
        "client.id": "kafka-tasks",
        "reconnect.backoff.ms": 20,
        "reconnect.backoff.max.ms": 50,
        "allow.auto.create.topics": "false",
        **cluster.client,
    }
    asked = (Address.parse(bootstrap),) if bootstrap else cluster.bootstrap
    # Told to use IPv4, librdkafka resolves nothing where loopback is the only interface.
    if all(address.is_loopback for address in asked) and processes.has_ipv4():
        properties["broker.address.family"] = "v4"
    return properties


def connected(kind: Callable[..., Client], properties: Mapping[str, Any]) -> Client:
    """A client of this kind, kept off stderr; raises `InvalidInput` for what it cannot work with.

    A certificate, a key or its password shows here, before anything is connected.
    """
    try:
        return kind(dict(properties), logger=quiet_logger())
    except KafkaException as error:
        raise InvalidInput(
            "The settings of the connection do not work.",
            evidence=(error.args[0].str(),),
            hint="invoke kafka.config shows each KAFKA_TASKS_SSL_… and KAFKA_TASKS_SASL_…, and "
            "where it came from",
        ) from error


def is_away(error: KafkaError) -> bool:
    """Whether the broker, and not the question, is what failed."""
    return error.code() in _AWAY


_WHAT_WORKS = {
    KafkaError.INVALID_CONFIG: "invoke kafka.topic.describe NAME -o json shows every setting",
    KafkaError.INVALID_REPLICATION_FACTOR: "--replication-factor 1, or start what does not run: "
    "invoke kafka.up",
    KafkaError.INVALID_PARTITIONS: "--partitions 1",
}


def translate(error: KafkaException, what: str) -> KafkaTasksError:
    """librdkafka's error in the words of this package; `what` is what was being done."""
    cause: KafkaError = error.args[0]
    code, text = cause.code(), cause.str()
    if is_away(cause):
        return BrokerUnreachable(
            f"No broker answered: {what}.",
            evidence=(f"{cause.name()}: {text}",),
            hint="invoke kafka.status",
        )
    if code == KafkaError.TOPIC_ALREADY_EXISTS:
        return TopicExists(f"The topic exists already: {what}.", hint="invoke kafka.topic.list")
    if code in NO_TOPIC:
        return TopicMissing(f"There is no such topic: {what}.", hint="invoke kafka.topic.list")
    if code in (
        KafkaError.INVALID_PARTITIONS,
        KafkaError.INVALID_REPLICATION_FACTOR,
        KafkaError.INVALID_CONFIG,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError._INVALID_ARG,
    ):
        return InvalidInput(
            f"The broker refused: {what}.",
            evidence=(text,),
            hint=_WHAT_WORKS.get(code, "invoke kafka.topic.list"),
        )
    return ClusterError(
        f"Failed: {what}.",
        evidence=(f"{cause.name()}: {text}",),
        hint="invoke kafka.status; invoke kafka.doctor",
    )


def not_yet(error: KafkaTasksError) -> NotYet:
    """Return the reason to ask again after this error, as short as it can be."""
    return NotYet(error.evidence[0] if error.evidence else error.message)


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
