"""The names below a node, from replies as ZooKeeper writes them."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.clients.zookeeper_request import children
from kafka_tasks.model.address import Address

HERE = Address("localhost", 2181)
SESSION = struct.pack(">iiqi16s?", 0, 4000, 7, 16, b"p" * 16, False)


def reply(number: int, names: Sequence[str] = (), error: int = 0) -> bytes:
    """The answer to one request."""
    listed = b"".join(struct.pack(">i", len(n.encode())) + n.encode() for n in names)
    body = b"" if error else struct.pack(">i", len(names)) + listed
    return struct.pack(">iqi", number, 99, error) + body


def framed(*contents: bytes) -> bytes:
    """These replies, each behind its length."""
    return b"".join(struct.pack(">i", len(content)) + content for content in contents)


class _Link:
    """A connection that gives its content in pieces of one size."""

    def __init__(self, content: bytes, piece: int) -> None:
        self.content, self.piece, self.sent = content, piece, b""

    def __enter__(self) -> _Link:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def settimeout(self, seconds: float) -> None:
        """Every wait has an end."""
        assert 0 < seconds <= 1

    def sendall(self, data: bytes) -> None:
        """Note what was asked."""
        self.sent += data

    def recv(self, size: int) -> bytes:
        """The next piece."""
        size = min(size, self.piece)
        found, self.content = self.content[:size], self.content[size:]
        return found


_Answers = Callable[..., _Link]


@pytest.fixture
def answers(zookeeper_is: Callable[[Any], None]) -> _Answers:
    """Let the next connection be one with this content."""

    def prepare(content: bytes, piece: int = 65536) -> _Link:
        link = _Link(content, piece)
        zookeeper_is(link)
        return link

    return prepare


@pytest.mark.parametrize("piece", [1, 7, 65536])
def test_names_are_read_however_the_replies_are_cut(answers: _Answers, piece: int) -> None:
    """A session, a request for each path, and the end of the session."""
    link = answers(framed(SESSION, reply(1, ["orders", "größe"]), reply(2)), piece)
    assert children(HERE, ("/a", "/b"), 1.0) == [{"orders", "größe"}, frozenset()]
    assert link.sent.count(b"/a\0") == 1
    assert link.sent.endswith(struct.pack(">iii", 8, 0, -11))


def test_topics_that_are_about_to_be_deleted_do_not_count(answers: _Answers) -> None:
    """A missing node has no children: nothing was ever deleted, or no broker ever started."""
    answers(framed(SESSION, reply(1, ["a", "b"]), reply(2, ["b"])))
    assert zookeeper.topics(HERE, 1.0) == {"a"}
    answers(framed(SESSION, reply(1, error=-101), reply(2, error=-101)))
    assert zookeeper.topics(HERE, 1.0) == frozenset()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "closed before"),
        (framed(SESSION), "closed before"),
        (framed(SESSION, reply(1, ["orders"]))[:-2], "closed before"),
        (framed(SESSION, reply(2)), "another request"),
        (framed(SESSION, reply(1, error=-102)), "refused /a: error -102"),
        (framed(SESSION, b"short"), "does not speak"),
        (framed(SESSION, struct.pack(">iqii", 1, 0, 0, 1 << 30)), "does not speak"),
        (framed(SESSION, struct.pack(">iqiii", 1, 0, 0, 1, 1 << 30)), "does not speak"),
        (framed(SESSION, struct.pack(">iqiii", 1, 0, 0, 1, 2) + b"\xff\xff"), "does not speak"),
        (b"HTTP/1.1 400 Bad Request\r\n", "not one of ZooKeeper"),
    ],
)
def test_anything_else_is_no_answer(answers: _Answers, content: bytes, said: str) -> None:
    """Damaged, cut and foreign replies are bounded, and one kind of error."""
    answers(content)
    with pytest.raises(Unanswered, match=said):
        children(HERE, ("/a",), 1.0)


def test_a_refused_connection_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A closed port is no exception of the socket library."""

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(Unanswered, match="localhost:2181: Connection refused"):
        children(HERE, ("/a",), 1.0)
