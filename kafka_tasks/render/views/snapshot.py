"""Snapshots: documents, and text for people."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.render.tables import duration, pairs, table


def document(seen: SnapshotSeen) -> dict[str, Any]:
    """One snapshot."""
    return {
        "name": seen.name,
        "path": str(seen.path),
        "problem": seen.problem,
        "taken_at": _moment(seen.taken_at),
        "version": seen.version,
        "kafka_version": seen.kafka_version,
        "runtime": seen.runtime,
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


def saved(seen: SnapshotSeen, *, restarted: bool, elapsed_s: float) -> dict[str, Any]:
    """`snapshot.save`."""
    return {
        "schema": 1,
        "snapshot": document(seen),
        "restarted": restarted,
        "elapsed_s": elapsed_s,
    }


def saved_text(seen: SnapshotSeen, *, restarted: bool, elapsed_s: float) -> str:
    """The same for a person."""
    after = " The cluster is ready again." if restarted else ""
    rows = [("file", seen.path), ("size", _facts(seen)), ("cluster id", seen.cluster_id)]
    return f"Saved {seen.name} in {elapsed_s:.1f} s.{after}\n{pairs(rows)}"


def restored(
    seen: SnapshotSeen, *, runtime: str, replaced: bool, restarted: bool, elapsed_s: float
) -> dict[str, Any]:
    """`snapshot.restore`."""
    return {
        "schema": 1,
        "snapshot": document(seen),
        "runtime": runtime,
        "replaced": replaced,
        "restarted": restarted,
        "elapsed_s": elapsed_s,
    }


def restored_text(seen: SnapshotSeen, *, runtime: str, restarted: bool, elapsed_s: float) -> str:
    """The same for a person."""
    rows = [("size", _facts(seen)), ("cluster id", seen.cluster_id)]
    after = " The cluster is ready again." if restarted else "\nHint: invoke kafka.up"
    head = f"Restored {seen.name} ({runtime}) in {elapsed_s:.1f} s."
    if restarted:
        return f"{head}{after}\n{pairs(rows)}"
    return f"{head}\n{pairs(rows)}{after}"


def _facts(seen: SnapshotSeen) -> str:
    return f"{size(seen.bytes)}, with {size(seen.data_bytes or 0)} of data in {seen.files} files"


def listed(found: Sequence[SnapshotSeen]) -> dict[str, Any]:
    """`snapshot.list`."""
    return {"schema": 1, "snapshots": [document(seen) for seen in found]}


def list_text(found: Sequence[SnapshotSeen], *, width: int) -> str:
    """The same as a table; what is damaged is said below it."""
    if not found:
        return "There are no snapshots in this project."
    rows = [_row(seen) for seen in found]
    headings = ["snapshot", "taken at", "age", "Kafka", "brokers", "runtime", "size", "cluster id"]
    lines = [table(headings, rows, width=width)]
    lines += [f"{seen.name} is damaged: {seen.problem}." for seen in found if seen.problem]
    return "\n".join(lines)


def _row(seen: SnapshotSeen) -> tuple[object, ...]:
    if seen.taken_at is None:
        return (seen.name, "damaged", "", "", "", "", size(seen.bytes), "")
    local = datetime.fromtimestamp(seen.taken_at).strftime("%Y-%m-%d %H:%M")
    age = duration(max(0.0, time.time() - seen.taken_at))
    version, runtime = seen.kafka_version, seen.runtime
    return (
        seen.name,
        local,
        age,
        version,
        seen.brokers,
        runtime,
        size(seen.bytes),
        seen.cluster_id,
    )


def size(count: int) -> str:
    """980 bytes, 12 kB, 3.4 MB, 1.2 GB."""
    if count < 1000:
        return f"{count} bytes"
    for power, unit in ((1e6, "kB"), (1e9, "MB"), (1e12, "GB")):
        if count < power:
            value = count / (power / 1000)
            return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"
    return f"{count / 1e12:.1f} TB"
