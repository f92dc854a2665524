"""What the user of a connection may do, as the brokers themselves say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException, TopicCollection

from kafka_tasks.clients.kafka.admin import ANSWER_S, Admin
from kafka_tasks.clients.kafka.connection import awaited
from kafka_tasks.clients.kafka.permissions import Right
from kafka_tasks.clients.kafka.retriable import is_retriable
from kafka_tasks.model.access import CLUSTER, Resource, in_order

# So many topics or groups are described in one request.
_PORTION = 250

_Request = Callable[..., Mapping[str, Future[Any]]]


def rights(admin: Admin) -> dict[Resource, tuple[str, ...]]:
    """Return the rights on the cluster, and on each topic and group that is visible.

    A cluster without an authorizer permits everything.
    """
    found = {CLUSTER: _on_cluster(admin)}
    topics = (name for name, state in admin.topics().items() if not state.internal)
    found |= _on_each(
        admin,
        "topic",
        topics,
        lambda names, **options: admin.client.describe_topics(TopicCollection(names), **options),
    )
    from kafka_tasks.clients.kafka import coordinators, group_admin

    listed = group_admin.listed(admin).values()
    groups = (group.name for group in listed if group.of_consumers)
    return found | _on_each(
        admin,
        "group",
        groups,
        lambda names, request_timeout, **options: coordinators.described(
            admin, names, request_timeout, **options
        ),
    )


def _on_cluster(admin: Admin, *, timeout_s: float | None = None) -> tuple[str, ...]:
    """Return the rights on the cluster."""

    def attempt(seconds: float) -> tuple[str, ...]:
        future = admin.client.describe_cluster(
            include_authorized_operations=True, request_timeout=seconds
        )
        return _words(awaited(future, "describe the cluster", seconds))

    return admin.persistently(attempt, admin.limit(timeout_s, ANSWER_S))


def require_visible(admin: Admin, what: str, *, timeout_s: float | None = None) -> None:
    """Raise `NotPermitted` where this user may not list what belongs to the whole cluster.

    confluent-kafka 2.16 ends the process where a listing of users is refused, and takes a refused
    listing of rules for an empty one.
    """
    if "describe" not in _on_cluster(admin, timeout_s=timeout_s):
        needed = Right(admin.cluster, "DESCRIBE", "cluster")
        raise needed.missing(f"the brokers permit this user no {what}")


def _on_each(
    admin: Admin, kind: str, names: Iterable[str], request: _Request
) -> dict[Resource, tuple[str, ...]]:
    wanted = sorted(names)
    found: dict[Resource, tuple[str, ...]] = {}
    for at in range(0, len(wanted), _PORTION):
        portion = wanted[at : at + _PORTION]

        def attempt(seconds: float, asked: list[str] = portion) -> None:
            answers = request(asked, include_authorized_operations=True, request_timeout=seconds)
            for name, future in answers.items():
                if (told := _told(future, f"describe {kind} {name}", seconds)) is not None:
                    found[Resource(kind, name)] = told

        admin.persistently(attempt, admin.limit(None, ANSWER_S))
    return found


def _told(future: Future[Any], what: str, timeout_s: float) -> tuple[str, ...] | None:
    """Return the rights; None of what is gone or hidden meanwhile."""
    try:
        return _words(awaited(future, what, timeout_s, _raised))
    except KafkaException as error:
        if is_retriable(error.args[0]):
            awaited(future, what, timeout_s)
        return None


def _raised(error: KafkaException, _: str) -> Any:
    return error


def _words(described: Any) -> tuple[str, ...]:
    operations = described.authorized_operations or ()
    return in_order(str(each.name).lower().replace("_", "-") for each in operations)
