"""A list of snapshots."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.words import duration, size

_HEADINGS = [
    *("snapshot", "taken at", "age", "Kafka", "mode", "secure", "brokers", "runtime", "size"),
    "cluster id",
]


def document(found: Sequence[SnapshotSeen]) -> Document:
    """Return every snapshot, the damaged too."""
    return {"schema": SCHEMA, "snapshots": [entry(seen) for seen in found]}


def entry(seen: SnapshotSeen) -> Document:
    """Return one snapshot."""
    return {
        "name": seen.name,
        "path": str(seen.path),
        "problem": seen.problem,
        "taken_at": _moment(seen.taken_at),
        "version": seen.version,
        "kafka_version": seen.kafka_version,
        "runtime": seen.runtime,
        "mode": seen.mode,
        "metadata_version": seen.metadata_version,
        "security": seen.security and {"kind": seen.security.kind, "acl": seen.security.acl},
        "brokers": seen.brokers,
        "cluster_id": seen.cluster_id,
        "files": seen.files,
        "bytes": seen.bytes,
        "data_bytes": seen.data_bytes,
    }


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def text(found: Sequence[SnapshotSeen], *, width: int) -> str:
    """Return a row a snapshot, and below them why some are damaged."""
    if not found:
        return "There are no snapshots in this project."
    lines = [table(_HEADINGS, [_row(seen) for seen in found], width=width)]
    lines += [f"{seen.name} is damaged: {seen.problem}." for seen in found if seen.problem]
    return "\n".join(lines)


def _row(seen: SnapshotSeen) -> tuple[object, ...]:
    if seen.taken_at is None:
        return (seen.name, "damaged", "", "", "", "", "", "", size(seen.bytes), "")
    return (
        seen.name,
        datetime.fromtimestamp(seen.taken_at).strftime("%Y-%m-%d %H:%M"),
        duration(max(0.0, time.time() - seen.taken_at)),
        seen.kafka_version,
        " ".join(filter(None, (seen.mode, seen.metadata_version))),
        _secured(seen) or "no",
        seen.brokers,
        seen.runtime,
        size(seen.bytes),
        seen.cluster_id,
    )


def contents(seen: SnapshotSeen) -> str:
    """Return a snapshot's size in words."""
    return f"{size(seen.bytes)}, with {size(seen.data_bytes or 0)} of data in {seen.files} files"


def keys(seen: SnapshotSeen) -> str | None:
    """Return what a snapshot has of a secured cluster, in words; None of another."""
    found = _secured(seen)
    return found and f"{found}; with its certificates, private keys and passwords"


def _secured(seen: SnapshotSeen) -> str | None:
    if seen.security is None:
        return None
    return f"{seen.security.kind}, acl" if seen.security.acl else seen.security.kind
