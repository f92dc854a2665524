"""Rights that were revoked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.model.access import Rule
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.views.acls import entry


@dataclass(frozen=True, slots=True)
class Revoked:
    """Rules that are gone, and those that still allow some of it.

    `brokers` is how many no longer show the rules; None where they cannot be told apart.
    """

    revoked: Sequence[Rule]
    allowed_by: Sequence[Rule]
    brokers: int | None = None


def document(found: Revoked) -> Document:
    """Return the rules of both kinds."""
    return {
        "schema": SCHEMA,
        "revoked": [entry(rule) for rule in found.revoked],
        "allowed_by": [entry(rule) for rule in found.allowed_by],
        "brokers": found.brokers,
    }


def text(found: Revoked, *, width: int) -> str:
    """Return a sentence a rule, and what is still allowed."""
    lines = [f"Revoked: {rule}." for rule in found.revoked]
    lines += [f"! still allowed: {rule}." for rule in found.allowed_by]
    return "\n".join(lines)
