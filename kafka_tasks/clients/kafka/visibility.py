"""What a cluster hides: topics and groups that the user may not describe are left out of lists."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Any

from confluent_kafka import KafkaException, TopicCollection

from kafka_tasks.clients.kafka.admin import ANSWER_S, Admin
from kafka_tasks.clients.kafka.connection import FORBIDDEN, awaited
from kafka_tasks.clients.kafka.permissions import Right
from kafka_tasks.errors import ClusterError

# Whoever has all rights on a cluster is taken for one who sees all of its topics.
_EVERY = frozenset(
    {"CREATE", "ALTER", "DESCRIBE", "CLUSTER_ACTION"}
    | {"DESCRIBE_CONFIGS", "ALTER_CONFIGS", "IDEMPOTENT_WRITE"}
)


class Sight:
    """What this user sees of a remote cluster; asked at once, and awaited where it is needed.

    Of a cluster that is started here, all is seen.
    """

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._limit_s = admin.limit(None, ANSWER_S)
        self._asked: Future[Any] | None = None
        if admin.cluster.is_remote:
            self._asked = admin.client.describe_cluster(
                request_timeout=self._limit_s, include_authorized_operations=True
            )

    def hidden_topics(self) -> str | None:
        """Return which topics are left out; None where none are, or without an answer."""
        rights = self._rights()
        return None if rights is None or rights >= _EVERY else self._left_out("topic")

    def hidden_groups(self) -> str | None:
        """Return which groups are left out; DESCRIBE on the cluster shows all of them."""
        rights = self._rights()
        return None if rights is None or "DESCRIBE" in rights else self._left_out("group")

    def _rights(self) -> frozenset[str] | None:
        """Return the user's rights on the cluster; None without an answer."""
        if self._asked is None:
            return None
        try:
            told = awaited(self._asked, "describe the cluster", self._limit_s)
        except ClusterError:
            return None
        # The library shows an empty list, of a user without rights, as none.
        return frozenset(each.name for each in told.authorized_operations or ())

    def _left_out(self, noun: str) -> str:
        right = Right(self._admin.cluster, "DESCRIBE", noun)
        return f"{noun.title()}s on which {right.holder} lacks the right DESCRIBE are not listed."


def hidden_topics(admin: Admin, names: Collection[str]) -> frozenset[str]:
    """Return those of these names, which a remote cluster does not list, that it hides.

    Whether such a topic exists is not known.
    """
    if not names or not admin.cluster.is_remote:
        return frozenset()
    limit = admin.limit(None, ANSWER_S)
    asked = admin.client.describe_topics(TopicCollection(sorted(names)), request_timeout=limit)
    return frozenset(name for name, future in asked.items() if _is_forbidden(future, limit))


def _is_forbidden(future: Future[Any], limit_s: float) -> bool:
    try:
        future.result(timeout=limit_s + 1.0)
    except KafkaException as error:
        return error.args[0].code() in FORBIDDEN
    except TimeoutError:
        pass
    return False
