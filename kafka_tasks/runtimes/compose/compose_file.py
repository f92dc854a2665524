"""The Compose file: the one that is used, its variables, and what in it cannot work."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kafka_tasks.clients import machine
from kafka_tasks.errors import InvalidInput, KafkaTasksError
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.topology import Service, Topology, in_order, kraft_cluster, zookeeper_cluster
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.compose import cast, command, containers, file_problems, file_variables
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Surroundings
from kafka_tasks.runtimes.compose.service_config import ConfiguredService
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
# The packaged files have a profile for each number of brokers.
PACKAGED_BROKERS = 5
_PROFILES = "COMPOSE_PROFILES"
_EVERY = ("*",)
# A file without any of these words has no cluster, and Compose need not be asked.
_TELLING = re.compile(r"kafka|zoo|include|extends", re.IGNORECASE)


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
        if unfit := _unfit(settings, settings.compose_file):
            raise InvalidInput(
                f"{settings.compose_file} (KAFKA_TASKS_COMPOSE_FILE) {unfit}.",
                hint=f"label a service {cast.LABEL}: broker, or zookeeper, or unset "
                "KAFKA_TASKS_COMPOSE_FILE to use the packaged file",
            )
        return ComposeFile(settings.compose_file)
    # Of the two names of ours, that of KRaft mode is none that Compose looks for.
    for name in (_SHIPPED[mode], *NAMES) if mode == "kraft" else NAMES:
        path = settings.project / name
        if path.is_file():
            if unfit := _unfit(settings, path):
                return ComposeFile(packaged(mode), f"{name} {unfit}; using the packaged one")
            return ComposeFile(path)
    return ComposeFile(packaged(mode))


def told_to_compose(settings: Settings) -> dict[str, str]:
    """Return the variables that Compose by itself would see."""
    return {**dotenv_values_of(settings.project / ".env"), **environment()}


def packaged(mode: Mode = "zookeeper") -> Path:
    """Return the file that ships with the package; in a checkout it is the one at the top."""
    here = Path(__file__).parent
    shipped = here / _SHIPPED[mode]
    return shipped if shipped.exists() else here.parents[2] / _SHIPPED[mode]


def is_packaged(path: Path) -> bool:
    """Return whether this is a file that ships with the package."""
    return path in (packaged(mode) for mode in _SHIPPED)


def _unfit(settings: Settings, path: Path) -> str | None:
    """Return why a file does not fit the settings, as the end of a sentence."""
    mode, there = settings.resolved_mode, _services(path)
    if there.issuperset(_NEEDED[mode]) and (mode == "zookeeper" or "zookeeper" not in there):
        return None
    found = _services_of(settings, path)
    if names := cast.lacking(found, mode):
        tail = ", nor one with such an image, variables or label" if _tells(path) else ""
        return f"has no service {' and no service '.join(names)}{tail}"
    if found.mode in _modes(settings):
        return None
    first = found.coordinators[0].name
    if found.mode == "zookeeper":
        return f"has a service {first}, and KRaft mode has none"
    return f"has a service {first} in KRaft mode, and ZooKeeper mode is asked for"


def _modes(settings: Settings) -> tuple[Mode, ...]:
    """Return the modes that a file may have: the one that is asked for or recorded, else any."""
    if settings.mode != "auto" or settings.recorded_mode:
        return (settings.resolved_mode,)
    return settings.line.modes if settings.explicit("version") else ("zookeeper", "kraft")


def _services_of(settings: Settings, path: Path) -> Topology:
    """Return the services of a file that are a cluster, at its ports; perhaps not all of one.

    Services of profiles that were not chosen count only where there is no cluster without them.
    Raises `InvalidInput` where it cannot be told which services those are.
    """
    found = Topology()
    if not _tells(path):
        return found
    for chosen in (_profiles_of(settings, settings.topology), _EVERY):
        if (config := _config_of(settings, path, chosen)) is not None:
            found = published(cast.of_config(config), config)
        if not cast.lacking(found):
            break
    return found


def _config_of(settings: Settings, path: Path, profiles: tuple[str, ...]) -> Any:
    """Return a file as Compose reads it; None where it does not, which a start reports."""
    name = project_name(settings.project)
    given = file_variables.of(settings, ports.as_set(settings, settings.topology), name)
    project = command.Project(
        name=name, directory=settings.project, files=(path,), variables=given, profiles=profiles
    )
    try:
        return project.config()
    except KafkaTasksError:
        return None


def fitted(settings: Settings) -> Settings:
    """Return the settings with the services of a user's own file; for the packaged one, as is.

    Raises `InvalidInput` where the file has fewer brokers than were asked for.
    """
    path = choose(settings).path
    if is_packaged(path):
        return replace(settings, services=None)
    found = _services_of(settings, path)
    if cast.lacking(found):
        return settings
    count = len(found.brokers)
    if settings.explicit("brokers") and settings.brokers != count:
        if count < settings.brokers:
            names = ", ".join(broker.name for broker in found.brokers)
            raise InvalidInput(
                f"{path} has {count} of the {settings.brokers} brokers that were asked for: "
                f"{names}.",
                hint=f"--brokers {count}, or add further ones to the file",
            )
        spare = {broker.name for broker in found.brokers[settings.brokers :]}
        found = found.only(set(found.names) - spare)
    version = _version(settings, path, found.brokers[0].name)
    return replace(settings, services=found, brokers=len(found.brokers), version=version)


def with_fixed_ports(settings: Settings) -> Path | None:
    """Return a user's own file whose ports no setting changes; None for any other."""
    if settings.services is None:
        return None
    path = choose(settings).path
    return None if f"{PREFIX}PORT" in path.read_text("utf-8", "replace") else path


