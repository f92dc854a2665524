"""The records that `produce` sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.words import counted

if TYPE_CHECKING:
    from kafka_tasks.records.produce import Sent


@dataclass(frozen=True, slots=True)
class Produced:
    """A topic, and what became of the lines for it."""

    topic: str
    sent: Sent


def document(found: Produced) -> Document:
    """Return the numbers; `unknown` were sent and not acknowledged."""
    sent = found.sent
    return {
        "schema": SCHEMA,
        "topic": found.topic,
        "sent": sent.records,
        "unknown": sent.unknown,
        "lines": sent.lines,
        "interrupted": sent.interrupted,
    }


def text(found: Produced, *, width: int) -> str:
    """Return how many were sent, and after Ctrl-C where it stopped."""
    sent = found.sent
    head = f"{counted(sent.records, 'record')} sent to {found.topic}."
    if not sent.interrupted:
        return head
    unknown = f" {counted(sent.unknown, 'record')} sent without an answer." if sent.unknown else ""
    return f"Interrupted in line {sent.lines}: {head}{unknown}"
