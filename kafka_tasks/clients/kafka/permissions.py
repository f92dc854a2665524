"""What a cluster does not permit: who lacks which right, and on what."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from confluent_kafka import KafkaError, KafkaException
from msgspec import Struct

from kafka_tasks.clients.kafka.connection import FORBIDDEN, translate
from kafka_tasks.errors import KafkaTasksError, NotPermitted
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import TopicState


class Right(Struct, frozen=True):
    """A right of Kafka's ACLs, such as READ on a topic; the cluster has no name."""

    cluster: Cluster
    operation: str
    kind: str
    name: str = ""

    @property
    def holder(self) -> str:
        """The user who may have it, in a sentence."""
        user = self.cluster.client.get("sasl.username")
        return f"user {user}" if user else "the user of this connection"

    def missing(self, evidence: str) -> NotPermitted:
        """Return the error for a request that needs this right."""
        user = self.cluster.client.get("sasl.username")
        who = f"{self.holder[0].upper()}{self.holder[1:]}"
        what = f"{self.kind} {self.name}" if self.name else f"the {self.kind}"
        return NotPermitted(
            f"{who} lacks the right {self.operation} on {what}.",
            evidence=(evidence,),
            hint=f"an administrator can grant it: {self._granting(user)}",
        )

    def _granting(self, user: str | None) -> str:
        right = self.operation.lower().replace("_", "-")
        prefix = "" if self.kind == "topic" else f"{self.kind}:"
        words = (user or "NAME", right, f"{prefix}{self.name}")
        return f"invoke kafka.acl.grant {' '.join(map(shlex.quote, words))}"


def needing(right: Right) -> Callable[[KafkaException, str], KafkaTasksError]:
    """Return the translation of errors of a request that needs this right."""

    def translated(error: KafkaException, what: str) -> KafkaTasksError:
        cause: KafkaError = error.args[0]
        if cause.code() in FORBIDDEN:
            return right.missing(f"{cause.name()}: {what}: {cause.str()}")
        return translate(error, what)

    return translated


def settings_of(cluster: Cluster, topic: str) -> Right:
    """Return the right to see the settings of a topic."""
    return Right(cluster, "DESCRIBE_CONFIGS", "topic", topic)


def require_settings(cluster: Cluster, state: TopicState) -> None:
    """Raise `NotPermitted` where this user may not see the settings of the topic."""
    if not state.shows_settings:
        what = f"the settings of topic {state.name} are needed, and not visible"
        raise settings_of(cluster, state.name).missing(what)
