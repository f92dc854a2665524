from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from kafka_tasks.clients.kafka import quorum
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address

CONTROLLER = Address("127.0.0.1", 19093)


class _Link:
    """A connection that answers with fixed bytes, in small pieces."""

    def __init__(self, reply: bytes) -> None:
        self._left = reply
        self.sent = b""

    def __enter__(self) -> _Link:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def settimeout(self, _: float) -> None:
        return

    def sendall(self, content: bytes) -> None:
        self.sent += content

    def recv(self, count: int) -> bytes:
        piece, self._left = self._left[: min(count, 3)], self._left[min(count, 3) :]
        return piece


def _replicas(found: dict[int, int]) -> bytes:
    parts = (struct.pack(">iq", node, offset) + b"\0" for node, offset in found.items())
    return bytes([len(found) + 1]) + b"".join(parts)


def _quorum(error: int = 0, leader: int = 2, top: int = 0) -> bytes:
    """Return a reply as Kafka's message definition has it."""
    partition = struct.pack(">ihiiq", 0, error, leader, 7, 99)
    partition += _replicas({1: 98, 2: 99, 3: -1}) + _replicas({4: 97}) + b"\0"
    name = b"__cluster_metadata"
    topic = bytes([len(name) + 1]) + name + b"\x02" + partition + b"\0"
    return struct.pack(">h", top) + b"\x02" + topic + b"\0"


def _framed(body: bytes, correlation: int = 1) -> bytes:
    # Two tagged fields that this client does not know, in the header.
    head = struct.pack(">i", correlation) + b"\x02" + b"\x00\x02ab" + b"\x01\x00"
    return struct.pack(">i", len(head + body)) + head + body


@pytest.fixture
def replies(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """Replies that come one after the other, each on a connection of its own."""
    found: list[bytes] = []
    monkeypatch.setattr(socket, "create_connection", lambda *_: _Link(found.pop(0)))
    yield found
    assert found == []


def test_the_leader_describes_its_quorum(replies: list[bytes]) -> None:
    """Voters and observers come with their last offsets; unknown tagged fields are passed over."""
    replies.append(_framed(_quorum()))
    found = quorum.describe(CONTROLLER, 1.0)
    assert found == quorum.Quorum(2, 7, {1: 98, 2: 99, 3: -1}, {4: 97})


@pytest.mark.parametrize("reply", [_quorum(error=6), _quorum(top=41), _quorum(leader=-1)])
def test_one_that_does_not_lead_says_nothing(replies: list[bytes], reply: bytes) -> None:
    """Another controller may lead."""
    replies.append(_framed(reply))
    assert quorum.describe(CONTROLLER, 1.0) is None


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (_framed(_quorum(top=35)), "UNSUPPORTED_VERSION"),
        (_framed(_quorum(error=-1)), "error -1"),
        (_framed(_quorum()[:30]), "no quorum"),
        (_framed(_quorum(), correlation=2), "another request"),
        (b"HTTP/1.1 400 Bad Request\r\n", "does not speak Kafka's protocol"),
        (b"", "closed before the answer"),
    ],
)
def test_anything_else_is_no_answer(replies: list[bytes], reply: bytes, reason: str) -> None:
    """What came instead is the reason."""
    replies.append(reply)
    with pytest.raises(Unanswered, match=reason):
        quorum.describe(CONTROLLER, 1.0)
