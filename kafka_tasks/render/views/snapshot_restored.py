"""A snapshot whose data `snapshot.restore` gave to the cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import pairs
from kafka_tasks.render.views import snapshots

if TYPE_CHECKING:
    from kafka_tasks.snapshots.restore import Restored


def document(found: Restored) -> Document:
    """Return the snapshot, whether it replaced data, and whether the cluster was restarted."""
    return {
        "schema": SCHEMA,
        "snapshot": snapshots.entry(found.snapshot.seen()),
        "runtime": found.runtime,
        "replaced": found.replaced,
        "restarted": found.restarted,
        "elapsed_s": found.elapsed_s,
    }


def text(found: Restored, *, width: int) -> str:
    """Return the time, the size, the cluster's id, and the next command."""
    seen = found.snapshot.seen()
    head = f"Restored {seen.name} ({found.runtime}) in {found.elapsed_s:.1f} s."
    facts = pairs(
        [
            *(("size", snapshots.contents(seen)), ("cluster id", seen.cluster_id)),
            ("secure", snapshots.keys(seen)),
        ]
    )
    if found.restarted:
        return f"{head} The cluster is ready again.\n{facts}"
    return f"{head}\n{facts}\nHint: invoke kafka.up"
