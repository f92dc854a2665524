"""The services that `down` stopped."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.render.document import SCHEMA, Document


@dataclass(frozen=True, slots=True)
class Stopped:
    """Service names in their order; `snapshots` where a wipe has kept some."""

    names: tuple[str, ...]
    wiped: bool
    snapshots: bool = False


def document(found: Stopped) -> Document:
    """Return the services, and whether their data is deleted."""
    return {"schema": SCHEMA, "stopped": list(found.names), "wiped": found.wiped}


def text(found: Stopped, *, width: int) -> str:
    """Return the services and what became of their data."""
    head = f"Stopped {', '.join(found.names)}." if found.names else "Nothing was running."
    kept = "; the snapshots are kept" if found.snapshots else ""
    tail = f"Data deleted{kept}." if found.wiped else "Data kept." if found.names else ""
    return f"{head} {tail}".rstrip()
