"""A way to a server that is long: a TCP proxy on loopback that delays each direction."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_BYTES = 65536


@contextmanager
def far(port: int, round_trip_s: float, *, at: int = 0) -> Iterator[int]:
    """Yield a port of loopback that leads to this one, with this round trip; `at` is its number."""
    with socket.create_server(("127.0.0.1", at)) as server:
        threading.Thread(target=_accept, args=(server, port, round_trip_s), daemon=True).start()
        yield int(server.getsockname()[1])
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def _accept(server: socket.socket, port: int, round_trip_s: float) -> None:
    with suppress(OSError):
        while True:
            near, _ = server.accept()
            distant = socket.create_connection(("127.0.0.1", port))
            # The handshake of the kernel took no time: the first bytes make up for it.
            _carry(near, distant, round_trip_s / 2, round_trip_s)
            _carry(distant, near, round_trip_s / 2, 0.0)


def _carry(source: socket.socket, target: socket.socket, delay_s: float, first_s: float) -> None:
    waiting: queue.SimpleQueue[tuple[float, bytes]] = queue.SimpleQueue()
    opened = time.monotonic() + first_s

    def read() -> None:
        data = b"-"
        while data:
            try:
                data = source.recv(_BYTES)
            except OSError:
                data = b""
            waiting.put((max(opened, time.monotonic()) + delay_s, data))

    def write() -> None:
        with suppress(OSError), target:
            while True:
                due, data = waiting.get()
                time.sleep(max(0.0, due - time.monotonic()))
                if not data:
                    return
                target.sendall(data)

    for work in (read, write):
        threading.Thread(target=work, daemon=True).start()
