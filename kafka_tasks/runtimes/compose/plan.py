"""What a start is about to do: its ports and its project's name, and whether they are free."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import CONFIG_FILES, WORKING_DIRECTORY, Container
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology, identify
from kafka_tasks.project import register, state
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.compose import compose_file, old_data, secured_services
from kafka_tasks.runtimes.port_holder import holder_of
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

_FIELDS = (
    "version",
    "controllers",
    "brokers",
    "port",
    "zookeeper_port",
    "controller_port",
    "kafka_image",
    "zookeeper_image",
    "launch",
    "network",
    "broker_properties",
    "racks",
)


def record(
    project: Path,
    settings: Settings,
    before: ClusterRecord | None,
    engine: Engine | None,
    containers: Mapping[str, Container],
    notice: Callable[[str], None],
    new_id: str,
) -> ClusterRecord:
    """Return what is written down before anything starts.

    Without an engine, it is as if that one had nothing.
    """
    own = {port for found in containers.values() for port in found.ports.values()}
    assigned = ports.assign(project, settings, settings.topology, before, own, notice)
    planned = secured_services.without_open_ports(assigned.topology)
    return ClusterRecord(
        runtime="compose",
        wanted="running",
        version=settings.version,
        kafka_version=settings.line.kafka,
        changed_at=time.time(),
        services=tuple(map(ServiceRecord.of, planned)),
        auto_ports=assigned.auto,
        security=planned.security,
        fingerprint={name: str(getattr(settings, name)) for name in _FIELDS}
        | {"mode": settings.resolved_mode},
        cluster_id=old_data.cluster_id(engine, containers, planned, before, new_id),
        compose_project=_project_name(settings, before, engine, containers, notice),
    )


def _project_name(
    settings: Settings,
    before: ClusterRecord | None,
    engine: Engine | None,
    containers: Mapping[str, Container],
    notice: Callable[[str], None],
) -> str:
    """Return Compose's own name for this directory, unless another one or file has it already."""
    project = settings.project
    if before and before.compose_project:
        return before.compose_project
    if containers:
        return next(iter(containers.values())).project
    name = compose_file.project_name(project)
    others = {
        noted.compose_project
        for other in register.remembered()
        if other.path != project and (noted := state.read(other))
    }
    mine = str(compose_file.choose(settings).path)
    there = engine.of_project(name) if engine else ()
    foreign = any(_is_foreign(found, project, mine) for found in there)
    if name not in others and not foreign:
        return name
    digest = hashlib.sha256(os.fsencode(project)).hexdigest()[:6]
    notice(f"another project is called {name}; this one is {name}-{digest}")
    return f"{name}-{digest}"


def _is_foreign(found: Container, directory: Path, file_used: str) -> bool:
    """Return whether a container belongs to another directory, or to another file of this one."""
    if found.labels.get(WORKING_DIRECTORY) != str(directory):
        return True
    files = found.labels.get(CONFIG_FILES, "").split(",")
    return identify(found.service) is None and file_used not in files


def require_ports(
    topology: Topology,
    engine: Engine,
    containers: Mapping[str, Container],
    published: Collection[int] | None = None,
    file: Path | None = None,
) -> None:
    """Raise `PortTaken` for the first port that is held, naming the holder.

    With `published`, only these ports are needed; `file` decides them, where no setting does. The
    packaged files have none: `InvalidInput` is raised for a port that they use inside a container.
    """
    if published is None:
        _require_outer(topology)
    for service in topology:
        if service.name in containers and containers[service.name].running:
            continue
        for setting, port in ports.of(service).items():
            needed = published is None or port in published
            if needed and not processes.port_is_free(port):
                holder = holder_of(port, lambda: engine, by_engine=True)
                raise ports.taken(service, setting, port, holder, file)


def _require_outer(topology: Topology) -> None:
    for broker in topology.brokers:
        if broker.port in secured_services.inner_ports(broker, topology):
            raise InvalidInput(
                f"Port {broker.port} cannot be that of {broker.name}: inside the container another "
                "listener has it.",
                hint=ports.another(broker.name, "port", None),
            )
