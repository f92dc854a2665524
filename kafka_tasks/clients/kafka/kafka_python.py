"""Connects through kafka-python, for requests that confluent-kafka does not have."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kafka_tasks.clients.kafka import tls, token_source
from kafka_tasks.clients.kafka.permissions import Right
from kafka_tasks.clients.kafka.retriable import CODES
from kafka_tasks.clients.kafka.token_source import TokenSource
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotPermitted
from kafka_tasks.model.client_names import OAUTH, PYTHON, TLS
from kafka_tasks.model.cluster import Cluster

TIMEOUT_MS = 10_000


def unsupported(cluster: Cluster) -> list[str]:
    """Return the properties of this cluster's connection that kafka-python does not have."""
    return sorted(set(cluster.client) - set(PYTHON) - set(TLS) - set(OAUTH))


def connected(cluster: Cluster, broker: Callable[[], int | None] = lambda: None) -> Any:
    """Return an admin client, which the caller closes.

    `broker` says which one gets a request that any may answer; None leaves it to the library.
    """
    # At debug level, the library logs the password.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    from kafka import KafkaAdminClient

    with translated("connect to the cluster"):
        return KafkaAdminClient(
            bootstrap_servers=[str(address) for address in cluster.bootstrap],
            client_id="kafka-tasks",
            bootstrap_timeout_ms=TIMEOUT_MS,
            request_timeout_ms=TIMEOUT_MS,
            reconnect_backoff_max_ms=500,
            kafka_client=_choosing(broker),
            **_security(cluster.client),
            **_tokens(cluster),
        )


def _choosing(broker: Callable[[], int | None]) -> Callable[..., Any]:
    """Return what makes the library's connections, with a broker of our choice."""
    from kafka.net.compat import KafkaNetClient
    from kafka.net.manager import KafkaConnectionManager
    from kafka.net.selector import NetworkSelector

    class Connections(KafkaConnectionManager):  # type: ignore[misc]
        def least_loaded_node(self) -> Any:
            chosen = broker()
            return super().least_loaded_node() if chosen is None else chosen

    def made(**config: Any) -> Any:
        selector = NetworkSelector(**config)
        return KafkaNetClient(selector, Connections(selector, **config))

    return made


def _security(client: Mapping[str, str]) -> dict[str, Any]:
    """Return the properties of librdkafka as the library's arguments; raises `Unanswered`."""
    found: dict[str, Any] = {PYTHON[name]: client[name] for name in client if name in PYTHON}
    if context := tls.context(client):
        found["ssl_context"] = context
    return found


def _tokens(cluster: Cluster) -> dict[str, Any]:
    source = token_source.of(cluster)
    if source is None:
        return {}
    return {"sasl_oauth_token_provider": _provider(source)}


def _provider(source: TokenSource) -> Any:
    from kafka.net.sasl.oauth import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        def token(self) -> str:
            return source.token().value

        def extensions(self) -> dict[str, str]:
            return source.extensions

    return Provider()


@contextlib.contextmanager
def translated(what: str, needed: Right | None = None) -> Iterator[None]:
    """Translate the errors of the library, and those of the network below it."""
    from kafka.errors import AuthorizationError, KafkaError

    try:
        yield
    except KafkaTasksError:
        raise
    except AuthorizationError as error:
        if needed is None:
            text = f"{type(error).__name__}: {error}"
            raise NotPermitted(
                f"Not permitted: {what}.", evidence=(text,), hint="invoke kafka.status"
            ) from error
        raise needed.missing(f"{type(error).__name__}: {what}") from error
    except KafkaError as error:
        passing = getattr(error, "errno", None) in CODES or getattr(error, "retriable", False)
        kind = BrokerUnreachable if passing else ClusterError
        text = f"{type(error).__name__}: {error}"
        raise kind(f"Failed: {what}.", evidence=(text,), hint="invoke kafka.status") from error
    # A damaged answer raises any exception of Python.
    except Exception as error:
        raise BrokerUnreachable(
            f"No broker answered: {what}.",
            evidence=(str(error) or type(error).__name__,),
            hint="invoke kafka.status",
        ) from error
