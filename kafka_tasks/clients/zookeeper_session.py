"""A ZooKeeper session with a time limit: the only importer of kazoo.

Kazoo alone has no limit: it waits as long as the peer keeps the connection alive, reads as many
bytes as the answer announces, and waits for its own thread forever.
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

from kafka_tasks.clients import zookeeper_link
from kafka_tasks.model.address import Endpoint, Inside
from kafka_tasks.retry import Deadline

logging.getLogger("kazoo").setLevel(logging.CRITICAL)

# Enough for the names of a million topics.
_ANSWERS_LIMIT = 64 * 1024 * 1024
_PIECE = 64 * 1024
_CLOSE_S = 0.5
# Kazoo resolves an address before it connects, and this one is not connected to.
_NOWHERE = "127.0.0.1:2181"


class ZookeeperSession:
    """A session that is connected on construction; raises `TimeoutError` after `timeout_s`.

    All requests together have `timeout_s` once more, and raise `TimeoutError` after it.
    """

    def __init__(self, address: Endpoint, timeout_s: float, *, session_s: float) -> None:
        self._address = address
        timeout_s = self._timeout_s = zookeeper_link.patience(address, timeout_s)
        self._handler = _Handler(address)
        hosts = _NOWHERE if isinstance(address, Inside) else str(address)
        self._client = KazooClient(
            hosts=hosts, timeout=session_s, read_only=True, handler=self._handler
        )
        self._client.start_async().wait(timeout_s)
        if not self._client.connected:
            self.stop()
            self.close()
            raise self._timed_out()
        self._deadline = Deadline.after(timeout_s)

    @property
    def client_id(self) -> tuple[int, bytes]:
        """The id of this session, and its password."""
        found: tuple[int, bytes] = self._client.client_id
        return found

    def exists(self, path: str) -> Any:
        """Return the stat of a node, or None where it does not exist."""
        return self._answer(self._client.exists_async(path))

    def get(self, path: str) -> tuple[bytes, Any]:
        """Return the content and the stat of a node."""
        found: tuple[bytes, Any] = self._answer(self._client.get_async(path))
        return found

    def get_children(self, path: str) -> list[str]:
        """Return the names of the children of a node."""
        return list(self._answer(self._client.get_children_async(path)))

    def delete(self, path: str, version: int) -> None:
        """Delete a node of this version; one that is gone already is no error."""
        from kazoo.exceptions import NoNodeError

        with contextlib.suppress(NoNodeError):
            self._answer(self._client.delete_async(path, version))

    def _answer(self, asked: Any) -> Any:
        try:
            return asked.get(timeout=self._deadline.remaining())
        except KazooTimeoutError as error:
            raise self._timed_out() from error

    def _timed_out(self) -> TimeoutError:
        return TimeoutError(f"no answer within {self._timeout_s:g} s")

    def stop(self) -> None:
        """Close the session; cut the connections of a peer that takes over half a second."""
        closing = threading.Thread(target=_quietly(self._client.stop), daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        self._handler.cut()
        closing.join(_CLOSE_S)

    def close(self) -> None:
        """Free the remaining resources."""
        _quietly(self._client.close)()


class _Handler(SequentialThreadingHandler):  # type: ignore[misc]
    """Kazoo's threads and connections, which can be cut from outside."""

    def __init__(self, address: Endpoint) -> None:
        super().__init__()
        self._address = address
        self._links: list[_Link] = []
        self._is_cut = False

    def spawn(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Start a thread that exits silently: Python would print its exception."""
        return super().spawn(_quietly(func), *args, **kwargs)

    def create_connection(self, *args: Any, **kwargs: Any) -> socket.socket:
        """Open a connection that limits how much it reads."""
        if self._is_cut:
            raise ConnectionAbortedError(errno.ECONNABORTED, "the session is closed")
        plain = (
            zookeeper_link.opened(self._address, zookeeper_link.INSIDE_S)
            if isinstance(self._address, Inside)
            else super().create_connection(*args, **kwargs)
        )
        timeout = plain.gettimeout()
        link = _Link(plain.family, plain.type, plain.proto, plain.detach())
        link.settimeout(timeout)
        self._links.append(link)
        return link

    def cut(self) -> None:
        """Shut down every connection, and refuse new ones."""
        self._is_cut = True
        for link in self._links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)


class _Link(socket.socket):
    """A connection that fails after `_ANSWERS_LIMIT` bytes."""

    _taken = 0

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return the next bytes; never allocate a buffer of the announced size."""
        chunk = super().recv(min(bufsize, _PIECE), flags)
        self._taken += len(chunk)
        if self._taken > _ANSWERS_LIMIT:
            raise OSError(errno.EMSGSIZE, "the answer is too large")
        return chunk


def _quietly(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(Exception):
            return function(*args, **kwargs)

    return run
