"""Asks each broker by itself: confluent-kafka sends a request to whichever broker it chooses."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from typing import Any

from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.kafka_python import connected, translated, unsupported
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import NotYet


def until_each_shows(
    admin: Admin,
    shows: Callable[[Any], bool],
    what: str,
    *,
    alone: Callable[[], bool],
    timeout_s: float | None = None,
) -> int | None:
    """Return once `shows`, called with kafka-python's client, holds of each broker; and how many.

    A single broker is asked by `alone`, without the second library: it takes 0.4 s of CPU to load.
    None where kafka-python cannot connect, so that brokers cannot be told apart. Raises
    `BrokerUnreachable` where a broker does not show it in time.
    """
    cluster = admin.cluster
    brokers = admin.view().brokers
    limit = admin.limit(timeout_s, CHANGE_S)
    if len(brokers) == 1:
        admin.persistently(partial(_required, alone, f"the broker does not show {what}"), limit)
        return 1
    asked: int | None = None
    client = None
    if not unsupported(cluster):
        with contextlib.suppress(KafkaTasksError):
            client = connected(cluster, lambda: asked)
    if client is None:
        return None
    try:
        for asked in brokers:
            otherwise = f"broker {asked} does not show {what}"
            admin.persistently(partial(_required, partial(_shown, client, shows), otherwise), limit)
    finally:
        with contextlib.suppress(Exception):
            client.close()
    return len(brokers)


def lacks_authorizer(cluster: Cluster) -> bool:
    """Return True where the cluster says that it has no authorizer."""
    if unsupported(cluster):
        return False
    from kafka.errors import SecurityDisabledError

    with translated("list the rights"), contextlib.closing(connected(cluster)) as client:
        try:
            rules_of(client)
        except SecurityDisabledError:
            return True
    return False


def rules_of(client: Any) -> list[Any]:
    """Return all rules of the authorizer, as the library has them."""
    from kafka.admin import (
        ACLFilter,
        ACLOperation,
        ACLPermissionType,
        ACLResourcePatternType,
        ResourcePatternFilter,
        ResourceType,
    )

    every = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
    wanted = ACLFilter(None, None, ACLOperation.ANY, ACLPermissionType.ANY, every)
    found, _ = client.describe_acls(wanted)
    return list(found)


def _shown(client: Any, shows: Callable[[Any], bool]) -> bool:
    with translated("ask each broker"):
        return shows(client)


def _required(shown: Callable[[], bool], otherwise: str, _: float) -> None:
    if not shown():
        raise NotYet(otherwise)
