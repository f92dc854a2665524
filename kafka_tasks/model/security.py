"""How a cluster that is started here is secured, as a value."""

from __future__ import annotations

import re
from typing import Literal

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


class Security(Struct, frozen=True):
    """The way in which clients log in, and whether an authorizer denies what is not granted."""

    kind: SecureKind
    acl: bool = False

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


def super_users() -> tuple[str, ...]:
    """Return the principals that an authorizer never asks about."""
    internal = (f"User:CN={name}" for name in _INTERNAL)
    return (*internal, f"User:{ADMIN}")


def is_reserved(user: str) -> bool:
    """Return whether a user of this name could have the rights of a broker or of kafka-tasks."""
    return user in _RESERVED
