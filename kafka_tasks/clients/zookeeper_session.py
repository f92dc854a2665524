"""A session with ZooKeeper that ends in time, whoever it is that answers there.

Kazoo waits for answers as long as somebody keeps the connection alive, takes in as many bytes as an
answer says it has, and waits for its own thread without end.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from kazoo.client import KazooClient
from kazoo.handlers.threading import KazooTimeoutError, SequentialThreadingHandler

from kafka_tasks.clients.zookeeper import Unanswered
from kafka_tasks.model.cluster import Address
from kafka_tasks.retry import Deadline

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

# The names of a million topics.
_ANSWERS_LIMIT = 64 * 1024 * 1024
_PIECE = 64 * 1024
_GOODBYE_S = 0.5


class Session:
    """Connected when it is made; raises `Unanswered` where that takes more than `timeout_s`.

    All questions together have the same time once more, and raise `Unanswered` after it.
    """

    def __init__(self, address: Address, timeout_s: float, *, session_s: float) -> None:
        self._address, self._timeout_s = address, timeout_s
        self._handler = _Handler()
        self._client = KazooClient(
            hosts=str(address), timeout=session_s, read_only=True, handler=self._handler
        )
        self._client.start_async().wait(timeout_s)
        if not self._client.connected:
            self.stop()
            self.close()
            raise self._unanswered()
        self._deadline = Deadline.after(timeout_s)

    @property
    def client_id(self) -> tuple[int, bytes]:
        """The number of this session, and its password."""
        found: tuple[int, bytes] = self._client.client_id
        return found

    def exists(self, path: str) -> Any:
        """What ZooKeeper knows about a node, or None."""
        return self._answer(self._client.exists_async(path))

    def get(self, path: str) -> tuple[bytes, Any]:
        """A node's content, and what ZooKeeper knows about it."""
        found: tuple[bytes, Any] = self._answer(self._client.get_async(path))
        return found

    def get_children(self, path: str) -> list[str]:
        """The names below a node."""
        return list(self._answer(self._client.get_children_async(path)))

    def _answer(self, asked: Any) -> Any:
        try:
            return asked.get(timeout=self._deadline.remaining())
        except KazooTimeoutError as error:
            raise self._unanswered() from error

    def _unanswered(self) -> Unanswered:
        return Unanswered(f"{self._address} did not answer within {self._timeout_s:g} s")

    def stop(self) -> None:
        """Say goodbye; whoever does not let go within half a second is cut off."""
        goodbye = threading.Thread(target=_quietly(self._client.stop), daemon=True)
        goodbye.start()
        goodbye.join(_GOODBYE_S)
        self._handler.cut()
        goodbye.join(_GOODBYE_S)

    def close(self) -> None:
        """Free what is left."""
        _quietly(self._client.close)()


class _Handler(SequentialThreadingHandler):  # type: ignore[misc]
    """Kazoo's threads and connections, so that they can be ended from outside."""

    def __init__(self) -> None:
        super().__init__()
        self._links: list[_Link] = []
        self._is_cut = False

    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """A thread whose end is no news: Python would print what it ended with."""
        return super().spawn(_quietly(func), *args, **kwargs)

    def create_connection(self, *args: Any, **kwargs: Any) -> socket.socket:
        """A connection that takes in no more than any honest answer has."""
        if self._is_cut:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the session has ended")
        plain = super().create_connection(*args, **kwargs)
        patience = plain.gettimeout()
        link = _Link(plain.family, plain.type, plain.proto, plain.detach())
        link.settimeout(patience)
        self._links.append(link)
        return link

    def cut(self) -> None:
        """End every connection, and let none begin."""
        self._is_cut = True
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


class _Link(socket.socket):
    """A connection that breaks after so many bytes, taken in by pieces."""

    _taken = 0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """The next bytes; a buffer for all that was announced is never made."""
        chunk = super().recv(min(bufsize, _PIECE), flags)
        self._taken += len(chunk)
        if self._taken > _ANSWERS_LIMIT:
            raise OSError(errno.EMSGSIZE, "the answer has no end")
        return chunk


def _quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(Exception):
            return function(*args, **kwargs)

    return run
