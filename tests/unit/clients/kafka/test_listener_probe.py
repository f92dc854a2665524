from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Callable

import pytest

from kafka_tasks.clients.kafka import listener_probe, refusals, wire
from kafka_tasks.clients.kafka.listener_probe import Listener, look
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address

BROKER = Address("kafka.test", 9092)
Answers = Callable[..., list[bytes]]


class _Link:
    """A connection that answers with fixed bytes, and is closed then."""

    def __init__(self, replies: bytes) -> None:
        self._left = replies

    def __enter__(self) -> _Link:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def settimeout(self, _: float) -> None:
        return

    def sendall(self, _: bytes) -> None:
        return

    def recv(self, count: int) -> bytes:
        piece, self._left = self._left[:count], self._left[count:]
        return piece


def _framed(body: bytes) -> bytes:
    return struct.pack(">ii", len(body) + 4, 1) + body


def _versions(*keys: int) -> bytes:
    return _framed(
        struct.pack(">hi", 0, len(keys)) + b"".join(struct.pack(">hhh", key, 0, 1) for key in keys)
    )


def _handshake(code: int, *names: str) -> bytes:
    texts = (struct.pack(">h", len(name)) + name.encode() for name in names)
    return _framed(struct.pack(">hi", code, len(names)) + b"".join(texts))


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """`answers(bytes or error)` is what the next connection comes to."""

    def prepare(reply: object) -> None:
        def connect(*_: object) -> _Link:
            if isinstance(reply, Exception):
                raise reply
            assert isinstance(reply, bytes)
            return _Link(reply)

        monkeypatch.setattr(socket, "create_connection", connect)

    return prepare


@pytest.mark.parametrize(
    ("reply", "found"),
    [
        (_versions(0, 3, 17) + _handshake(34), Listener(False)),
        (
            _versions(0, 3) + _handshake(33, "SCRAM-SHA-512", "PLAIN"),
            Listener(False, ("PLAIN", "SCRAM-SHA-512")),
        ),
        (_versions(1, 55), Listener(False, is_controllers=True)),
    ],
)
def test_a_listener_says_what_it_is(
    answers: Callable[[object], None], reply: bytes, found: Listener
) -> None:
    """Without SASL, with its mechanisms, and a controller's."""
    answers(reply)
    assert look(BROKER, {}, 1.0) == found


@pytest.mark.parametrize(
    "told", [b"Zookeeper version: 3.8.4\nMode: standalone\n", listener_probe.OF_ZOOKEEPER[1]]
)
@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_SSL"])
def test_zookeeper_is_told_by_its_answer(
    monkeypatch: pytest.MonkeyPatch, told: bytes, protocol: str
) -> None:
    """It closes the connection of a Kafka client; `srvr` is answered, or refused in its words."""

    class Keeper(_Link):
        def sendall(self, data: bytes) -> None:
            self._left = told if data == b"srvr" else b""

    def wrapped(*_: object, **__: object) -> None:
        raise ssl.SSLEOFError

    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: Keeper(b""))
    monkeypatch.setattr(ssl.SSLContext, "wrap_socket", wrapped)
    with pytest.raises(wire.NotKafka) as caught:
        look(BROKER, {"security.protocol": protocol}, 1.0)
    assert told.startswith(caught.value.first)
    error = refusals.not_kafka(BROKER, caught.value.first)
    assert error.finding == "zookeeper-address"
    assert "is ZooKeeper; clients connect to a broker" in error.message


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", wire.NotKafka),
        (_framed(b"\0\0\0\0\0\\9" + b"\0"), Unanswered),
        (_versions(3) + _handshake(99), Unanswered),
        (ConnectionRefusedError(111, "Connection refused"), wire.Refused),
        (TimeoutError("timed out"), Unanswered),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), wire.Unresolved),
        (UnicodeError("label too long"), wire.Unresolved),
    ],
)
def test_what_is_no_listener(
    answers: Callable[[object], None], reply: object, kind: type[Unanswered]
) -> None:
    """A web server, half an answer, an error of Kafka's, a closed port, silence, a bad name."""
    answers(reply)
    with pytest.raises(Unanswered) as caught:
        look(BROKER, {}, 1.0)
    assert type(caught.value) is kind


def test_a_resolver_that_is_away_may_come_back(answers: Callable[[object], None]) -> None:
    """The name may have an address all the same."""
    answers(socket.gaierror(socket.EAI_AGAIN, "try again"))
    with pytest.raises(Unanswered) as caught:
        look(BROKER, {}, 1.0)
    assert type(caught.value) is Unanswered
