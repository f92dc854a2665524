"""One request to a token endpoint, and what its answers mean."""

from __future__ import annotations

import base64
import io
import json
import ssl
from email.message import Message
from http.client import RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import OpenerDirector, Request

import pytest

from kafka_tasks.clients.kafka import token_endpoint, token_refusals
from kafka_tasks.errors import CannotConnect
from tests.unit.clients.kafka.test_token import jwt

URL = "https://issuer.test/token"
CLIENT = {
    "sasl.oauthbearer.token.endpoint.url": URL,
    "sasl.oauthbearer.client.id": "me",
    "sasl.oauthbearer.client.secret": "s3cret",
}


class _Endpoint:
    """Answers each request alike, and keeps them."""

    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer
        self.asked: list[Request] = []

    def open(self, _: OpenerDirector, request: Request, timeout: float) -> Any:
        """Answer in place of the network."""
        self.asked.append(request)
        if isinstance(self.answer, Exception):
            raise self.answer
        return io.BytesIO(self.answer.encode())


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> _Endpoint:
    """An endpoint that gives a token."""
    given = {"access_token": jwt(exp=4_000_000_000, sub="me"), "expires_in": 60}
    found = _Endpoint(json.dumps(given))
    monkeypatch.setattr(OpenerDirector, "open", lambda *given, **named: found.open(*given, **named))
    return found


def _refused(status: int, body: str = "") -> HTTPError:
    return HTTPError(URL, status, "no", Message(), io.BytesIO(body.encode()))


def _untrusted(number: int) -> URLError:
    error = ssl.SSLCertVerificationError("no")
    error.verify_code, error.verify_message = number, "the reason"
    return URLError(error)


def test_the_client_is_named_as_librdkafka_names_it(endpoint: _Endpoint) -> None:
    """By Basic authentication, with the scope in the form."""
    found = token_endpoint.fetch({**CLIENT, "sasl.oauthbearer.scope": "a b"}, 1.0)
    assert found.subject == "me"
    (asked,) = endpoint.asked
    assert asked.data == b"grant_type=client_credentials&scope=a+b"
    basic = base64.b64encode(b"me:s3cret").decode()
    assert asked.get_header("Authorization") == f"Basic {basic}"


@pytest.mark.parametrize(
    ("answer", "finding", "said"),
    [
        (_refused(401, '{"error": "invalid_client"}'), "token-client-refused", "client 'me'"),
        (_refused(400, '{"error": "invalid_client"}'), "token-client-refused", "client 'me'"),
        (_refused(403), "token-client-refused", "HTTP 403"),
        (_refused(400, '{"error": "invalid_scope"}'), "token-client-refused", "without a scope"),
        (_refused(400, '{"error": "invalid_request"}'), "token-endpoint-failed", "HTTP 400"),
        (_refused(302), "token-endpoint-failed", "HTTP 302"),
        (_refused(503, "[]"), "token-endpoint-failed", "HTTP 503"),
        ("hello", "token-endpoint-failed", "HTTP 200 without a token"),
        ("{}", "token-endpoint-failed", "HTTP 200 without a token"),
        (f'{{"access_token": "{jwt(exp=1)}"}}', "token-expired", "expired at 1970"),
        (URLError(ConnectionRefusedError(111, "refused")), "token-endpoint-away", "not answer"),
        (URLError(TimeoutError()), "token-endpoint-away", "does not answer"),
        (RemoteDisconnected("closed"), "token-endpoint-away", "does not answer"),
        (URLError(ssl.SSLError("WRONG_VERSION_NUMBER")), "token-endpoint-failed", "TLS connection"),
        (_untrusted(20), "token-endpoint-untrusted", "an authority that this machine"),
        (_untrusted(62), "token-endpoint-untrusted", "the name issuer.test"),
        (_untrusted(10), "token-endpoint-untrusted", "is not valid"),
    ],
)
def test_an_answer_without_a_token_is_a_sentence(
    endpoint: _Endpoint, answer: str | Exception, finding: str, said: str
) -> None:
    """With a finding of its own, and never the secret."""
    endpoint.answer = answer
    with pytest.raises(CannotConnect, match=said) as caught:
        token_endpoint.fetch(CLIENT, 1.0)
    error = caught.value
    assert (error.finding, error.exit_code) == (finding, 3)
    assert error.finding in token_refusals.FINDINGS and error.is_of_user
    assert "s3cret" not in f"{error.message}{error.evidence}{error.hint}"


def test_authorities_that_cannot_be_read(endpoint: _Endpoint, tmp_path: Path) -> None:
    """Nothing is asked then."""
    with pytest.raises(CannotConnect, match="is not valid"):
        token_endpoint.fetch({**CLIENT, "https.ca.location": str(tmp_path / "none")}, 1.0)
    assert endpoint.asked == []
