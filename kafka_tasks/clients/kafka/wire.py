"""One request and its reply in Kafka's wire format, for what no client library sends.

Written by hand from Kafka's message definitions.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.address import Address

if TYPE_CHECKING:
    import ssl

# The replies that are asked for here are shorter; anything longer is not an answer to us.
_REPLY_LIMIT = 65536
_CORRELATION = 1
_NO_TAGS = b"\0"


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to an address."""

    socket: socket.socket
    address: Address


class NotKafka(Unanswered):
    """The answer begins with other bytes than a reply of Kafka; `first` are those."""

    def __init__(self, message: str, first: bytes) -> None:
        super().__init__(message)
        self.first = first


class Unresolved(Unanswered):
    """The host name has no address, as the resolver says for certain."""


class Refused(Unanswered):
    """Nothing listens at the address."""


class Closed(Unanswered):
    """The connection was closed before the answer was complete."""


@contextmanager
def connected(
    address: Address, timeout_s: float, tls: ssl.SSLContext | None = None
) -> Iterator[Link]:
    """Yield a connection on which each step takes up to `timeout_s`; raises `Unanswered`."""
    try:
        with socket.create_connection((address.host, address.port), timeout_s) as link:
            link.settimeout(timeout_s)
            if tls is None:
                yield Link(link, address)
                return
            with tls.wrap_socket(link, server_hostname=address.host) as secured:
                yield Link(secured, address)
    except UnicodeError as error:
        raise Unresolved(f"{address}: {error}") from error
    except OSError as error:
        raise _kind(error)(f"{address}: {error.strerror or error}") from error


def _kind(error: OSError) -> type[Unanswered]:
    if isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN:
        return Unresolved
    return Refused if isinstance(error, ConnectionRefusedError) else Unanswered


def ask(link: Link, key: int, version: int, body: bytes, *, flexible: bool = False) -> Reply:
    """Send one request, and return its reply behind the correlation id.

    Raises `NotKafka` where the answer is none of Kafka's, `Closed` where none comes, and OSError.
    """
    head = struct.pack(">hhih", key, version, _CORRELATION, -1) + (_NO_TAGS if flexible else b"")
    request = head + body
    link.socket.sendall(struct.pack(">i", len(request)) + request)
    first = _read(link.socket, 4)
    (size,) = struct.unpack(">i", first)
    if not 5 <= size <= _REPLY_LIMIT:
        raise NotKafka(f"{link.address} does not speak Kafka's protocol", first)
    reply = Reply(_read(link.socket, size))
    if reply.int32() != _CORRELATION:
        raise NotKafka(f"{link.address} answered another request", first)
    return reply


def _read(link: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = link.recv(size - len(content))
        if not piece:
            raise Closed("the connection was closed before the answer was complete")
        content += piece
    return content


class Reply:
    """A reply that is read from the front."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def _next(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._content, self._at)
        self._at += struct.calcsize(form)
        return int(value)

    def int16(self) -> int:
        """Return the next two bytes."""
        return self._next(">h")

    def int32(self) -> int:
        """Return the next four bytes."""
        return self._next(">i")

    def int64(self) -> int:
        """Return the next eight bytes."""
        return self._next(">q")

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._content[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def count(self) -> int:
        """Return the length of the compact array or string that follows."""
        return self._varint() - 1

    def text(self) -> bytes:
        """Return the compact string that follows."""
        return self._take(max(self.count(), 0))

    def plain_text(self) -> bytes:
        """Return the string that follows, in the older form with two bytes for its length."""
        return self._take(max(self.int16(), 0))

    def _take(self, length: int) -> bytes:
        self._at += length
        return self._content[self._at - length : self._at]

    def tags(self) -> None:
        """Pass over tagged fields."""
        for _ in range(self._varint()):
            self._varint()
            length = self._varint()
            self._at += length
