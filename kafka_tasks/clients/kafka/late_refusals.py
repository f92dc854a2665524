"""Connections that brokers refuse after they worked, such as after a change of the password.

A token that cannot be renewed has the same effect, and a reason of its own.

A broker keeps a connection whose password has changed. It refuses the next one, for which
librdkafka tries for ever, and tells only `error_cb`.
"""

from __future__ import annotations

from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka import token_source
from kafka_tasks.clients.kafka.connection import ENOUGH_REFUSALS, of_connections, translate
from kafka_tasks.clients.kafka.token_refusals import NO_TOKEN
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.client_names import MECHANISM
from kafka_tasks.model.cluster import Cluster


class LateRefusals:
    """What one client hears of its connections: call `heard` from its `error_cb`."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._last: KafkaError | None = None
        self._without_token: KafkaError | None = None
        self._count = 0

    def heard(self, error: KafkaError) -> None:
        """Keep an error that is a refusal."""
        if of_connections(error):
            self._last = error
            self._count += 1
            if error.str().startswith(NO_TOKEN):
                self._without_token = error

    def overcome(self) -> None:
        """Forget what was heard: a broker has answered since."""
        self._count = 0
        self._without_token = None

    def error(self, what: str) -> KafkaTasksError | None:
        """Return the error of a request where brokers refuse every connection for it."""
        if self._last is None or self._count < ENOUGH_REFUSALS:
            return None
        source = token_source.of(self._cluster)
        if source is not None and source.failure is not None:
            return source.failure
        refusal = self._without_token or self._last
        error = translate(KafkaException(refusal), what)
        if error.finding != "log-in-refused" or MECHANISM not in self._cluster.client:
            return error
        from kafka_tasks.clients.kafka import log_in_refusals

        return log_in_refusals.of(self._cluster, self._cluster.bootstrap_servers, refusal)
