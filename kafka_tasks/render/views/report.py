"""The result of `up`, `status`, `wait` and `restart`: a cluster's state, services and timeline."""

from __future__ import annotations

from collections.abc import Sequence

from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.results import Report
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.words import duration

# Characters of a container's id that tell it apart.
_ID = 12


def document(found: Report) -> Document:
    """Return the report with every service and layer."""
    return {
        "schema": SCHEMA,
        "project": str(found.project),
        "runtime": found.runtime,
        "state": found.state,
        "bootstrap_servers": found.bootstrap_servers,
        "zookeeper": found.zookeeper,
        "cluster_id": found.cluster_id,
        "kafka_version": found.kafka_version,
        "mode": found.mode,
        "services": [_service(entry) for entry in found.services],
        "timeline": [
            {"layer": mark.layer, "service": mark.service, "ready_s": mark.ready_s}
            for mark in found.timeline
        ],
        "elapsed_s": found.elapsed_s,
        "changed": found.changed,
        "failed_layer": found.failed_layer,
        "reason": found.reason,
        "hint": found.hint,
    }


def _service(entry: ServiceState) -> Document:
    return {
        "name": entry.name,
        "role": entry.role.value,
        "state": entry.state,
        "address": str(entry.address) if entry.address else None,
        "pid": entry.pid,
        "container": entry.container,
        "uptime_s": entry.uptime_s,
        "version": entry.version,
        "health": entry.health,
    }


def text(found: Report, *, width: int) -> str:
    """Return the state, the layer that failed, and a row a service."""
    lines = [f"{found.state} ({found.runtime}, {found.project})"]
    if found.reason:
        layer = f"layer {found.failed_layer}: " if found.failed_layer else ""
        lines.append(f"  {layer}{found.reason}")
    if found.services:
        lines += ["", _services(found.services, width=width)]
    hint = "invoke kafka.up" if found.state == "stopped" else found.hint
    if hint:
        lines.append(f"Hint: {hint}")
    return "\n".join(lines)


def _services(found: Sequence[ServiceState], *, width: int) -> str:
    headings = ["service", "state", "address", "process", "uptime", "version"]
    with_health = any(entry.health for entry in found)
    rows = [
        (
            entry.name,
            entry.state,
            entry.address,
            entry.pid if entry.pid is not None else (entry.container or "")[:_ID],
            duration(entry.uptime_s),
            entry.version,
            *((entry.health,) if with_health else ()),
        )
        for entry in found
    ]
    return table([*headings, "health"] if with_health else headings, rows, width=width)
