"""Users that log in with a password, and the names that none can have."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.security import is_reserved

MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512")
# Kafka's smallest number: it protects passwords that can be guessed, and costs each log-in time.
_ITERATIONS = 4096


@dataclass(frozen=True, slots=True)
class Credential:
    """A password for one SASL mechanism; SCRAM keeps it salted and hashed so many times.

    `mechanism` is `certificate` where there is no password.
    """

    mechanism: str = MECHANISMS[-1]
    iterations: int | None = _ITERATIONS


@dataclass(frozen=True, slots=True)
class User:
    """A user with a password for each of these mechanisms."""

    name: str
    credentials: tuple[Credential, ...] = (Credential(),)

    @property
    def mechanisms(self) -> tuple[str, ...]:
        """The SASL mechanisms with which this user may log in."""
        return tuple(credential.mechanism for credential in self.credentials)


def check_new_name(name: str, *, started_here: bool) -> None:
    """Raise `InvalidInput` for a name that no user can have, or none of a cluster started here."""
    if not name or name != name.strip() or not name.isprintable() or name == "*":
        raise InvalidInput(
            f"{name!r} cannot be the name of a user.",
            hint="invoke kafka.user.create alice",
        )
    if started_here and is_reserved(name):
        raise InvalidInput(
            f"The user name {name} is reserved on clusters that kafka-tasks starts.",
            hint="choose another name: invoke kafka.user.create alice",
        )


def mechanism_of(text: str) -> str:
    """Return the mechanism that was typed; raises `InvalidInput`."""
    if text.upper() in MECHANISMS:
        return text.upper()
    raise InvalidInput(
        f"--mechanism is {text!r}; allowed: {', '.join(MECHANISMS)}.",
        hint=f"--mechanism {MECHANISMS[-1]}",
    )
