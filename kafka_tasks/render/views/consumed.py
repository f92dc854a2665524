"""Records that `consume` read, where they are one document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class Consumed:
    """A topic, and its records as plain values."""

    topic: str
    records: Sequence[Mapping[str, Any]]


def document(found: Consumed) -> Document:
    """Return the records."""
    return {"schema": SCHEMA, "topic": found.topic, "records": list(found.records)}


def text(found: Consumed, *, width: int) -> str:
    """Return their number: as text, each record is printed as it comes."""
    return f"{counted(len(found.records), 'record')} of {found.topic}."
