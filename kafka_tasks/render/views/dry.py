"""What a task would do without --dry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kafka_tasks.render.document import SCHEMA, Document


@dataclass(frozen=True, slots=True)
class Dry:
    """The work in words, and for machines in `fields` (default: the same words)."""

    would: str
    fields: Mapping[str, Any] | None = None


def document(found: Dry) -> Document:
    """Return the work, marked as not done."""
    fields = {"would": found.would} if found.fields is None else found.fields
    return {"schema": SCHEMA, "dry": True, **fields}


def text(found: Dry, *, width: int) -> str:
    """Return the work after the word `would`."""
    return f"would {found.would}"
