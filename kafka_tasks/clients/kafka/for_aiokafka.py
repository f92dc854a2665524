"""The properties of a connection as arguments of aiokafka, which takes a TLS context."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

from kafka_tasks.clients.kafka import tls
from kafka_tasks.clients.kafka.token_source import TokenSource
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.client_names import CERTIFICATE, KEY, OAUTH, PYTHON, TLS

# Other properties tune librdkafka; these decide who may connect.
_SECURITY = ("sasl.", "ssl.", "security.")


def arguments(client: Mapping[str, str], source: TokenSource | None = None) -> dict[str, Any]:
    """Return the arguments of aiokafka's clients; raises `InvalidInput` for an unknown property.

    `source` gives the tokens of the log-in, where it needs some.
    """
    unknown = sorted(set(client) - set(PYTHON) - set(TLS) - set(OAUTH))
    if unknown := [name for name in unknown if name.startswith(_SECURITY)]:
        raise InvalidInput(
            f"aiokafka has no argument for {unknown[0]}.",
            hint="use kafka_client_config, with confluent-kafka",
        )
    found: dict[str, Any] = {PYTHON[name]: client[name] for name in client if name in PYTHON}
    if source is not None:
        found["sasl_oauth_token_provider"] = _provider(source)
    if "SSL" in found.get("security_protocol", "").split("_"):
        found["ssl_context"] = _context(client)
    return found


def _provider(source: TokenSource) -> Any:
    """Return the token provider of a client, which is asked in its event loop."""
    import asyncio

    from aiokafka.abc import AbstractTokenProvider

    class Provider(AbstractTokenProvider):  # type: ignore[misc]
        async def token(self) -> str:
            found = await asyncio.to_thread(source.token)
            return found.value

        def extensions(self) -> dict[str, str]:
            return source.extensions

    return Provider()


def _context(client: Mapping[str, str]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        tls.load_trusted(context, client)
        # A file may have both.
        key = {KEY: client[CERTIFICATE]} if CERTIFICATE in client else {}
        tls.load_identity(context, {**key, **client})
    except OSError as error:
        raise InvalidInput(
            f"The TLS files of the connection cannot be read: {error}.",
            hint="kafka-tasks config shows the paths",
        ) from error
    return context
