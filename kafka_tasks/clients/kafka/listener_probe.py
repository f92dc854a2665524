"""What listens at an address, asked without credentials.

A listener with SASL names its mechanisms to whoever asks for one that it does not know; one without
SASL refuses the question. A certificate is judged by Python's TLS, which tells why it fails.
"""

from __future__ import annotations

import ssl
import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.kafka import tls, wire
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address

_METADATA, _SASL_HANDSHAKE, _API_VERSIONS = 3, 17, 18
_UNSUPPORTED_MECHANISM, _ILLEGAL_SASL_STATE = 33, 34
_INVENTED = b"KAFKA-TASKS"
# How ZooKeeper answers `srvr`, also where the word is not on its whitelist.
OF_ZOOKEEPER = (b"Zookeeper version", b"srvr is not executed because it is not in the whitelist")
# How a record of TLS begins: an alert, or a handshake.
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")


@dataclass(frozen=True, slots=True)
class Listener:
    """A listener of Kafka; `mechanisms` is None without SASL."""

    tls: bool
    mechanisms: tuple[str, ...] | None = None
    is_controllers: bool = False

    @property
    def protocol(self) -> str:
        """Its security protocol, as Kafka names it."""
        if self.mechanisms is None:
            return "SSL" if self.tls else "PLAINTEXT"
        return "SASL_SSL" if self.tls else "SASL_PLAINTEXT"


@dataclass(frozen=True, slots=True)
class TlsFault:
    """TLS failed over the certificate of the server or of the client, or otherwise."""

    of: Literal["server", "client", "handshake"]
    text: str
    code: int = 0


def look(address: Address, client: Mapping[str, str], timeout_s: float) -> Listener | TlsFault:
    """Return what listens there, with TLS as `client`, which has librdkafka's properties, wants it.

    No user name and no password is sent. Raises `wire.NotKafka` where something else answers, and
    `Unanswered` where nothing does.
    """
    if not client.get("security.protocol", "").upper().endswith("SSL"):
        found = _in_plain(address, timeout_s) or _in_tls(address, _unverified(), timeout_s)
    else:
        wanted = tls.verified(client)
        found = _in_tls(address, wanted, timeout_s) or _in_plain(address, timeout_s)
    if found is None:
        _require_no_zookeeper(address, timeout_s)
        raise Unanswered(f"{address} closed the connection without an answer")
    return found


def _require_no_zookeeper(address: Address, timeout_s: float) -> None:
    """Raise `wire.NotKafka` where ZooKeeper answers: it closes the connection of a Kafka client."""
    try:
        told = zookeeper.srvr(address, timeout_s).encode()
    except Unanswered:
        return
    if told.startswith(OF_ZOOKEEPER):
        raise wire.NotKafka(f"{address} is ZooKeeper's", told.splitlines()[0])


def _in_plain(address: Address, timeout_s: float) -> Listener | None:
    """Return the listener, or None where it closes the connection or speaks TLS."""
    with wire.connected(address, timeout_s) as link:
        try:
            return _asked(link, tls=False)
        except wire.NotKafka as error:
            if error.first[:2] in _TLS_RECORDS:
                return None
            raise
        except (wire.Closed, ConnectionError):
            return None


def _in_tls(
    address: Address, wanted: ssl.SSLContext, timeout_s: float
) -> Listener | TlsFault | None:
    """Return the listener, or why TLS fails, or None where it does not speak TLS."""
    with wire.connected(address, timeout_s) as link:
        try:
            with wanted.wrap_socket(link.socket, server_hostname=address.host) as secured:
                return _asked(replace(link, socket=secured), tls=True)
        except ssl.SSLCertVerificationError as error:
            return TlsFault("server", error.verify_message, error.verify_code)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError, wire.Closed):
            return None
        except ssl.SSLError as error:
            return _of(error)


def _of(error: ssl.SSLError) -> TlsFault | None:
    reason = error.reason or ""
    if "ALERT" not in reason:
        return None
    of_client = "CERTIFICATE" in reason or "UNKNOWN_CA" in reason
    return TlsFault("client" if of_client else "handshake", reason.replace("_", " ").lower())


def _asked(link: wire.Link, *, tls: bool) -> Listener:
    try:
        versions = wire.ask(link, _API_VERSIONS, 0, b"")
        versions.int16()
        known = {_first_of_three(versions) for _ in range(versions.int32())}
        if _METADATA not in known:
            return Listener(tls, is_controllers=True)
        name = struct.pack(">h", len(_INVENTED)) + _INVENTED
        handshake = wire.ask(link, _SASL_HANDSHAKE, 1, name)
        code = handshake.int16()
        if code == _ILLEGAL_SASL_STATE:
            return Listener(tls)
        if code != _UNSUPPORTED_MECHANISM:
            raise Unanswered(f"{link.address} answered a question about SASL with error {code}")
        names = [handshake.plain_text() for _ in range(handshake.int32())]
        return Listener(tls, tuple(sorted(name.decode("ascii", "replace") for name in names)))
    except struct.error as error:
        raise Unanswered(f"{link.address} gave an incomplete answer") from error


def _first_of_three(reply: wire.Reply) -> int:
    """Return the key of a request, and pass over its versions."""
    key = reply.int16()
    reply.int32()
    return key


def _unverified() -> ssl.SSLContext:
    found = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    found.check_hostname = False
    found.verify_mode = ssl.CERT_NONE
    return found
