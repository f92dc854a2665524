"""Why there is no token, or none that a broker accepts, as sentences, each with its fix."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from kafka_tasks.clients.kafka.tls import NO_AUTHORITY, OTHER_HOST
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.client_names import CLIENT_ID, HTTPS_CA, SCOPE, TOKEN_URL

_Client = Mapping[str, str]

# Each finding, and what it says of any connection.
FINDINGS = {
    "token-refused": "The broker refuses the token.",
    "token-expired": "The token has expired before it is used.",
    "token-command-failed": "The token command fails, or prints no token.",
    "token-client-refused": "The token endpoint refuses the client id or the client secret.",
    "token-endpoint-failed": "The token endpoint answers without a token.",
    "token-endpoint-away": "The token endpoint does not answer.",
    "token-endpoint-untrusted": "The certificate of the token endpoint is not trusted.",
    "token-missing": "There is no token for another reason.",
}
# How librdkafka begins what it says where there is no token, so that no broker was asked.
NO_TOKEN = "Failed to acquire SASL OAUTHBEARER token"  # noqa: S105 - no password
_ADDRESS = (
    "compare KAFKA_TASKS_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL with token_endpoint in "
    "/.well-known/openid-configuration of the identity provider"
)
_SETTINGS = "invoke kafka.config shows each KAFKA_TASKS_SASL_OAUTHBEARER_… with its origin"


def refused(servers: str, client: _Client, text: str, token: Token | None) -> CannotConnect:
    """Return the error for a token that the broker does not accept."""
    url = client.get(TOKEN_URL)
    source = f" that {url} gave client {client.get(CLIENT_ID, '')!r}" if url else ""
    seen = [f"the token has {token.claims}"] if token is not None and token.claims else []
    return CannotConnect(
        f"The broker at {servers} refused the token{source}.",
        finding="token-refused",
        evidence=(text, *seen),
        hint="compare issuer and audience of the token with sasl.oauthbearer.expected.issuer and "
        ".expected.audience of the broker",
    )


def expired(source: str, token: Token) -> CannotConnect:
    """Return the error for a token that has expired when it comes; `source` gave it."""
    ended = datetime.fromtimestamp(token.ends_s, UTC)
    return CannotConnect(
        f"The token of {source} expired at {ended:%Y-%m-%d %H:%M:%S} UTC.",
        finding="token-expired",
        evidence=(f"this machine's clock shows {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",),
        hint="date shows this machine's clock; the source of the token has to give a new one",
    )


def of_command(line: str, why: str, evidence: Iterable[str] = ()) -> CannotConnect:
    """Return the error for a token command that prints no token; `why` is what it did."""
    name = shlex.split(line)[0]
    return CannotConnect(
        f"The token command {name} {why}.",
        finding="token-command-failed",
        evidence=evidence,
        hint="run it by hand: it has to print a JWT, or a JSON object with access_token and "
        "expires_in; invoke kafka.config shows where KAFKA_TASKS_TOKEN_COMMAND is set",
    )


def of_client(client: _Client, status: int, said: str) -> CannotConnect:
    """Return the error for an endpoint that does not accept the client, or its scope."""
    url, scope = client[TOKEN_URL], client.get(SCOPE)
    which, hint = f"client {client.get(CLIENT_ID, '')!r}", "…_CLIENT_ID and …_CLIENT_SECRET"
    if "invalid_scope" in said:
        which, hint = f"the scope {scope!r}" if scope else "a token without a scope", "…_SCOPE"
    return CannotConnect(
        f"The token endpoint {url} refused {which} (HTTP {status}).",
        finding="token-client-refused",
        evidence=(said,) if said else (),
        hint=f"set KAFKA_TASKS_SASL_OAUTHBEARER{hint.removeprefix('…')}; {_SETTINGS}",
    )


def of_answer(url: str, status: int, said: str = "") -> CannotConnect:
    """Return the error for an endpoint whose answer has no token."""
    hint = _ADDRESS if status < 500 else f"curl -sSi {shlex.quote(url)} shows its answer"
    return CannotConnect(
        f"The token endpoint {url} answered HTTP {status} without a token.",
        finding="token-endpoint-failed",
        evidence=(said,) if said else (),
        hint=hint,
    )


def without_tls(url: str, text: str) -> CannotConnect:
    """Return the error for an endpoint with which TLS fails, though not over a certificate."""
    return CannotConnect(
        f"The TLS connection to the token endpoint {url} failed.",
        finding="token-endpoint-failed",
        evidence=(text,),
        hint=_ADDRESS,
    )


def away(url: str, text: str) -> CannotConnect:
    """Return the error for an endpoint that does not answer."""
    return CannotConnect(
        f"The token endpoint {url} does not answer.",
        finding="token-endpoint-away",
        evidence=(text,),
        hint=f"curl -sS -o /dev/null {shlex.quote(url)}; {_SETTINGS}",
    )


def untrusted(client: _Client, text: str, number: int = 0) -> CannotConnect:
    """Return the error for an endpoint whose certificate is not accepted, by OpenSSL's number."""
    url, trusted = client[TOKEN_URL], client.get(HTTPS_CA)
    said, hint = "is not valid", f"curl -vsS -o /dev/null {shlex.quote(url)} shows it"
    if number in NO_AUTHORITY:
        where = f"is not in {trusted}" if trusted else "this machine does not trust"
        said = f"comes from an authority that {where}"
        hint = "export KAFKA_TASKS_HTTPS_CA_LOCATION=FILE, with the certificate of that authority"
    elif number in OTHER_HOST:
        said = f"is not valid for the name {urlsplit(url).hostname}"
    return CannotConnect(
        f"The certificate of the token endpoint {url} {said}.",
        finding="token-endpoint-untrusted",
        evidence=(text,),
        hint=hint,
    )


def missing(source: str, text: str) -> CannotConnect:
    """Return the error for a log-in without a token, as the library says it."""
    return CannotConnect(
        f"No token for the log-in came from {source}.",
        finding="token-missing",
        evidence=(text,),
        hint=_SETTINGS,
    )
