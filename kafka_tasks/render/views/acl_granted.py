"""Rights that were granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.access import Rule
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views.acls import entry


@dataclass(frozen=True, slots=True)
class Granted:
    """Rules that are new, and those that were there; `denied_by` overrules some of them.

    `brokers` is how many show the rules; None where they cannot be told apart. `similar_user` is
    one that exists where the rules are for a name that has no password.
    """

    granted: Sequence[Rule]
    unchanged: Sequence[Rule]
    denied_by: Sequence[Rule]
    brokers: int | None = None
    similar_user: str | None = None


def document(found: Granted) -> Document:
    """Return the rules of each kind."""
    return {
        "schema": SCHEMA,
        "granted": [entry(rule) for rule in found.granted],
        "unchanged": [entry(rule) for rule in found.unchanged],
        "denied_by": [entry(rule) for rule in found.denied_by],
        "brokers": found.brokers,
        "similar_user": found.similar_user,
    }


def text(found: Granted, *, width: int) -> str:
    """Return a sentence a rule."""
    lines = [f"Granted: {rule}." for rule in found.granted]
    lines += [f"Already granted: {rule}." for rule in found.unchanged]
    lines += [f"! overruled: {rule}." for rule in found.denied_by]
    if found.similar_user is not None:
        lines.append(f"! no user of this name has a password; did you mean {found.similar_user}?")
    return "\n".join(lines)
