"""A server on loopback that answers as no broker and no ZooKeeper should."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.fuzz.mutations import word

# Bytes that an endless answer has before its connection ends. kafka-python takes in all that comes
# until a sender pauses, and cannot be told otherwise; nobody else may want all of them.
_ENDLESS = 128 * 1024 * 1024
_PATIENCE_S = 30.0

Talk = Callable[["Link"], None]


class Link:
    """One connection of the server's; everything ends when the server does."""

    def __init__(self, sock: socket.socket, rng: random.Random, over: threading.Event) -> None:
        self.sock, self.rng, self.over = sock, rng, over
        sock.settimeout(_PATIENCE_S)

    def send(self, content: bytes) -> None:
        """Say this."""
        self.sock.sendall(content)

    def heard(self, size: int) -> bytes:
        """Exactly so many bytes; raises `ConnectionError` where there are no more."""
        found = b""
        while len(found) < size:
            piece = self.sock.recv(size - len(found))
            if not piece:
                raise ConnectionError
            found += piece
        return found

    def framed(self) -> bytes:
        """A message with its length before it."""
        return self.heard(struct.unpack(">i", self.heard(4))[0])

    def frame(self, content: bytes) -> None:
        """Say a message with its length before it."""
        self.send(struct.pack(">i", len(content)) + content)

    def hold(self) -> None:
        """Say nothing more, and listen."""
        while not self.over.wait(0.05):
            pass

    def endless(self, unit: bytes) -> None:
        """Say the same again and again."""
        piece = unit * max(1, 65536 // len(unit))
        for _ in range(_ENDLESS // len(piece)):
            if self.over.is_set():
                return
            self.send(piece)

    def slowly(self, content: bytes, pause_s: float) -> None:
        """Byte by byte."""
        for at in range(len(content)):
            if self.over.wait(pause_s):
                return
            self.send(content[at : at + 1])


@contextmanager
def server(rng: random.Random, talk: Talk) -> Iterator[int]:
    """The port of a server that talks like this to whoever connects."""
    over = threading.Event()
    threads: list[threading.Thread] = []
    seed = rng.getrandbits(64)

    def serve(sock: socket.socket, number: int) -> None:
        with sock, contextlib.suppress(OSError, struct.error, ValueError):
            talk(Link(sock, random.Random(f"{seed}:{number}"), over))

    def accept(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not over.is_set():
                sock, _ = listener.accept()
                thread = threading.Thread(target=serve, args=(sock, len(threads)), daemon=True)
                threads.append(thread)
                thread.start()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


# -- what fits any protocol --------------------------------------------------------------------


def _silent(link: Link) -> None:
    link.hold()


def _closes(link: Link) -> None:
    if link.rng.random() < 0.5:
        # A reset instead of an orderly end.
        link.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _closes_after_a_word(link: Link) -> None:
    link.sock.recv(4096)
    link.send(link.rng.randbytes(link.rng.randint(1, 40)))


def _garbage(link: Link) -> None:
    link.sock.recv(4096)
    link.send(link.rng.randbytes(link.rng.choice((1, 4, 100, 10_000))))
    link.hold()


def _endless(link: Link) -> None:
    units = (b"\0", b"x", b"\xff", b"\n", b"Mode: ", b"\0\0\0\4\0\0\0\1")
    link.endless(link.rng.choice(units))


def _endless_after_a_promise(link: Link) -> None:
    link.sock.recv(4096)
    link.send(struct.pack(">I", link.rng.choice((0x7FFFFFFF, 0x10000000, 100_000_000, 70_000_000))))
    link.endless(b"\0")


def _odd_length(link: Link) -> None:
    link.sock.recv(4096)
    lengths = (-1, 0, 1, 3, -(2**31), 2**31 - 1)
    for _ in range(1000):
        link.send(struct.pack(">i", link.rng.choice(lengths)))
    link.hold()


def _slow(link: Link) -> None:
    link.slowly(b"\0\0\0\x20" + b"Mode: standalone\n" * 20, link.rng.choice((0.05, 1.0)))


def _other_protocol(link: Link) -> None:
    link.sock.recv(4096)
    texts = (
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"-ERR unknown command\r\n",
        b"Mode: \x1b[31mstandalone\n",
        b"Mode: standalone\n",
        b"\x1b[2J\x1b]0;x\x07" * 20,
    )
    link.send(link.rng.choice(texts))


ANY: tuple[Talk, ...] = (
    _silent,
    _closes,
    _closes_after_a_word,
    _garbage,
    _endless,
    _endless_after_a_promise,
    _odd_length,
    _slow,
    _other_protocol,
)


# -- almost a broker ---------------------------------------------------------------------------


_HOSTS = (b"127.0.0.1", b"127.0.0.1", b"localhost", b"127.255.255.254", b"[::1]", b"", b"a" * 300)


def _string(text: bytes | None) -> bytes:
    return struct.pack(">h", -1) if text is None else struct.pack(">h", len(text)) + text


def _odd_text(rng: random.Random) -> bytes:
    return word(rng).encode("utf-8", "surrogatepass")[:30_000]


def _count(rng: random.Random, usual: int, *, least: int = -1) -> bytes:
    odd = (0, least, 2**31 - 1, 100_000, usual + 1)
    return struct.pack(">i", usual if rng.random() < 0.7 else rng.choice(odd))


def _versions() -> bytes:
    """That it knows version 0 of what versions it knows, and version 1 of metadata."""
    known = ((18, 0, 0), (3, 0, 1))
    return struct.pack(">hi", 0, len(known)) + b"".join(struct.pack(">hhh", *at) for at in known)


def _metadata(rng: random.Random, port: int) -> bytes:
    """Metadata, version 1, of a cluster that cannot be.

    Left out is what ends the library's own process (confluent-kafka 2.16): -1 brokers or
    partitions, null or what is not UTF-8 in place of a host, null in place of a topic's name.
    """
    good = rng.random() < 0.3
    # Addresses of this machine alone, and what nobody has to be asked about.
    host = b"127.0.0.1" if good else rng.choice(_HOSTS)
    at = port if good or rng.random() < 0.5 else rng.choice((0, -1, 1, 65536, 2**31 - 1))
    node = rng.choice((1, 1, 0, -1, 2**31 - 1))
    broker = struct.pack(">i", node) + _string(host) + struct.pack(">i", at) + _string(None)
    name = b"orders" if good else _odd_text(rng)
    partition = struct.pack(">hii", rng.choice((0, 5, -1, 99)), rng.choice((0, -1, 2**31 - 1)), 1)
    partition += (_count(rng, 1) + struct.pack(">i", 1)) * 2
    topic = struct.pack(">h", rng.choice((0, 0, 3, 29, 99))) + _string(name) + b"\0"
    topic += _count(rng, 1, least=0) + partition
    controller = struct.pack(">i", rng.choice((1, -1, 7)))
    return _count(rng, 1, least=0) + broker + controller + _count(rng, 1) + topic


def _almost_a_broker(link: Link) -> None:
    """Answers each request with its number, or another, and with what was asked for, or not."""
    port = link.sock.getsockname()[1]
    fault = link.rng.random()
    while True:
        request = link.framed()
        key, version, number = struct.unpack(">hhi", request[:8])
        if fault < 0.15:
            number = link.rng.choice((number + 1, -1, 0, 2**31 - 1))
        body = link.rng.randbytes(link.rng.choice((0, 4, 200)))
        if key == 18 and fault < 0.9:
            body = _versions() if version == 0 else struct.pack(">hi", 35, 0)
        elif key == 3 and fault < 0.85:
            body = _metadata(link.rng, port)
            if fault > 0.75:
                body = body[: link.rng.randint(0, len(body))]
        link.frame(struct.pack(">i", number) + body)


BROKER = (*ANY, *[_almost_a_broker] * len(ANY))


# -- almost a ZooKeeper ------------------------------------------------------------------------


def _almost_a_zookeeper(link: Link) -> None:
    """Takes up a session, keeps it alive, and answers questions with something else, or never."""
    rng = link.rng
    first = link.heard(4)
    if first.isalpha():  # a four-letter word
        link.send(b"Mode: standalone\n" if rng.random() < 0.5 else rng.randbytes(200))
        return
    link.heard(struct.unpack(">i", first)[0])
    accepted = struct.pack(">iiq", 0, rng.choice((4000, 1, 0, -1, 2**31 - 1)), rng.getrandbits(62))
    link.frame(accepted + struct.pack(">i", 16) + bytes(16) + b"\0")
    fault = rng.random()
    while True:
        request = link.framed()
        number, kind = struct.unpack(">ii", request[:8])
        if kind == 11:  # a ping: alive, in any case
            link.frame(struct.pack(">iqi", -2, 0, 0))
        elif fault < 0.3:
            continue
        elif fault < 0.5:
            link.send(struct.pack(">i", 2**31 - 1))
            link.endless(b"\0")
        elif fault < 0.6:
            link.slowly(struct.pack(">i", 1000) + bytes(1000), 0.3)
        else:
            answer = number if fault < 0.9 else number + 1
            error = rng.choice((0, 0, 0, -101, -4, -112, 12345))
            link.frame(struct.pack(">iqi", answer, 1, error) + _zookeepers(rng, kind))


def _zookeepers(rng: random.Random, kind: int) -> bytes:
    """A body: a node's facts, its content, or the names below it; or nothing of the kind."""
    stat = struct.pack(">qqqqiiiqiiq", 1, 1, 0, 0, 0, 0, 0, rng.getrandbits(62), 10, 0, 1)
    if rng.random() < 0.25:
        return rng.randbytes(rng.choice((0, 3, 68, 300)))
    if kind == 3:  # exists
        return stat
    contents = (b"{", b"[1]", b'{"id": 7}', b'{"endpoints": 7}', b"[" * 20_000, b"", b"\xff")
    content = rng.choice(contents)
    if kind == 4:  # get
        length = len(content) if rng.random() < 0.8 else rng.choice((-1, 2**31 - 1, -7))
        return struct.pack(">i", length) + content + stat
    names = [rng.choice((b"1", b"x", b"", b"\xff", b"\x1b[31m", b"9" * 5000)) for _ in range(3)]
    listed = b"".join(struct.pack(">i", len(name)) + name for name in names)
    return _count(rng, len(names)) + listed + stat


ZOOKEEPER = (*ANY, *[_almost_a_zookeeper] * len(ANY))
