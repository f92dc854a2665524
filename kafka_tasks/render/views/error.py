"""A failure: message, cause, evidence, what else is wrong, and hint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError


def document(failure: KafkaTasksError) -> Document:
    """Return what every failing task prints."""
    return {
        "schema": SCHEMA,
        "error": {
            "code": failure.code,
            "message": failure.message,
            "hint": failure.hint,
            "evidence": list(failure.evidence),
            "cause": failure.cause,
            "finding": failure.finding,
            "also_wrong": list(failure.also_wrong),
            "exit_code": failure.exit_code,
        },
    }


def text(failure: KafkaTasksError) -> str:
    """Return the message, the cause, the evidence behind bars, what else is wrong, and the hint."""
    lines = [f"Error: {failure.message}"]
    if failure.cause:
        lines.append(f"Cause: {failure.cause}")
    lines += [f"  | {line.rstrip()}" for line in failure.evidence]
    lines += [f"Also wrong here: {line}" for line in failure.also_wrong]
    if failure.hint:
        lines.append(f"Hint: {failure.hint}")
    return "\n".join(lines)
