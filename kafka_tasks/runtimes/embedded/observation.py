"""The recorded services of a project, and whether their very processes still run."""

from __future__ import annotations

from kafka_tasks.clients import processes
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Observation, ServiceState
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.embedded import process_tags


def known(project: Project, runtime: str) -> ClusterRecord | None:
    """Return the record; where it is lost, what the running processes tell by their tags."""
    found = state.read_of(project, runtime)
    return found or process_tags.with_strays(project.path, None, runtime)[0]


def look(record: ClusterRecord | None) -> Observation:
    """Look at each service that was ever started."""
    if record is None:
        return Observation()
    return Observation(tuple(_state(record, service) for service in record.started))


def _state(record: ClusterRecord, service: ServiceRecord) -> ServiceState:
    identity = process_tags.identity(service)
    alive = identity is not None and processes.is_running(identity)
    return ServiceState(
        name=service.name,
        role=service.role,
        alive=alive,
        address=Address("localhost", service.port) if service.port else None,
        pid=identity.pid if alive and identity else None,
        uptime_s=round(processes.uptime_s(identity), 1) if alive and identity else None,
        version=record.kafka_version if roles.of(service.role).shows_version else None,
        suspended=alive and identity is not None and processes.is_suspended(identity),
    )
