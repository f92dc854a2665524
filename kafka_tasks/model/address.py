"""Where a server is: a host and a port, or a port inside a container."""

from __future__ import annotations

import re

from msgspec import Struct

from kafka_tasks.errors import InvalidInput

_ADDRESS = re.compile(r"(?:\[(?P<v6>[^][\s/]+)\]|(?P<host>[^][:\s/]+)):(?P<port>\d+)", re.ASCII)


class Address(Struct, frozen=True, order=True):
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port` or `[ipv6]:port`; raises `InvalidInput`."""
        match = _ADDRESS.fullmatch(text.strip())
        if not match:
            raise InvalidInput(f"{text!r} is not an address: it needs the form host:port.")
        host, port = match["v6"] or match["host"], match["port"].lstrip("0")
        if len(port) > 5 or not 1 <= int(port or "0") <= 65535:
            raise InvalidInput(f"{text!r} is not an address: its port is not in 1..65535.")
        return cls(host, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """True for an address of this machine alone."""
        return self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"


class Inside(Struct, frozen=True):
    """A port inside a container that publishes it nowhere; `container` is its id or name."""

    container: str
    port: int

    def __str__(self) -> str:
        return f"port {self.port} inside its container"


# Where a coordinator is asked.
Endpoint = Address | Inside
