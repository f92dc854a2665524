"""What a start is about to do: its ports, its project's name, and whether the ports are free."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.clients.docker import CONFIG_FILES, WORKING_DIRECTORY, Container, Engine
from kafka_tasks.errors import PortTaken
from kafka_tasks.model.cluster import MAX_BROKERS, ZOOKEEPER, service_names
from kafka_tasks.project import register, state
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.compose import compose_file
from kafka_tasks.settings import Settings

# Every service that the packaged file has.
SERVICES = service_names(MAX_BROKERS)
_FIELDS = (
    "version",
    "brokers",
    "port",
    "zookeeper_port",
    "kafka_image",
    "zookeeper_image",
    "launch",
    "network",
    "broker_properties",
)


def record(
    project: Path,
    settings: Settings,
    before: ClusterRecord | None,
    engine: Engine,
    containers: Mapping[str, Container],
    notice: Callable[[str], None],
) -> ClusterRecord:
    """What is written down before anything starts."""
    own = {port for found in containers.values() for port in found.ports.values()}
    auto, port, keeper = ports.resolve(
        project, settings, before, own, brokers=settings.brokers, notice=notice
    )
    return ClusterRecord(
        runtime="compose",
        wanted="running",
        version=settings.version,
        kafka_version=settings.kafka_line,
        brokers=settings.brokers,
        port=port,
        zookeeper_port=keeper,
        changed_at=time.time(),
        auto_ports=auto,
        fingerprint={name: str(getattr(settings, name)) for name in _FIELDS},
        compose_project=_project_name(settings, before, engine, containers, notice),
    )


def _project_name(
    settings: Settings,
    before: ClusterRecord | None,
    engine: Engine,
    containers: Mapping[str, Container],
    notice: Callable[[str], None],
) -> str:
    """Compose's own name for this directory, unless another directory or file has it already."""
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
    foreign = any(_is_foreign(found, project, mine) for found in engine.of_project(name))
    if name not in others and not foreign:
        return name
    digest = hashlib.sha256(os.fsencode(project)).hexdigest()[:6]
    notice(f"another project is called {name}; this one is {name}-{digest}")
    return f"{name}-{digest}"


def _is_foreign(found: Container, directory: Path, file_used: str) -> bool:
    """Whether a container belongs to another directory, or to another file of this one."""
    if found.labels.get(WORKING_DIRECTORY) != str(directory):
        return True
    files = found.labels.get(CONFIG_FILES, "").split(",")
    return found.service not in SERVICES and file_used not in files


def require_ports(
    record: ClusterRecord,
    wanted: Sequence[str],
    engine: Engine,
    containers: Mapping[str, Container],
) -> None:
    """Raise `PortTaken` for the first port that is held, naming the container or the process."""
    needed = {
        name: ports.of_service(name, record.port, record.zookeeper_port)
        for name in wanted
        if name not in containers or not containers[name].running
    }
    for name, port in needed.items():
        if processes.port_is_free(port):
            continue
        if (other := engine.publisher(port)) is None:
            ports.require_free({name: port})
            continue
        variable = "KAFKA_TASKS_ZOOKEEPER_PORT" if name == ZOOKEEPER else "KAFKA_TASKS_PORT"
        raise PortTaken(
            f"Port {port}, which {name} needs, is published by the container {other.name} "
            f"(project {other.project or 'none'}).",
            hint=f"docker stop {other.name}, or {variable}=auto invoke kafka.up",
        )
