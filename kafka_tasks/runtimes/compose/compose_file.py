"""The Compose file: the one that is used, its variables, and what in it cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kafka_tasks.clients import machine
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.topology import Topology, kraft_cluster, zookeeper_cluster
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose import command, file_problems
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Surroundings
from kafka_tasks.settings import PREFIX, Settings, dotenv_values_of, environment

# In the order in which Compose looks for them.
NAMES = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
_NEEDED: dict[Mode, tuple[str, ...]] = {
    "zookeeper": zookeeper_cluster(1).names,
    "kraft": kraft_cluster(1).names,
}
_SHIPPED: dict[Mode, str] = {
    "zookeeper": "docker-compose.yml",
    "kraft": "docker-compose.kraft.yml",
}
# The port of the packaged file's listener for controllers, inside each container.
_QUORUM_PORT = 29093
# The packaged files have a profile for each number of brokers.
PACKAGED_BROKERS = 5
OVERRIDE = "compose.override.yml"
# What Compose by itself would read beside one of NAMES.
_BESIDE = tuple(name.replace(".y", ".override.y") for name in NAMES)
# Variables of Compose that a start with kafka-tasks has its own values for, and what says it there.
_OWN_WAY = {
    "COMPOSE_FILE": "KAFKA_TASKS_COMPOSE_FILE names the file",
    "COMPOSE_PROFILES": "only the services of the cluster are started",
}


@dataclass(frozen=True, slots=True)
class ComposeFile:
    """The file that is used, and a word where that may surprise."""

    path: Path
    notice: str | None = None


def choose(settings: Settings) -> ComposeFile:
    """Return the named file; else the project's if it fits the mode; else the packaged one.

    Raises `InvalidInput` for a named file that does not fit.
    """
    mode = settings.resolved_mode
    if settings.compose_file is not None:
        if unfit := _unfit(settings.compose_file, mode):
            raise InvalidInput(
                f"{settings.compose_file} (KAFKA_TASKS_COMPOSE_FILE) {unfit}.",
                hint=f"name the services {' and '.join(_NEEDED[mode])}, or unset "
                "KAFKA_TASKS_COMPOSE_FILE to use the packaged file",
            )
        return ComposeFile(settings.compose_file)
    # Of the two names of ours, that of KRaft mode is none that Compose looks for.
    for name in (_SHIPPED[mode], *NAMES) if mode == "kraft" else NAMES:
        path = settings.project / name
        if path.is_file():
            if unfit := _unfit(path, mode):
                return ComposeFile(packaged(mode), f"{name} {unfit}; using the packaged one")
            return ComposeFile(path)
    return ComposeFile(packaged(mode))


def left_out(settings: Settings, project: str) -> Iterator[str]:
    """Yield, a line each, what `docker compose` by hand would take and a start does not."""
    chosen = choose(settings).path
    if chosen.parent == settings.project and chosen.name in NAMES:
        for path in (settings.project / name for name in _BESIDE):
            if path.is_file():
                yield f"{path.name} is not used: kafka-tasks starts {chosen.name} alone"
    told = {**dotenv_values_of(settings.project / ".env"), **environment()}
    for name, why in _OWN_WAY.items():
        if text := told.get(name):
            yield f"{name}={text} is not used: {why}"
    if (wanted := told.get("COMPOSE_PROJECT_NAME")) and wanted != project:
        yield f"COMPOSE_PROJECT_NAME={wanted} is not used: the project is {project}"


def packaged(mode: Mode = "zookeeper") -> Path:
    """Return the file that ships with the package; in a checkout it is the one at the top."""
    here = Path(__file__).parent
    shipped = here / _SHIPPED[mode]
    return shipped if shipped.exists() else here.parents[2] / _SHIPPED[mode]


def is_packaged(path: Path) -> bool:
    """Return whether this is a file that ships with the package."""
    return path in (packaged(mode) for mode in _SHIPPED)


def _unfit(path: Path, mode: Mode) -> str | None:
    """Return why a file does not fit a mode, as the end of a sentence."""
    there = _services(path)
    if lacking := [name for name in _NEEDED[mode] if name not in there]:
        return f"has no service {' and no service '.join(lacking)}"
    if mode == "kraft" and "zookeeper" in there:
        return "has a service zookeeper, and KRaft mode has none"
    return None


def _services(path: Path) -> set[str]:
    """Return the names under `services`, by nodes: nothing else in the file is built.

    Those of files that it includes are asked of Compose.
    """
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
        elif key == "include":
            found |= command.services_of(path)
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


def variables(
    settings: Settings, topology: Topology, project: str, cluster_id: str | None = None
) -> dict[str, str]:
    """Return what Compose puts into the file; none of it reaches a container by itself."""
    replicas = min(3, len(topology.brokers))
    found = {
        PREFIX + "VERSION": settings.version,
        PREFIX + "LAUNCH": settings.launch,
        PREFIX + "NETWORK": settings.network or f"kafka-tasks-{project}",
        PREFIX + "NETWORK_EXTERNAL": "true" if settings.network_external else "false",
        "INTERNAL_REPLICATION_FACTOR": str(replicas),
        "INTERNAL_MIN_ISR": str(max(1, replicas - 1)),
        **_of_quorum(topology, cluster_id),
    }
    for service in topology:
        recipe = roles.of(service.role)
        image = recipe.container.image_setting
        found[PREFIX + image.upper()] = str(getattr(settings, image))
        kind = "BROKER" if service.role.serves_clients else service.role.upper()
        first = service.number == 1
        port = recipe.port_variable if first else f"{kind}_{service.number}_PORT"
        # Without a port, as before a first start, the file's own default counts.
        if service.port is not None:
            found[port] = str(service.port)
    return found


def _of_quorum(topology: Topology, cluster_id: str | None) -> dict[str, str]:
    """Return the variables of KRaft mode: the voters, and which nodes are among them."""
    voters = topology.voters
    if not voters:
        return {}
    combined = [voter for voter in voters if voter.role.serves_clients]
    found = {
        "QUORUM_VOTERS": ",".join(f"{each.node_id}@{each.name}:{_QUORUM_PORT}" for each in voters),
        "COMBINED_3": "yes" if len(combined) > 1 else "",
        **({} if combined else {"COMBINED_1": ""}),
        **({"CLUSTER_ID": cluster_id} if cluster_id else {}),
    }
    for number, voter in enumerate(voters, start=1):
        port = PREFIX + "CONTROLLER_PORT" if number == 1 else f"CONTROLLER_{number}_PORT"
        if voter.quorum_port is not None:
            found[port] = str(voter.quorum_port)
    return found


def profiles(topology: Topology) -> tuple[str, ...]:
    """Return the profiles of a file that have these services."""
    dedicated = sum(not voter.role.serves_clients for voter in topology.voters)
    brokers = f"brokers-{len(topology.brokers)}"
    return (brokers, f"controllers-{dedicated}") if dedicated else (brokers,)


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
    further: BrokerProperties,
    start_interval: bool,
) -> str | None:
    """Return an override file: further broker properties, and no key that an old engine refuses.

    None where there is nothing to override.
    """
    import yaml

    changes: dict[str, dict[str, Any]] = {}
    # Controllers decide the defaults of new topics.
    for node in dict.fromkeys((*topology.brokers, *topology.voters)):
        if found := further.of(node):
            # Compose would read a $ as the beginning of a variable.
            environment = {variable_of(key): text.replace("$", "$$") for key, text in found.items()}
            changes.setdefault(node.name, {})["environment"] = environment
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
