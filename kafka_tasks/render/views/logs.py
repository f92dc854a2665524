"""The last lines of the services' logs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kafka_tasks.render.document import SCHEMA, Document


def document(found: Mapping[str, Sequence[str]]) -> Document:
    """Return service → lines."""
    return {"schema": SCHEMA, "logs": {name: list(lines) for name, lines in found.items()}}


def text(found: Mapping[str, Sequence[str]], *, width: int) -> str:
    """Return the lines, each with its service where there are several."""
    lines = [
        labelled(name, line, alone=len(found) == 1)
        for name, entries in found.items()
        for line in entries
    ]
    return "\n".join(lines) or "There are no logs: nothing has been started in this project."


def labelled(name: str, line: str, *, alone: bool) -> str:
    """Return a line of a log, with its service unless that is the only one."""
    return line if alone else f"{name:<10}| {line}"
