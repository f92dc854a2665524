"""The user's further broker properties on any runtime: for all brokers, for one, and the racks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.role import MAX_BROKERS
from kafka_tasks.model.topology import Service, broker_name
from kafka_tasks.runtimes.roles import secured
from kafka_tasks.settings import Settings

# What the runtime itself decides; a file of further properties may not.
RESERVED = frozenset(
    {
        "advertised.listeners",
        "broker.id",
        "controller.listener.names",
        "controller.quorum.bootstrap.servers",
        "controller.quorum.voters",
        "listeners",
        "log.dir",
        "log.dirs",
        "node.id",
        "process.roles",
        "zookeeper.connect",
    }
)
# What may make brokers use SASL between each other.
_PROTOCOLS = ("security.inter.broker.protocol", "listener.security.protocol.map")


_VARIABLE = "KAFKA_TASKS_BROKER_PROPERTIES"
_BROKERS = frozenset(broker_name(number) for number in range(1, MAX_BROKERS + 1))
# Fetching from the closest replica needs more than a rack on each side.
_SELECTOR = "org.apache.kafka.common.replica.RackAwareReplicaSelector"


class BrokerProperties(Struct, frozen=True):
    """Properties that come after kafka-tasks' own; `own` has those of one broker, by its name."""

    shared: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    racks: tuple[str, ...] = ()

    def of(self, service: Service) -> dict[str, str]:
        """Return the further properties of one service; brokers take the racks in turn."""
        found: dict[str, str] = {}
        if self.racks and service.role.serves_clients:
            found["broker.rack"] = self.racks[(service.number - 1) % len(self.racks)]
            found["replica.selector.class"] = _SELECTOR
        own = self.own.get(service.name) or self.own.get(service.our_name, {})
        return {**found, **self.shared, **own}


def of(settings: Settings) -> BrokerProperties:
    """Return what these settings and files say; raises `InvalidInput` with file and line."""
    own = {
        name: read(path)
        for path in _files_of_one(settings)
        if (name := _named(path)) in _brokers(settings)
    }
    racks = tuple(settings.racks.split(",")) if settings.racks else ()
    if settings.security is not None:
        _require_undecided(settings)
    return BrokerProperties(_shared(settings), own, racks)


def _require_undecided(settings: Settings) -> None:
    """Raise `InvalidInput` for a property that a secured cluster has from kafka-tasks."""
    for path, found in sources(settings):
        for name in found:
            if name in secured.DECIDED or name.startswith("listener.name."):
                raise InvalidInput(
                    f"{path}: kafka-tasks decides {name} of a secured cluster.",
                    hint=f"remove {name} from {path}, or KAFKA_TASKS_SECURE=none",
                )


def _files_of_one(settings: Settings) -> list[Path]:
    """Return the files broker.NAME.properties beside the shared file, else in the project."""
    shared = settings.broker_properties
    folder = shared.parent if shared is not None else settings.project
    found = folder.glob("broker.*.properties")
    return sorted(path for path in found if path != shared and path.is_file())


def _brokers(settings: Settings) -> frozenset[str]:
    """Return the names that a broker may have: ours, and those of a user's own Compose file."""
    return _BROKERS | {broker.name for broker in settings.topology.brokers}


def strangers(settings: Settings) -> list[Path]:
    """Return those of the files whose name is that of no broker."""
    return [path for path in _files_of_one(settings) if _named(path) not in _brokers(settings)]


def sources(settings: Settings) -> Iterator[tuple[Path, dict[str, str]]]:
    """Yield each file that counts, with its properties; raises `InvalidInput`."""
    if settings.broker_properties is not None:
        yield settings.broker_properties, _shared(settings)
    for path in _files_of_one(settings):
        if _named(path) in _brokers(settings):
            yield path, read(path)


def _shared(settings: Settings) -> dict[str, str]:
    path = settings.broker_properties
    return read(path, f"{_VARIABLE}: ") if path is not None else {}


def _named(path: Path) -> str:
    return path.name.removeprefix("broker.").removesuffix(".properties")


def read(path: Path, setting: str = "") -> dict[str, str]:
    """Return the properties in a file; raises `InvalidInput` with file and line.

    `setting` is the setting that names the file.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{setting}{path} cannot be read: {error}.", hint=f'ls -l "{path}"'
        ) from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text[0] in "#!":
            continue
        match = re.fullmatch(r"([A-Za-z0-9._-]+)\s*[=:]\s*(.*)", text)
        if not match:
            raise InvalidInput(
                f"{path}, line {number}: {_name(text)!r} is not a line of the form name=value.",
                hint=f"write name=value in line {number} of {path}",
            )
        if match[1] in RESERVED:
            raise InvalidInput(
                f"{path}, line {number}: {match[1]} is decided by kafka-tasks.",
                hint="KAFKA_TASKS_PORT, KAFKA_TASKS_ZOOKEEPER_PORT and KAFKA_TASKS_BROKERS set it",
            )
        found[match[1]] = match[2]
    return found


def uses_sasl(settings: Settings) -> bool:
    """Return whether a listener has SASL; False where a file is unreadable."""
    if settings.security is not None and settings.security.mechanism:
        return True
    try:
        found = [properties for _, properties in sources(settings)]
    except InvalidInput:
        return False
    return any("SASL" in each.get(name, "").upper() for each in found for name in _PROTOCOLS)


def _name(text: str) -> str:
    """Return the first word of a malformed line: the rest may be a secret."""
    match = re.match(r"[A-Za-z0-9._-]+", text)
    return f"{match[0][:60]}…" if match and match[0] != text else text[:60] if match else "…"
