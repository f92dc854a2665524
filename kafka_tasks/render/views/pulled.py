"""What `pull` fetched or found for the next start."""

from __future__ import annotations

from kafka_tasks.model.results import Pulled
from kafka_tasks.render.document import SCHEMA, Document


def document(found: Pulled) -> Document:
    """Return the runtime and what it needs."""
    return {
        "schema": SCHEMA,
        "runtime": found.runtime,
        "pulled": list(found.what),
        "elapsed_s": found.elapsed_s,
    }


def text(found: Pulled, *, width: int) -> str:
    """Return a line for each thing that is present."""
    lines = "\n".join(f"  {what}" for what in found.what)
    return f"Everything that kafka.up needs is here ({found.elapsed_s:.1f} s):\n{lines}"
