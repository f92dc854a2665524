"""The Compose file: the one that is used, its variables, and what in it cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka_tasks.clients import machine
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology, zookeeper_cluster
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.compose import file_problems
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Surroundings
from kafka_tasks.settings import PREFIX, Settings

# In the order in which Compose looks for them.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_NEEDED = zookeeper_cluster(1).names
OVERRIDE = "compose.override.yml"


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """The file that is used, and a word where that may surprise."""

    path: Path
    notice: str | None = None


def choose(settings: Settings) -> ComposeFile:
    """Return the named file; else the project's if it has our services; else the packaged one.

    Raises `InvalidInput` for a named file that lacks them.
    """
    if settings.compose_file is not None:
        lacking = _lacking(settings.compose_file)
        if lacking:
            raise InvalidInput(
                f"{settings.compose_file} (KAFKA_TASKS_COMPOSE_FILE) has no service "
                f"{' and no service '.join(lacking)}.",
                hint=f"name the services {' and '.join(_NEEDED)}, or unset "
                "KAFKA_TASKS_COMPOSE_FILE to use the packaged file",
            )
        return ComposeFile(settings.compose_file)
    for name in NAMES:
        path = settings.project / name
        if path.is_file():
            lacking = _lacking(path)
            if not lacking:
                return ComposeFile(path)
            notice = f"{name} has no service {' and '.join(lacking)}; using the packaged one"
            return ComposeFile(packaged(), notice)
    return ComposeFile(packaged())


def packaged() -> Path:
    """Return the file that ships with the package; in a checkout it is the one at the top."""
    here = Path(__file__).parent
    shipped = here / "docker-compose.yml"
    return shipped if shipped.exists() else here.parents[2] / "docker-compose.yml"


def _lacking(path: Path) -> list[str]:
    there = _services(path)
    return [name for name in _NEEDED if name not in there]


def _services(path: Path) -> set[str]:
    """Return the names under `services`, by nodes: nothing else in the file is built."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), loader)
    except OSError as error:
        raise InvalidInput(
            f"{path} cannot be read: {error.strerror}.", hint=f'ls -l "{path}"'
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput(
            f"{path} is not readable as YAML.",
            evidence=str(error).splitlines(),
            hint=f'docker compose -f "{path}" config',
        ) from error
    found: set[str] = set()
    for key, value in _entries(root, set()):
        if key == "services":
            found |= {name for name, _ in _entries(value, set())}
    return found


def _entries(node: Any, seen: set[int]) -> Iterator[tuple[str, Any]]:
    """Yield keys and values of a mapping and of what is merged into it, each node once."""
    import yaml

    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):  # several that are merged
        for part in node.value:
            if isinstance(part, yaml.MappingNode):
                yield from _entries(part, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.tag == "tag:yaml.org,2002:merge":
                yield from _entries(value, seen)
            elif isinstance(key, yaml.ScalarNode):
                yield key.value, value


def variables(settings: Settings, topology: Topology, project: str) -> dict[str, str]:
    """Return what Compose puts into the file; none of it reaches a container by itself."""
    replicas = min(3, len(topology.brokers))
    found = {
        PREFIX + "VERSION": settings.version,
        PREFIX + "LAUNCH": settings.launch,
        PREFIX + "NETWORK": settings.network or f"kafka-tasks-{project}",
        PREFIX + "NETWORK_EXTERNAL": "true" if settings.network_external else "false",
        "INTERNAL_REPLICATION_FACTOR": str(replicas),
        "INTERNAL_MIN_ISR": str(max(1, replicas - 1)),
    }
    for service in topology:
        recipe = roles.of(service.role)
        image = recipe.container.image_setting
        found[PREFIX + image.upper()] = str(getattr(settings, image))
        first = service.number == 1
        port = recipe.port_variable if first else f"{service.role.upper()}_{service.number}_PORT"
        # Without a port, as before a first start, the file's own default counts.
        if service.port is not None:
            found[port] = str(service.port)
    return found


def project_name(directory: Path) -> str:
    """Return the name that Compose itself gives to the project of a directory."""
    name = re.sub(r"[^a-z0-9_-]", "", directory.name.lower()).lstrip("_-")
    return name or "kafka-tasks"


def project_of(directory: Path, record: ClusterRecord | None) -> str:
    """Return the Compose project of a directory: as recorded, else as Compose itself names it."""
    return (record.compose_project if record else None) or project_name(directory)


def override(
    services: Mapping[str, Any],
    *,
    topology: Topology,
    further: Mapping[str, str],
    start_interval: bool,
) -> str | None:
    """Return an override file: further broker properties, and no key that an old engine refuses.

    None where there is nothing to override.
    """
    import yaml

    changes: dict[str, dict[str, Any]] = {}
    if further:
        # Compose would read a $ as the beginning of a variable.
        environment = {variable_of(key): value.replace("$", "$$") for key, value in further.items()}
        for broker in topology.brokers:
            changes.setdefault(broker.name, {})["environment"] = environment
    text = yaml.safe_dump({"services": changes}, sort_keys=True) if changes else ""
    if start_interval:
        return text or None
    # `!reset` takes a key away again; Compose knows it from 2.24 on, PyYAML does not.
    asking = [
        name
        for name, service in services.items()
        if "start_interval" in (service.get("healthcheck") or {})
    ]
    if not asking:
        return text or None
    lines = ["services:"]
    for name in sorted({*asking, *changes}):
        lines.append(f"  {name}:")
        if name in asking:
            lines += ["    healthcheck:", "      start_interval: !reset null"]
        if name in changes:
            block = yaml.safe_dump(changes[name], sort_keys=True)
            lines += [f"    {line}" for line in block.splitlines()]
    return "\n".join(lines) + "\n"


def variable_of(key: str) -> str:
    """Return the variable that the images turn into a property: a.b_c-d is KAFKA_A_B__C___D."""
    text = key.replace("_", "__").replace("-", "___").replace(".", "_")
    return f"KAFKA_{text.upper()}"


def check(config: Mapping[str, Any], topology: Topology) -> None:
    """Raise `InvalidInput` for what cannot work, before anything starts."""
    file_problems.require_workable(as_read(config, topology))


def as_read(config: Mapping[str, Any], topology: Topology) -> ConfiguredFile:
    """Return a file as Compose reads it, with the services that are a cluster, on this machine."""
    here = Surroundings(machine.addresses(), machine.host_names())
    return ConfiguredFile(config, topology, here)


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
