"""What the engine shows of a project: its containers as services and as a cluster."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from kafka_tasks.clients.docker import Container, Engine
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import listener as listeners
from kafka_tasks.model.cluster import (
    ZOOKEEPER,
    Address,
    Cluster,
    Role,
    ServiceState,
    broker_name,
)
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.settings import Settings

# The label that the packaged file puts on each container.
OURS = "kafka-tasks.cluster"
# What a program that was told to end ends with: by itself, or by SIGTERM.
_IN_ORDER = (0, 143)
# Others may be called kafka-ui or kafka-connect.
_SERVICE = re.compile(r"zookeeper|kafka(?:-[0-9]+)?")


def by_service(engine: Engine, directory: Path) -> dict[str, Container]:
    """What Compose made for this directory, whoever called it; a running one before others."""
    found: dict[str, Container] = {}
    for container in engine.of_directory(directory):
        name = container.service
        if not _SERVICE.fullmatch(name) or container.one_off:
            continue
        before = found.get(name)
        if before is None or (container.running and not before.running):
            found[name] = container
    return found


def order(name: str) -> tuple[int, int]:
    """ZooKeeper first, then the brokers by number."""
    if name == ZOOKEEPER:
        return (0, 0)
    tail = name.removeprefix("kafka-")
    return (1, int(tail) if tail.isdecimal() else 1)


def host_port(container: Container) -> int | None:
    """The published port that leads to the listener for the host."""
    if container.service == ZOOKEEPER:
        return container.ports.get(2181)
    published = container.ports.values()
    try:
        told = listeners.parse(container.environment.get("KAFKA_ADVERTISED_LISTENERS", ""))
    except InvalidInput:
        told = ()
    for listener in told:
        if Address(listener.host, listener.port).is_loopback and listener.port in published:
            return listener.port
    return min(published, default=None)


def unclean(containers: Mapping[str, Container]) -> bool:
    """Whether a broker's container was killed."""
    return any(
        not found.running and found.status != "created" and found.exit_code not in _IN_ORDER
        for name, found in containers.items()
        if name != ZOOKEEPER
    )


def cluster(
    project: Path,
    containers: Mapping[str, Container],
    record: ClusterRecord | None,
    settings: Settings,
) -> Cluster:
    """The cluster by its published ports, else as recorded, else as the settings have it."""
    count = record.brokers if record else _brokers(containers) or settings.brokers
    port = record.port if record else _number(settings.port, 9092)
    keeper = record.zookeeper_port if record else _number(settings.zookeeper_port, 2181)
    bootstrap = []
    for index in range(1, count + 1):
        found = containers.get(broker_name(index))
        published = host_port(found) if found else None
        bootstrap.append(Address("localhost", published or port + index - 1))
    at_zookeeper = containers.get(ZOOKEEPER)
    published = host_port(at_zookeeper) if at_zookeeper else None
    visible = at_zookeeper is None or published is not None
    return Cluster(
        project=project,
        runtime="compose",
        bootstrap=tuple(bootstrap),
        zookeeper=Address("localhost", published or keeper) if visible else None,
        brokers=count,
        kafka_version=record.kafka_version if record else settings.kafka_line,
    )


def _brokers(containers: Mapping[str, Container]) -> int:
    return sum(name != ZOOKEEPER for name in containers)


def _number(value: int | str, default: int) -> int:
    return value if isinstance(value, int) else default


def service_state(name: str, container: Container | None) -> ServiceState:
    """One service as its container shows it."""
    role: Role = "zookeeper" if name == ZOOKEEPER else "broker"
    if container is None:
        return ServiceState(name, role, alive=False, ended="its container is gone")
    port = host_port(container)
    return ServiceState(
        name=name,
        role=role,
        alive=container.running,
        address=Address("localhost", port) if port else None,
        container=container.id,
        uptime_s=_uptime_s(container) if container.running else None,
        version=_tag(container.image),
        health=container.health,
        ended=None if container.running else ended(container),
        suspended=container.paused,
    )


def ended(container: Container) -> str:
    """How a container ended, in a few words."""
    if container.out_of_memory:
        return f"killed for memory, exit code {container.exit_code}"
    return container.error or f"exit code {container.exit_code}"


def _tag(image: str) -> str | None:
    """The tag of an image's name, which may have a registry's port and a digest besides."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2] or None


def _uptime_s(container: Container) -> float | None:
    if not container.started_at:
        return None
    try:
        started = datetime.fromisoformat(container.started_at[:26].rstrip("Z") + "+00:00")
    except ValueError:
        return None
    return round(max(0.0, time.time() - started.timestamp()), 1)
