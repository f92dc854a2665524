"""One request to a token endpoint, by client credentials.

librdkafka makes its own. This one is for kafka-python and aiokafka, which have none, and says why
librdkafka got no token: of an HTTP status or a certificate it does not tell enough.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Mapping
from email.message import Message
from http.client import HTTPException
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from kafka_tasks.clients.kafka import tls, token, token_refusals
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.client_names import CLIENT_ID, CLIENT_SECRET, SCOPE, TOKEN_URL

# Seconds for its answer, where the caller has no limit of its own.
ANSWER_S = 5.0
_LIMIT_BYTES = 256 * 1024
_SHOWN = 300
_OF_CLIENT = (400, 401, 403)
_ERRORS_OF_CLIENT = ("invalid_client", "unauthorized_client", "invalid_scope", "access_denied")


class _NoRedirect(HTTPRedirectHandler):
    """Follows nothing: the secret would go to another server."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        """Return None, so that the answer is an error."""


def fetch(client: Mapping[str, str], timeout_s: float) -> Token:
    """Return a token for these properties of librdkafka; raises `CannotConnect`.

    `timeout_s` bounds each wait for the endpoint.
    """
    url = client[TOKEN_URL]
    body = {"grant_type": "client_credentials", "scope": client.get(SCOPE, "")}
    credentials = f"{client.get(CLIENT_ID, '')}:{client.get(CLIENT_SECRET, '')}".encode()
    request = Request(  # noqa: S310 - the setting has http or https
        url,
        urlencode({name: value for name, value in body.items() if value}).encode(),
        {
            "Accept": "application/json",
            "Authorization": f"Basic {base64.b64encode(credentials).decode()}",
        },
    )
    try:
        context = tls.of_endpoint(client)
    except OSError as error:
        raise token_refusals.untrusted(client, str(error)) from error
    opener = build_opener(HTTPSHandler(context=context), _NoRedirect())
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            content = answer.read(_LIMIT_BYTES)
    except HTTPError as error:
        raise _of_status(client, error) from error
    except (OSError, HTTPException) as error:
        raise _of_connection(client, error, timeout_s) from error
    return _token_of(url, content)


def _token_of(url: str, content: bytes) -> Token:
    text = content.decode("utf-8", "replace").strip()
    if not text.startswith("{"):
        raise token_refusals.of_answer(url, 200, "it is not JSON")
    try:
        found = token.read(text)
    except ValueError as error:
        raise token_refusals.of_answer(url, 200, f"it is {error}") from error
    if found.has_expired:
        raise token_refusals.expired(f"the endpoint {url}", found)
    return found


def _of_status(client: Mapping[str, str], error: HTTPError) -> CannotConnect:
    name, said = _told(error)
    known = error.code in (401, 403) or name in _ERRORS_OF_CLIENT
    if error.code in _OF_CLIENT and known:
        return token_refusals.of_client(client, error.code, said)
    return token_refusals.of_answer(client[TOKEN_URL], error.code, said)


def _told(error: HTTPError) -> tuple[str, str]:
    """Return the name of an error, and what the endpoint says of it."""
    try:
        found = json.loads(error.read(_LIMIT_BYTES))
        told = [str(found.get(key) or "") for key in ("error", "error_description")]
    except (OSError, ValueError, HTTPException, AttributeError, RecursionError):
        return "", ""
    return told[0], ": ".join(filter(None, told))[:_SHOWN]


def _of_connection(
    client: Mapping[str, str], error: OSError | HTTPException, timeout_s: float
) -> CannotConnect:
    url = client[TOKEN_URL]
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return token_refusals.untrusted(client, reason.verify_message, reason.verify_code)
    if isinstance(reason, ssl.SSLError):
        return token_refusals.without_tls(url, str(reason))
    if isinstance(reason, TimeoutError):
        return token_refusals.away(url, f"no answer within {round(timeout_s, 1):g} s")
    return token_refusals.away(url, getattr(reason, "strerror", None) or str(reason))
