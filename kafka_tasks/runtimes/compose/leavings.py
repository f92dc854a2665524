"""What a start made on the engine besides running servers, so that a failed one takes it back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_tasks.clients.container import Container
from kafka_tasks.runtimes.compose import command

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine, Made

# The engine's own names for volumes.
_ANONYMOUS = re.compile(r"[0-9a-f]{64}")
_OF_CONFIGURATION = ("/etc/", "/mnt/shared/config")


@dataclass(frozen=True, slots=True)
class Before:
    """What a Compose project had before a start."""

    project: str
    containers: frozenset[str]
    volumes: frozenset[str]
    made: Made

    @classmethod
    def of(cls, engine: Engine, project: str) -> Before:
        """Look at what the project has now."""
        there = engine.of_project(project)
        volumes = frozenset(volume for found in there for volume in found.volumes)
        ids = frozenset(found.id for found in there)
        return cls(project, ids, volumes, engine.made_for(project))

    def new(self, engine: Engine) -> Leavings:
        """Return what was made since."""
        there = engine.of_project(self.project)
        fresh = tuple(found for found in there if found.id not in self.containers)
        made = engine.made_for(self.project)
        return Leavings(
            tuple(found.id for found in fresh),
            tuple(made.networks - self.made.networks),
            tuple((made.volumes - self.made.volumes) | (anonymous(fresh) - self.volumes)),
        )


@dataclass(frozen=True, slots=True)
class Leavings:
    """Containers, networks and volumes to be removed."""

    containers: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def remove(self) -> None:
        """Remove them, as far as they are there and unused."""
        for identifier in self.containers:
            command.remove_container(identifier)
        for identifier in self.networks:
            command.remove_network(identifier)
        for name in self.volumes:
            command.remove_volume(name)


def anonymous(containers: Iterable[Container]) -> frozenset[str]:
    """Return the names of these containers' unnamed volumes."""
    names = (name for found in containers for name in found.volumes)
    return frozenset(name for name in names if _ANONYMOUS.fullmatch(name))


def unnamed_data(containers: Iterable[Container]) -> dict[str, str]:
    """Return the unnamed volumes that may have data, each with service and path.

    The images declare volumes for their configuration, too, which no start reads again.
    """
    return {
        name: f"{found.service}:{path}"
        for found in containers
        for name, path in found.volumes.items()
        if _ANONYMOUS.fullmatch(name) and not path.startswith(_OF_CONFIGURATION)
    }


def volumes_of(config: Mapping[str, Any], services: Iterable[str]) -> tuple[str, ...]:
    """Return the engine's names of the volumes that only these services use."""
    wanted = set(services)
    used: dict[str, set[str]] = {}
    for name, service in config["services"].items():
        for mount in service.get("volumes") or ():
            if mount.get("type") == "volume" and mount.get("source"):
                used.setdefault(mount["source"], set()).add(name)
    declared = config.get("volumes") or {}
    return tuple(
        str(declared[source]["name"])
        for source, users in sorted(used.items())
        if users <= wanted and source in declared and not declared[source].get("external")
    )
