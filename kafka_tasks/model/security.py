"""How a cluster that is started here is secured, as a value."""

from __future__ import annotations

import contextlib
import re
from typing import Any, Literal

from msgspec import Struct

SecureKind = Literal["tls", "mtls", "plain", "scram"]
KINDS: tuple[SecureKind, ...] = ("tls", "mtls", "plain", "scram")
_MECHANISMS = {"plain": "PLAIN", "scram": "SCRAM-SHA-512"}

# The name of its files, in the project's state and in snapshots.
PLACE = "secure"
# The user that may do everything, and users without any right of their own.
ADMIN = "admin"
USERS = (ADMIN, "alice", "bob")
# The names in the certificates of the listeners INTERNAL and CONTROLLER.
BROKER, CONTROLLER, TOOL = "broker", "controller", "kafka-tasks"
# Brokers read users of PLAIN from a line of properties, in quotation marks; those of certificates
# are names of files.
_WORD = re.compile(r"[A-Za-z0-9_~+=-][A-Za-z0-9._~+=-]{,63}", re.ASCII)
_INTERNAL = (BROKER, CONTROLLER, TOOL)
# The names of their certificates are reserved in both forms.
_RESERVED = frozenset({*_INTERNAL, *(f"CN={name}" for name in _INTERNAL), "ANONYMOUS"})
# The first label may be a star before two others, as clients read it. No name ends in a number, so
# that a mistyped address is not one. Compose services have underscores.
_LABEL = r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)"
_HOST = re.compile(rf"(\*\.{_LABEL}\.)?({_LABEL}\.)*(?!\d+\Z){_LABEL}", re.ASCII)
_MAX_NAME = 253


class Security(Struct, frozen=True):
    """The way in which clients log in, and whether an authorizer denies what is not granted.

    `hosts` are the names and addresses that the servers' certificate has besides kafka-tasks' own.
    """

    kind: SecureKind
    acl: bool = False
    hosts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise `ValueError` for a host that no certificate can have: a snapshot may name it."""
        for host in self.hosts:
            certificate_host(host)

    @property
    def choices(self) -> dict[str, Any]:
        """The settings that lead to it; None is that of a setting that is not set."""
        return {"secure": self.kind, "acl": self.acl, "san": ",".join(self.hosts) or None}

    @property
    def mechanism(self) -> str | None:
        """The SASL mechanism of clients; None where they log in by certificate or not at all."""
        return _MECHANISMS.get(self.kind)

    def allows(self, name: str, password: str) -> bool:
        """Return whether a user can have this name and this password."""
        return self.kind == "scram" or all(map(_WORD.fullmatch, (name, password)))

    @property
    def protocol(self) -> Literal["SSL", "SASL_SSL"]:
        """The security protocol of clients."""
        return "SASL_SSL" if self.mechanism else "SSL"

    @property
    def knows_users(self) -> bool:
        """False where every client is anonymous."""
        return self.kind != "tls"


def certificate_host(word: str) -> str:
    """Return a name or an address as a certificate has it; raises `ValueError`."""
    import ipaddress

    if "%" not in word:  # the zone of an IPv6 address is in no certificate
        with contextlib.suppress(ValueError):
            return str(ipaddress.ip_address(word))
    if len(word) > _MAX_NAME or not _HOST.fullmatch(word):
        raise ValueError(f"{word!r} is neither a host name nor an IP address")
    return word.lower()


def super_users() -> tuple[str, ...]:
    """Return the principals that an authorizer never asks about."""
    internal = (f"User:CN={name}" for name in _INTERNAL)
    return (*internal, f"User:{ADMIN}")


def is_reserved(user: str) -> bool:
    """Return whether a user of this name could have the rights of a broker or of kafka-tasks."""
    return user in _RESERVED
