"""A listener of TLS on loopback that has nothing to say, for certificates that clients refuse."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Iterator

from kafka_tasks.model.address import Address

_HANDSHAKE_S = 5.0


class _Handshake(socketserver.BaseRequestHandler):
    """Offers the certificate, and closes the connection."""

    def handle(self) -> None:
        """Shake hands, as far as the client does."""
        assert isinstance(self.server, _Server)
        with contextlib.suppress(OSError):
            self.request.settimeout(_HANDSHAKE_S)
            self.server.context.wrap_socket(self.request, server_side=True).close()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext) -> None:
        self.context = context
        super().__init__(("127.0.0.1", 0), _Handshake)


@contextlib.contextmanager
def listening(context: ssl.SSLContext) -> Iterator[Address]:
    """Yield the address of a listener with this certificate, as localhost and a port."""
    with _Server(context) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Address("localhost", int(server.server_address[1]))
        finally:
            server.shutdown()
            thread.join()