def _version(settings: Settings, path: Path, broker: str) -> str:
    """Return the version of a broker's image; where its tag tells none, that of the settings."""
    if f"{PREFIX}VERSION" in path.read_text(encoding="utf-8", errors="replace"):
        return settings.version
    for chosen in (_profiles_of(settings, settings.topology), _EVERY):
        config = _config_of(settings, path, chosen) or {"services": {}}
        entry = config["services"].get(broker)
        if entry is not None and (known := ConfiguredService(broker, entry).kafka) is not None:
            return known.text
    return settings.version


def published(found: Topology, config: Mapping[str, Any]) -> Topology:
    """Return these services at the ports that the file publishes for them.

    A broker whose ports Compose picks keeps the port that is expected of it.
    """
    return in_order(_published(each, config["services"].get(each.name) or {}) for each in found)


def _published(service: Service, entry: Mapping[str, Any]) -> Service:
    configured = ConfiguredService(service.name, entry)
    out = {each.inside: each.port for each in configured.published if each.port}
    told = configured.environment
    port = containers.host_port(service, told, out)
    kept = service.port if service.role.serves_clients else None
    return service.at(port or kept, containers.quorum_port(told, out))


def _tells(path: Path) -> bool:
    """Return whether a file may have a cluster."""
    return bool(_TELLING.search(path.read_text(encoding="utf-8", errors="replace")))


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
    found = (value for key, value in _entries(root, set()) if key == "services")
    return {name for services in found for name, _ in _entries(services, set())}


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


def profiles_for(settings: Settings, path: Path, topology: Topology) -> tuple[str, ...]:
    """Return the profiles of a file that have these services; of a user's own, also theirs."""
    if is_packaged(path):
        return profiles(topology)
    chosen = _profiles_of(settings, topology)
    config = _config_of(settings, path, chosen)
    known = config is None or set(topology.names).issubset(config["services"])
    return chosen if known else _EVERY


def _profiles_of(settings: Settings, topology: Topology) -> tuple[str, ...]:
    told = told_to_compose(settings).get(_PROFILES, "").split(",")
    return (*profiles(topology), *(name.strip() for name in told if name.strip()))


def profiles(topology: Topology) -> tuple[str, ...]:
    """Return the profiles of the packaged files that have these services."""
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


def check(config: Mapping[str, Any], topology: Topology) -> None:
    """Raise `InvalidInput` for what cannot work, before anything starts."""
    file_problems.require_workable(as_read(config, topology))


def as_read(config: Mapping[str, Any], topology: Topology) -> ConfiguredFile:
    """Return a file as Compose reads it, with the services that are a cluster, on this machine."""
    here = Surroundings(machine.addresses(), machine.host_names())
    return ConfiguredFile(config, topology, here)
