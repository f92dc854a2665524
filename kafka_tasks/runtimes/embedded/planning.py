"""What a start is going to write down before it starts anything."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import msgspec

from kafka_tasks.model.cluster import Observation
from kafka_tasks.model.topology import Topology, of_names
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.settings import Settings

_RUNTIME = "embedded"
# What a running cluster was started with, as far as only a restart changes it.
_FIELDS = (
    "version",
    "controllers",
    "brokers",
    "port",
    "zookeeper_port",
    "controller_port",
    "heap",
    "zookeeper_heap",
    "broker_properties",
    "racks",
    "java_home",
)


def planned_record(
    project: Project,
    settings: Settings,
    kafka: str,
    seen: Observation,
    notice: Callable[[str], None],
) -> ClusterRecord:
    """Return the record of a start with these settings; every broker that runs is part of it."""
    before = state.read_of(project, _RUNTIME)
    there = before.topology.only(seen.alive) if before else Topology()
    own = {port for service in there for port in ports.of(service).values()}
    highest = max((s.number for s in of_names(seen.alive).brokers), default=0)
    planned = replace(settings, brokers=max(settings.brokers, highest)).topology
    assigned = ports.assign(project.path, settings, planned, before, own, notice)
    return ClusterRecord(
        runtime=_RUNTIME,
        wanted="running",
        version=settings.version,
        kafka_version=kafka,
        changed_at=time.time(),
        services=tuple(_kept(before, ServiceRecord.of(each)) for each in assigned.topology),
        auto_ports=assigned.auto,
        security=assigned.topology.security,
        fingerprint={name: str(getattr(settings, name)) for name in _FIELDS}
        | {"mode": settings.resolved_mode},
    )


def _kept(before: ClusterRecord | None, planned: ServiceRecord) -> ServiceRecord:
    """Return the planned record, with the process that an earlier record knows."""
    known = before.service(planned.name) if before else None
    if known is None:
        return planned
    return msgspec.structs.replace(
        known,
        role=planned.role,
        port=planned.port,
        quorum_port=planned.quorum_port,
        internal_port=planned.internal_port,
    )
