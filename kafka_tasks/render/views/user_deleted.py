"""A user that was deleted, and the rights that are still granted to its name."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class UserDeleted:
    """The user's name; `rules` is how many rules remain, None where they are not visible."""

    user: str
    rules: int | None = None


def document(found: UserDeleted) -> Document:
    """Return the name, and the number of rules."""
    return {"schema": SCHEMA, "deleted": found.user, "rules": found.rules}


def text(found: UserDeleted, *, width: int) -> str:
    """Return what is gone, and what is not."""
    lines = [f"Deleted user {found.user}. Connections that are open stay open."]
    if found.rules:
        rules = counted(found.rules, "rule")
        listed = f"invoke kafka.acl.list --user {shlex.quote(found.user)}"
        lines.append(f"! {rules} left for whoever gets this name: {listed}")
    return "\n".join(lines)
