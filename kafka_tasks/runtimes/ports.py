"""The ports that servers take: by the settings, or picked, and whether they are free."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError, PortTaken
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.runtimes.port_holder import Holder

# Below the ranges from which Linux (32768) and macOS (49152) take the ports of outgoing
# connections.
_LOW, _HIGH = 20000, 32000
# A secured broker's second listener: its port is picked and remembered, and no setting names it.
_INTERNAL = "internal_port"


def pick(
    project: Path,
    width: int,
    taken: Iterable[int] = (),
    free: Callable[[int], bool] = processes.port_is_free,
) -> int:
    """Return the first of `width` neighbouring free ports, searched from the project's own place.

    Raises `MachineError` where there are none.
    """
    avoid = set(taken)
    span = _HIGH - _LOW
    seed = int.from_bytes(hashlib.sha256(os.fsencode(project)).digest()[:4], "big")
    for step in range(span // 8):
        first = _LOW + (seed + step * 8) % span
        ports = range(first, first + width)
        if not avoid.intersection(ports) and all(free(port) for port in ports):
            return first
    raise MachineError(f"There are no {width} neighbouring free ports from {_LOW} to {_HIGH}.")


class Assigned(Struct, frozen=True):
    """Services with their ports, and the settings whose value `auto` was replaced by a choice."""

    topology: Topology
    auto: tuple[str, ...]


def assign(
    project: Path,
    settings: Settings,
    planned: Topology,
    before: ClusterRecord | None,
    own: Collection[int],
    notice: Callable[[str], None],
) -> Assigned:
    """Return the planned services with their ports.

    What was picked before is kept while all of it is free; while one of the project's own services
    (`own` has their ports) is there, it is kept in any case.
    """
    ranges = _Ranges(project, before, set(own), notice)
    groups = _by_setting(planned)
    for setting, group in groups.items():
        ranges.expect(setting, getattr(settings, setting), group)
    for setting, group in groups.items():
        ranges.decide(setting, getattr(settings, setting), group)
    return Assigned(_placed(planned, ranges.known), tuple(ranges.auto))


def as_set(settings: Settings, planned: Topology) -> Topology:
    """Return the planned services at the ports of the settings; those of `auto` have none.

    Services of a user's own Compose file have the ports that it publishes.
    """
    if planned is settings.services:
        return planned
    known = {}
    for setting, group in _by_setting(planned).items():
        first = getattr(settings, setting)
        if isinstance(first, int):
            known[setting] = range(first, first + len(group))
    return _placed(planned, known)


def of(service: Service) -> dict[str, int]:
    """Return the known ports of a service, by the setting that decides each."""
    recipe = roles.of(service.role)
    pairs = zip(recipe.port_settings, (service.port, service.quorum_port), strict=False)
    found = {setting: port for setting, port in pairs if port is not None}
    return found | ({_INTERNAL: service.internal_port} if service.internal_port else {})


def _variable(setting: str) -> str:
    """Return the variable of a setting; the port of INTERNAL has none."""
    return f"KAFKA_TASKS_{setting.upper()}"


def is_automatic(settings: Settings, setting: str) -> bool:
    """Return whether the ports of this setting may be any."""
    return bool(getattr(settings, setting) == "auto")


def require_free(services: Iterable[Service]) -> None:
    """Raise `PortTaken` for the first service with a port that is held, naming the holder."""
    for service in services:
        for setting, port in of(service).items():
            if not processes.port_is_free(port):
                # Costs 6 ms, and nearly every port is free.
                from kafka_tasks.runtimes.port_holder import holder_of

                raise taken(service, setting, port, holder_of(port))


def taken(
    service: Service, setting: str, port: int, holder: Holder, file: Path | None = None
) -> PortTaken:
    """Return the error of a service whose port is held; `file` decides the port, else a setting."""
    stop = f"{holder.stop}, or " if holder.stop else ""
    return PortTaken(
        f"Port {port}, which {service.name} needs, is held by {holder.name}.",
        hint=f"{stop}{another(service.name, setting, file)}",
    )


def another(service: str, setting: str, file: Path | None) -> str:
    """Return what gives a service another port."""
    if file is not None:
        return f"publish and advertise another port of {service} in {file.name}"
    return f"{'' if setting == _INTERNAL else f'{_variable(setting)}=auto '}invoke kafka.up"


def _by_setting(planned: Topology) -> dict[str, list[Service]]:
    """Group services by the setting of their ports, in order; brokers first."""
    groups: dict[str, list[Service]] = {}
    for service in dict.fromkeys((*planned.brokers, *planned.coordinators)):
        for setting in roles.of(service.role).port_settings:
            groups.setdefault(setting, []).append(service)
    if planned.security is not None:
        groups[_INTERNAL] = list(planned.brokers)
    return groups


def _placed(planned: Topology, known: Mapping[str, range]) -> Topology:
    """Return the planned services at the ports that each setting gives to its group."""
    numbers = {
        (service.name, setting): port
        for setting, group in _by_setting(planned).items()
        if setting in known
        for service, port in zip(group, known[setting], strict=True)
    }

    def placed(service: Service) -> Service:
        recipe = roles.of(service.role)
        every = (recipe.port_setting, recipe.quorum_port_setting or "", _INTERNAL)
        return service.at(*(numbers.get((service.name, setting)) for setting in every))

    return replace(planned, services=tuple(map(placed, planned)))


class _Ranges(Struct):
    """The ports of each group of services while they are decided, group by group."""

    project: Path
    before: ClusterRecord | None
    own: set[int]
    notice: Callable[[str], None]
    known: dict[str, range] = field(default_factory=dict)
    auto: list[str] = field(default_factory=list)

    def expect(self, setting: str, value: int | str, group: list[Service]) -> None:
        """Note the ports that a group has by its setting, or has had before."""
        first = value if isinstance(value, int) else self._kept(setting, group)
        if first is not None:
            self.known[setting] = range(first, first + len(group))

    def decide(self, setting: str, value: int | str, group: list[Service]) -> None:
        """Decide the ports of a group; a setting of `auto` picks them."""
        if not isinstance(value, int):
            first = self._chosen(setting, self._kept(setting, group), len(group))
            self.auto.append(setting)
            self.known[setting] = range(first, first + len(group))

    def _kept(self, setting: str, group: list[Service]) -> int | None:
        service = self.before.topology.service(group[0].name) if self.before else None
        return of(service).get(setting) if service else None

    def _chosen(self, setting: str, kept: int | None, width: int) -> int:
        avoid = set(self._of_others(setting))
        if kept is None:
            return pick(self.project, width, avoid)
        wanted = range(kept, kept + width)
        if self.own.intersection(wanted):
            return kept
        picked = self.before is not None and setting in self.before.auto_ports
        if picked and not avoid.intersection(wanted):
            if all(map(processes.port_is_free, wanted)):
                return kept
            self.notice(f"port {kept} is in use by now; picking another")
        return pick(self.project, width, avoid)

    def _of_others(self, setting: str) -> Iterator[int]:
        for name, ports in self.known.items():
            if name != setting:
                yield from ports
