"""The cluster's topics as `topic.export` writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class Exported:
    """The topics' names and their text; `file` where it was written, or `dry` would be.

    `without_settings` are the topics whose settings the user may not see.
    """

    form: str
    topics: Sequence[str]
    content: str
    file: str | None = None
    dry: bool = False
    without_settings: Sequence[str] = ()


def document(found: Exported) -> Document:
    """Return the names, and the file or the text."""
    plain: Document = {
        "schema": SCHEMA,
        "format": found.form,
        "topics": list(found.topics),
        "without_settings": list(found.without_settings),
        "file": found.file,
        "text": None if found.file else found.content,
    }
    return {**plain, "dry": True} if found.dry and found.file is not None else plain


def text(found: Exported, *, width: int) -> str:
    """Return the text itself, or where it is."""
    if found.file is None:
        return found.content.rstrip()
    count = counted(len(found.topics), "topic")
    if found.dry:
        return f"would write {count} to {found.file}"
    return f"Wrote {count} to {found.file}."
