"""What the engine shows of a project: its containers as services and as a cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.clients.container import Container
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model import listener
from kafka_tasks.model.address import Address, Inside
from kafka_tasks.model.cluster import Cluster, Observation, ServiceState
from kafka_tasks.model.security import KINDS, Security
from kafka_tasks.model.topology import Service, Topology, in_order
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import ports, roles
from kafka_tasks.runtimes.compose import cast
from kafka_tasks.runtimes.compose.service_config import ConfiguredService
from kafka_tasks.runtimes.roles import secured
from kafka_tasks.runtimes.secure import access
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

# The label that the packaged file puts on each container.
OURS = "kafka-tasks.cluster"
# The labels of the containers of a secured cluster: the kind, and whether it has an authorizer.
_KIND, _ACL = "kafka-tasks.secure", "kafka-tasks.acl"
# The exit codes of a program that was stopped: its own, or that of SIGTERM.
_IN_ORDER = (0, 143)


def by_service(
    engine: Engine, directory: Path, record: ClusterRecord | None = None
) -> dict[str, Container]:
    """Return what Compose made for this directory, whoever called it; running ones first.

    Other services may be called kafka-ui or kafka-connect: they are no brokers.
    """
    known = record.topology if record else None
    found: dict[str, Container] = {}
    for container in engine.of_directory(directory):
        if container.one_off or not cast.concerns(_configured(container), known):
            continue
        before = found.get(container.service)
        if before is None or (container.running and not before.running):
            found[container.service] = container
    return {name: found[name] for name in topology(found, known).names}


def _configured(container: Container) -> ConfiguredService:
    """Return a container as the service that a file would have for it."""
    entry = {
        "image": container.image,
        "environment": container.environment,
        "labels": container.labels,
        "command": container.command,
    }
    return ConfiguredService(container.service, entry)


def topology(containers: Mapping[str, Container], known: Topology | None = None) -> Topology:
    """Return the services of these containers, with the roles that their variables give them.

    What is known of services of other names than ours counts: their numbers come from their file.
    """
    parts = cast.of_services(map(_configured, containers.values()))
    named = {each.name: each for each in known or () if each.name != each.our_name}
    return in_order(named.get(each.name, each) for each in parts)


def host_port(
    service: Service, environment: Mapping[str, str], ports: Mapping[int, int]
) -> int | None:
    """Return the published port (inside → outside) that leads to the listener for the host."""
    inside = roles.of(service.role).container.port
    if inside is not None:
        told = environment.get("ZOOKEEPER_CLIENT_PORT", "")
        return ports.get(int(told) if told.isdecimal() else inside)
    published = ports.values()
    for each in _listeners(environment, "ADVERTISED_LISTENERS"):
        here = Address(each.host, each.port).is_loopback and each.port in published
        if here and each.name != secured.INTERNAL:
            return each.port
    return min(published, default=None)


def _internal_port(environment: Mapping[str, str], ports: Mapping[int, int]) -> int | None:
    """Return the published port (inside → outside) of a secured broker's listener for us."""
    bound = _listeners(environment, "LISTENERS")
    found = (ports.get(each.port) for each in bound if each.name == secured.INTERNAL)
    return next(found, None)


def quorum_port(environment: Mapping[str, str], ports: Mapping[int, int]) -> int | None:
    """Return the published port (inside → outside) that leads to the listener for controllers."""
    names = _variable(environment, "CONTROLLER_LISTENER_NAMES").upper().split(",")
    bound = _listeners(environment, "LISTENERS")
    found = (ports.get(each.port) for each in bound if each.name in names)
    return next(found, None)


def _listeners(environment: Mapping[str, str], key: str) -> tuple[listener.Listener, ...]:
    try:
        return tuple(listener.parse(_variable(environment, key)))
    except InvalidInput:
        return ()


def _variable(environment: Mapping[str, str], key: str) -> str:
    """Return a broker's variable, by the name of bitnami's image or of any other."""
    return environment.get(f"KAFKA_CFG_{key}") or environment.get(f"KAFKA_{key}", "")


def unclean(containers: Mapping[str, Container]) -> bool:
    """Return whether a broker's container was killed."""
    brokers = {broker.name for broker in topology(containers).brokers}
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
    is_secured = expected.security is not None
    services = (_published(service, containers, is_secured=is_secured) for service in expected)
    found = replace(expected, services=tuple(services))
    return Cluster.of(
        found,
        project=project,
        runtime="compose",
        kafka_version=record.kafka_version if record else settings.line.kafka,
        client=access.of_tool(found, project),
    )


def _expected(containers: Mapping[str, Container], settings: Settings) -> Topology:
    """Return the services of a cluster without a record, by its containers or by the settings."""
    seen = topology(containers)
    if seen.brokers and seen.coordinators:
        labels = (containers[broker.name].labels for broker in seen.brokers)
        security = next(filter(None, map(_security, labels)), settings.security)
        return replace(ports.as_set(settings, seen), security=security)
    known = replace(settings, brokers=len(seen.brokers) or settings.brokers)
    return ports.as_set(known, known.topology)


def labelled(security: Security) -> dict[str, str]:
    """Return the labels of a container of such a cluster."""
    return {_KIND: security.kind, _ACL: str(security.acl).lower()}


def _security(labels: Mapping[str, str]) -> Security | None:
    """Return the security of the cluster that a container with these labels belongs to."""
    kind = next((kind for kind in KINDS if kind == labels.get(_KIND)), None)
    return Security(kind, labels.get(_ACL) == "true") if kind else None


def _published(
    service: Service, containers: Mapping[str, Container], *, is_secured: bool
) -> Service:
    """Return a service at its published ports.

    A coordinator whose container publishes none cannot be reached, unless the cluster is secured:
    then it is asked inside. A broker keeps the port that is expected of it.
    """
    container = containers.get(service.name)
    if container is None:
        return service
    kept = service.port if service.role.serves_clients else None
    environment, out = container.environment, container.ports
    inner = roles.of(service.role).container.port
    inside = Inside(container.id, inner) if is_secured and inner else None
    found = service.at(
        host_port(service, environment, out) or kept,
        quorum_port(environment, out),
        _internal_port(environment, out) or service.internal_port,
    )
    return replace(found, inside=inside)


def observed(expected: Topology, containers: Mapping[str, Container]) -> Observation:
    """Return these services, and every one that has a container, as their containers show them."""
    seen = topology(containers, expected)
    services = {service.name: service for service in (*expected, *seen)}
    found = in_order(services.values())
    return Observation(tuple(_state(each, containers.get(each.name)) for each in found))


def _state(service: Service, container: Container | None) -> ServiceState:
    """Return one service as its container shows it."""
    if container is None:
        return ServiceState(service.name, service.role, alive=False, ended="its container is gone")
    port = host_port(service, container.environment, container.ports)
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
