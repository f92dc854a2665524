"""Which log-in a broker refused, or why there was none, from what librdkafka tells of it."""

from __future__ import annotations

from collections.abc import Mapping

from confluent_kafka import KafkaError

from kafka_tasks.clients.kafka import refusals, token_endpoint, token_refusals, token_source
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.client_names import MECHANISM, OAUTHBEARER, TOKEN_URL
from kafka_tasks.model.cluster import Cluster


def of(cluster: Cluster, servers: str, error: KafkaError) -> CannotConnect:
    """Return the reason for an `_AUTHENTICATION` error of a connection to these servers."""
    client, text = cluster.client, error.str()
    if client.get(MECHANISM) != OAUTHBEARER:
        return refusals.log_in_refused(servers, client, text)
    if not text.startswith(token_refusals.NO_TOKEN):
        return token_refusals.refused(servers, client, text, _latest(cluster))
    told = text.removeprefix(token_refusals.NO_TOKEN).removeprefix(": ")
    source = client.get(TOKEN_URL) or "the token command"
    return of_endpoint(client, token_endpoint.ANSWER_S) or token_refusals.missing(source, told)


def of_endpoint(client: Mapping[str, str], timeout_s: float) -> CannotConnect | None:
    """Return why the token endpoint gives no token; None where it does, or where there is none.

    librdkafka has asked it once: a wrong secret is sent the second time here.
    """
    if client.get(MECHANISM) != OAUTHBEARER or TOKEN_URL not in client:
        return None
    try:
        token_endpoint.fetch(client, timeout_s)
    except CannotConnect as error:
        return error
    return None


def _latest(cluster: Cluster) -> Token | None:
    source = token_source.of(cluster)
    return source.latest if source else None
