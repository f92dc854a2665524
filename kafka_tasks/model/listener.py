"""Listener strings: read them, and find what cannot work before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kafka_tasks.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Listener:
    """One entry of `listeners` or `advertised.listeners`; an empty host means every address."""

    name: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name}://{host}:{self.port}"


def rendered(*listeners: Listener) -> str:
    """Return the text that `parse` reads, as a property or a variable has it."""
    return ",".join(map(str, listeners))


def parse(text: str) -> tuple[Listener, ...]:
    """Read `NAME://host:port,…`; raises `InvalidInput`."""
    found = []
    for part in text.split(","):
        name, separator, rest = part.strip().partition("://")
        host, colon, port = rest.rpartition(":")
        if not name or not separator or not colon or not _is_port(port):
            raise InvalidInput(
                f"{part.strip()!r} is not a listener.",
                hint="NAME://host:port, say PLAINTEXT://:9092",
            )
        found.append(Listener(name.upper(), host.removeprefix("[").removesuffix("]"), int(port)))
    return tuple(found)


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535


def problems(listeners: Iterable[Listener], advertised: Iterable[Listener]) -> list[str]:
    """Return the problems of a broker's listeners, a sentence each."""
    bound, told = tuple(listeners), tuple(advertised)
    found = []
    seen: dict[int, str] = {}
    for listener in bound:
        if listener.port in seen:
            found.append(
                f"the listeners {seen[listener.port]} and {listener.name} are both on port "
                f"{listener.port}; each needs a port of its own"
            )
        seen[listener.port] = listener.name
    for listener in told:
        if listener.host in ("", "0.0.0.0", "::"):  # noqa: S104
            found.append(
                f"the listener {listener.name} advertises {listener.host or 'no host'}, which no "
                "client can connect to; advertise localhost or the service's name"
            )
    names = {listener.name for listener in bound}
    found += [
        f"the advertised listener {listener.name} is not among the listeners"
        for listener in told
        if names and listener.name not in names
    ]
    return found


def port_problems(
    advertised: Iterable[Listener], listeners: Iterable[Listener], published: dict[int, int]
) -> list[str]:
    """Return the mismatches of advertised addresses and the ports that a container publishes.

    `published` is container port → host port. A client on the host is sent to the advertised
    port: it must be the published one, and lead to that listener's own port.
    """
    bound = {listener.name: listener.port for listener in listeners}
    found = []
    for listener in advertised:
        if listener.host not in ("localhost", "127.0.0.1"):
            continue
        inside = bound.get(listener.name, listener.port)
        outside = published.get(inside)
        if outside is None:
            found.append(
                f"the listener {listener.name} advertises {listener.host}:{listener.port}, but "
                f"container port {inside} is not published"
            )
        elif outside != listener.port:
            found.append(
                f"the listener {listener.name} advertises port {listener.port}, but it is "
                f"published on port {outside}; clients would be sent to the wrong one"
            )
    return found
