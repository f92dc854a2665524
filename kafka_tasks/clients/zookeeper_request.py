"""The children of some ZooKeeper nodes, without a client library.

Every list of topics waits for this answer. Kazoo takes 0.2 s to load, these requests 5 ms; they are
written by hand from ZooKeeper's own message definitions, which every release speaks.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Iterator

from kafka_tasks.clients import zookeeper_link
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Endpoint
from kafka_tasks.retry import Deadline

_GET_CHILDREN, _CLOSE = 8, -11
_NO_NODE = -101
_SESSION_MS = 4000
_NO_SESSION = struct.pack(">iqiqi16s?", 0, 0, _SESSION_MS, 0, 16, b"", True)
# Enough for the names of a million topics.
_REPLY_LIMIT = 64 * 1024 * 1024
_HEAD = struct.Struct(">iqi")


def children(address: Endpoint, paths: Iterable[str], timeout_s: float) -> list[frozenset[str]]:
    """Return the names below each path; none below a missing one. Raises `Unanswered`."""
    timeout_s = zookeeper_link.patience(address, timeout_s)
    try:
        with zookeeper_link.opened(address, timeout_s) as link:
            asked = _Conversation(link, Deadline.after(timeout_s))
            asked.ask(_NO_SESSION)
            try:
                return [_names(asked, number, path) for number, path in enumerate(paths, 1)]
            finally:
                # Without it, ZooKeeper keeps the session for four more seconds.
                asked.send(struct.pack(">ii", 0, _CLOSE))
    except OSError as error:
        raise Unanswered(f"{address}: {error.strerror or error}") from error
    except (struct.error, UnicodeDecodeError) as error:
        raise Unanswered(f"{address} does not speak ZooKeeper's protocol") from error


def _names(asked: _Conversation, number: int, path: str) -> frozenset[str]:
    name = path.encode()
    request = struct.pack(">iii", number, _GET_CHILDREN, len(name)) + name + b"\0"
    reply = asked.ask(request)
    answered, _, error = _HEAD.unpack_from(reply)
    if answered != number:
        raise Unanswered("ZooKeeper answered another request")
    if error == _NO_NODE:
        return frozenset()
    if error:
        raise Unanswered(f"ZooKeeper refused {path}: error {error}")
    return frozenset(_texts(reply, _HEAD.size))


def _texts(content: bytes, at: int) -> Iterator[str]:
    """Yield the strings of a list that begins here."""
    (count,) = struct.unpack_from(">i", content, at)
    at += 4
    for _ in range(count):
        (size,) = struct.unpack_from(">i", content, at)
        (name,) = struct.unpack_from(f">{max(0, size)}s", content, at + 4)
        at += 4 + len(name)
        yield name.decode()


class _Conversation:
    """Requests and replies of one session, each behind its length, before one deadline."""

    def __init__(self, link: socket.socket, deadline: Deadline) -> None:
        self._link, self._deadline = link, deadline

    def send(self, content: bytes) -> None:
        """Send one request."""
        self._limit()
        self._link.sendall(struct.pack(">i", len(content)) + content)

    def ask(self, content: bytes) -> bytes:
        """Send one request and return its reply."""
        self.send(content)
        (size,) = struct.unpack(">i", self._read(4))
        if not 0 <= size <= _REPLY_LIMIT:
            raise Unanswered("the reply is not one of ZooKeeper")
        return self._read(size)

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._limit()
            piece = self._link.recv(min(size - len(found), 65536))
            if not piece:
                raise Unanswered("the connection was closed before the answer was complete")
            found += piece
        return bytes(found)

    def _limit(self) -> None:
        left = self._deadline.remaining()
        if not left:
            raise Unanswered("no complete answer in time")
        self._link.settimeout(left)
