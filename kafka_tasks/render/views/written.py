"""The starter files that `init` wrote, and the existing ones that it kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kafka_tasks.render.document import SCHEMA, Document


@dataclass(frozen=True, slots=True)
class Written:
    """File names, written (or, when `dry`, not yet) and kept."""

    project: Path
    written: Sequence[str]
    kept: Sequence[str]
    dry: bool = False


def document(found: Written) -> Document:
    """Return the project and both lists."""
    plain: Document = {
        "schema": SCHEMA,
        "project": str(found.project),
        "written": list(found.written),
        "kept": list(found.kept),
    }
    return {**plain, "dry": True} if found.dry else plain


def text(found: Written, *, width: int) -> str:
    """Return a line a file, and the next command."""
    verb = "would write" if found.dry else "wrote"
    lines = [f"{verb} {name}" for name in found.written]
    lines += [f"kept  {name}: it exists" for name in found.kept]
    if not found.dry:
        lines.append("Hint: invoke kafka.up, then invoke kafka.topic.apply")
    return "\n".join(lines)
