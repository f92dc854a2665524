"""Tokens for tests: what signs them, what gives them, and what brokers need to check them.

The endpoint listens on loopback and knows one client; the brokers read the public key from a file.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

ISSUER, AUDIENCE = "https://issuer.test", "kafka"
CLIENT, SECRET = "orders-service", "s3cret of=the client"
_MODULE = "org.apache.kafka.common.security.oauthbearer"


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


class Signer:
    """Signs tokens by a key of its own."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    @property
    def keys(self) -> str:
        """The public key, as the document that brokers read."""
        numbers = self._key.public_key().public_numbers()
        modulus, exponent = numbers.n.to_bytes(256), numbers.e.to_bytes(3)
        key = {"kty": "RSA", "kid": "one", "use": "sig", "alg": "RS256"}
        return json.dumps({"keys": [{**key, "n": _base64(modulus), "e": _base64(exponent)}]})

    def token(self, subject: str = "admin", *, lasts_s: float = 300.0, **claims: Any) -> str:
        """A token of this subject, which brokers accept for so long unless a claim is wrong."""
        now = int(time.time())
        every = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now - 900}
        payload = {**every, "exp": now + int(lasts_s), **claims}
        parts = (json.dumps(part).encode() for part in ({"alg": "RS256", "kid": "one"}, payload))
        signed = ".".join(map(_base64, parts))
        return f"{signed}.{_base64(self._signature(signed.encode()))}"

    def _signature(self, content: bytes) -> bytes:
        return self._key.sign(content, padding.PKCS1v15(), hashes.SHA256())


def listener(prefix: str) -> dict[str, str]:
    """The properties of a listener with OAUTHBEARER."""
    return {
        f"{prefix}.sasl.enabled.mechanisms": "OAUTHBEARER",
        f"{prefix}.oauthbearer.sasl.jaas.config": f"{_MODULE}.OAuthBearerLoginModule required;",
        f"{prefix}.oauthbearer.sasl.server.callback.handler.class": (
            f"{_MODULE}.OAuthBearerValidatorCallbackHandler"
        ),
    }


def broker(keys: Path) -> dict[str, str]:
    """The properties of a broker that checks tokens by the keys of this file."""
    return {
        "sasl.oauthbearer.jwks.endpoint.url": keys.as_uri(),
        "sasl.oauthbearer.expected.audience": AUDIENCE,
        "sasl.oauthbearer.expected.issuer": ISSUER,
    }


def flags(*urls: str) -> tuple[str, ...]:
    """The flags of a Java that may read these addresses."""
    return (f"-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls={','.join(urls)}",)


@dataclass
class Endpoint:
    """A token endpoint; `asked` has the form of each request that came.

    It answers with `status` and `body`, by default a token of `subject`, `after_s` seconds later.
    """

    signer: Signer
    url: str = ""
    subject: str = "admin"
    lasts_s: float = 300.0
    status: int | None = None
    body: str | None = None
    after_s: float = 0.0
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def answer(self, authorization: str) -> tuple[int, str]:
        """Status and body for a client that shows these credentials."""
        if self.status is not None:
            return self.status, self.body or ""
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, '{"error": "invalid_client", "error_description": "wrong credentials"}'
        token = self.signer.token(self.subject, lasts_s=self.lasts_s)
        given = {"access_token": token, "token_type": "Bearer", "expires_in": int(self.lasts_s)}
        return 200, self.body or json.dumps(given)


@contextmanager
def endpoint(signer: Signer, certificate: Path | None = None) -> Iterator[Endpoint]:
    """Yield an endpoint that listens on loopback, by TLS with a certificate."""
    found = Endpoint(signer)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            found.asked.append(parse_qs(self.rfile.read(length).decode()))
            found.over.wait(found.after_s)
            status, body = found.answer(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    found.url = f"{scheme}://localhost:{server.server_port}/token"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
