"""A user that was created, or has a new password."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.model.user import User
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class UserChanged:
    """A user, and whether it is new.

    `password_file` has the password where it was generated. `brokers` is how many accept the
    log-in; None where it could not be tried.
    """

    user: User
    created: bool
    password_file: str | None = None
    brokers: int | None = None


def document(found: UserChanged) -> Document:
    """Return name and mechanisms, never the password."""
    return {
        "schema": SCHEMA,
        "user": found.user.name,
        "created": found.created,
        "mechanisms": list(found.user.mechanisms),
        "password_file": found.password_file,
        "brokers": found.brokers,
    }


def text(found: UserChanged, *, width: int) -> str:
    """Return what was done, and what proves it."""
    name, how = found.user.name, " and ".join(found.user.mechanisms)
    done = f"Created user {name}" if found.created else f"Changed the password of user {name}"
    lines = [f"{done} ({how})."]
    is_certificate = found.user.mechanisms == ("certificate",)
    if found.password_file is not None:
        what = "certificate" if is_certificate else "generated password"
        lines.append(f"The {what} is in {found.password_file}.")
    if found.brokers is None and any(each.startswith("SCRAM") for each in found.user.mechanisms):
        lines.append("The log-in was not tried: this connection uses a listener without SCRAM.")
    elif found.brokers is not None:
        each = "Each of " if found.brokers > 1 else ""
        lines.append(f"{each}{counted(found.brokers, 'broker')} accepts the log-in.")
    return "\n".join(lines)
