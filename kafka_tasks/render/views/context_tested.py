"""A remote cluster that answered."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class ContextTested:
    """The context, the id of its cluster, and the number of registered brokers."""

    name: str
    cluster_id: str | None
    brokers: int


def document(found: ContextTested) -> Document:
    """Return name, id and number."""
    return {
        "schema": SCHEMA,
        "context": found.name,
        "cluster_id": found.cluster_id,
        "brokers": found.brokers,
    }


def text(found: ContextTested, *, width: int) -> str:
    """Return a sentence."""
    brokers = counted(found.brokers, "broker")
    return f"Context {found.name} works: cluster {found.cluster_id}, {brokers}."
