"""The JSON Schema of topics.yaml."""

from __future__ import annotations

import json

from kafka_tasks.render.document import Document


def document(found: str) -> Document:
    """Return the schema as a mapping."""
    schema: Document = json.loads(found)
    return schema


def text(found: str, *, width: int) -> str:
    """Return the schema as it is kept."""
    return found.rstrip()
