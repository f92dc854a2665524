"""What the engine shows of a project: its containers as services and as a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from kafka_tasks.clients.container import Container
from kafka_tasks.clients.docker import Engine
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import listener
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster, Observation, ServiceState
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology, identify, in_order, of_names, service_of
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import ports, roles
from kafka_tasks.runtimes.compose.service_config import PROCESS_ROLES
from kafka_tasks.settings import Settings

# The label that the packaged file puts on each container.
OURS = "kafka-tasks.cluster"
# The exit codes of a program that was stopped: its own, or that of SIGTERM.
_IN_ORDER = (0, 143)


def by_service(engine: Engine, directory: Path) -> dict[str, Container]:
    """Return what Compose made for this directory, whoever called it; running ones first.

    Other services may be called kafka-ui or kafka-connect: they are no brokers.
    """
    found: dict[str, Container] = {}
    for container in engine.of_directory(directory):
        if container.one_off or not is_ours(container.service, container.environment):
            continue
        before = found.get(container.service)
        if before is None or (container.running and not before.running):
            found[container.service] = container
    return {name: found[name] for name in of_names(found).names}


def is_ours(name: str, environment: Mapping[str, object]) -> bool:
    """Return whether a service of this name is one of a cluster: any file may have a controller."""
    known = identify(name)
    if known is None or known.role is not Role.CONTROLLER:
        return known is not None
    return "KAFKA_PROCESS_ROLES" in environment


def topology(containers: Mapping[str, Container]) -> Topology:
    """Return the services of these containers, with the roles that their variables give them."""
    found = (_service(name, container) for name, container in containers.items())
    return in_order(service for service in found if service)


def _service(name: str, container: Container) -> Service | None:
    known = identify(name)
    words = container.environment.get("KAFKA_PROCESS_ROLES", "").split(",")
    parts = frozenset(word.strip() for word in words if word.strip())
    role = _ROLES.get(parts)
    return (service_of(name, role) if role else None) or known


_ROLES = {parts: role for role, parts in PROCESS_ROLES.items()}


def host_port(container: Container) -> int | None:
    """Return the published port that leads to the listener for the host."""
    service = identify(container.service)
    inside = roles.of(service.role).container.port if service else None
    if inside is not None:
        return container.ports.get(inside)
    published = container.ports.values()
    try:
        told = listener.parse(container.environment.get("KAFKA_ADVERTISED_LISTENERS", ""))
    except InvalidInput:
        told = ()
    for each in told:
        if Address(each.host, each.port).is_loopback and each.port in published:
            return each.port
    return min(published, default=None)


def _quorum_port(container: Container) -> int | None:
    """Return the published port that leads to the listener for controllers."""
    names = container.environment.get("KAFKA_CONTROLLER_LISTENER_NAMES", "").upper().split(",")
    try:
        bound = listener.parse(container.environment.get("KAFKA_LISTENERS", ""))
    except InvalidInput:
        return None
    found = (container.ports.get(each.port) for each in bound if each.name in names)
    return next(found, None)


def unclean(containers: Mapping[str, Container]) -> bool:
    """Return whether a broker's container was killed."""
    brokers = {broker.name for broker in of_names(containers).brokers}
    return any(
        not found.running and found.status != "created" and found.exit_code not in _IN_ORDER
        for name, found in containers.items()
        if name in brokers
    )


def exited(containers: Mapping[str, Container]) -> frozenset[str]:
    """Return the services whose process has certainly exited; one that restarts may have one."""
    found = (name for name, each in containers.items() if each.status in ("exited", "dead"))
    return frozenset(found)


def cluster(
    project: Path,
    containers: Mapping[str, Container],
    record: ClusterRecord | None,
    settings: Settings,
) -> Cluster:
    """Return the cluster by its published ports, else as recorded, else as the settings have it."""
    expected = record.topology if record else _expected(containers, settings)
    found = Topology(tuple(_published(service, containers) for service in expected))
    return Cluster.of(
        found,
        project=project,
        runtime="compose",
        kafka_version=record.kafka_version if record else settings.line.kafka,
    )


def _expected(containers: Mapping[str, Container], settings: Settings) -> Topology:
    """Return the services of a cluster without a record, by its containers or by the settings."""
    seen = topology(containers)
    if seen.brokers and seen.coordinators:
        return ports.as_set(settings, seen)
    known = replace(settings, brokers=len(seen.brokers) or settings.brokers)
    return ports.as_set(known, known.topology)


def _published(service: Service, containers: Mapping[str, Container]) -> Service:
    """Return a service at its published ports.

    A coordinator whose container publishes none cannot be reached; a broker then keeps the port
    that is expected of it.
    """
    container = containers.get(service.name)
    if container is None:
        return service
    kept = service.port if service.role.serves_clients else None
    return service.at(host_port(container) or kept, _quorum_port(container))


def observed(expected: Topology, containers: Mapping[str, Container]) -> Observation:
    """Return these services, and every one that has a container, as their containers show them."""
    services = {service.name: service for service in (*expected, *topology(containers))}
    found = in_order(services.values())
    return Observation(tuple(_state(each, containers.get(each.name)) for each in found))


def _state(service: Service, container: Container | None) -> ServiceState:
    """Return one service as its container shows it."""
    if container is None:
        return ServiceState(service.name, service.role, alive=False, ended="its container is gone")
    port = host_port(container)
    return ServiceState(
        name=service.name,
        role=service.role,
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
    """Return how a container exited, in a few words."""
    if container.out_of_memory:
        return f"killed for memory, exit code {container.exit_code}"
    return container.error or f"exit code {container.exit_code}"


def _tag(image: str) -> str | None:
    """Return the tag of an image's name, which may have a registry's port and a digest besides."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[2] or None


def _uptime_s(container: Container) -> float | None:
    if not container.started_at:
        return None
    try:
        started = datetime.fromisoformat(container.started_at[:26].rstrip("Z") + "+00:00")
    except ValueError:
        return None
    return round(max(0.0, time.time() - started.timestamp()), 1)
