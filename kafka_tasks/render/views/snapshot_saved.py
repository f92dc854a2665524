"""A snapshot that `snapshot.save` took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import pairs
from kafka_tasks.render.views import snapshots

if TYPE_CHECKING:
    from kafka_tasks.snapshots.save import Saved


def document(found: Saved) -> Document:
    """Return the snapshot, and whether the cluster was restarted."""
    return {
        "schema": SCHEMA,
        "snapshot": snapshots.entry(found.snapshot.seen()),
        "restarted": found.restarted,
        "elapsed_s": found.elapsed_s,
    }


def text(found: Saved, *, width: int) -> str:
    """Return the time, the file, its size and the cluster's id."""
    seen = found.snapshot.seen()
    size = snapshots.contents(seen)
    after = " The cluster is ready again." if found.restarted else ""
    facts = pairs(
        [
            *(("file", seen.path), ("size", size), ("cluster id", seen.cluster_id)),
            ("secure", snapshots.keys(seen)),
        ]
    )
    return f"Saved {seen.name} in {found.elapsed_s:.1f} s.{after}\n{facts}"
