"""What runs: services with their roles, ports, data places and order.

Everything that starts, stops, probes or describes a cluster reads a `Topology`. This is the one
module that may branch on a role, besides what a role needs to run (`runtimes/roles/`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from kafka_tasks.model.address import Address

MAX_BROKERS = 5
_TAIL = re.compile(r"(?P<first>[a-z]+)(?:-(?P<number>[2-9]|[1-9][0-9]+))?", re.ASCII)


class Role(StrEnum):
    """The part that a service plays in its cluster."""

    ZOOKEEPER = "zookeeper"
    BROKER = "broker"

    @property
    def serves_clients(self) -> bool:
        """True where clients of Kafka connect to it."""
        return self is Role.BROKER

    @property
    def coordinates(self) -> bool:
        """True where brokers register with it: it starts before them and stops after them."""
        return self is Role.ZOOKEEPER

    @property
    def first_name(self) -> str:
        """The name of the first service of this role; a second one is called `<name>-2`."""
        return _FIRST_NAMES[self]

    @property
    def proven_by(self) -> str:
        """The readiness layer that proves it: what fails after it is not this role's fault."""
        return _PROVEN_BY[self]

    @property
    def places(self) -> tuple[str, ...]:
        """The suffixes of a service's name, one for each of its data directories."""
        return _PLACES[self]

    @property
    def most(self) -> int:
        """The largest number of services of this role in a cluster."""
        return _MOST[self]


_FIRST_NAMES = {Role.ZOOKEEPER: "zookeeper", Role.BROKER: "kafka"}
_MOST = {Role.ZOOKEEPER: 1, Role.BROKER: MAX_BROKERS}
_PROVEN_BY = {Role.ZOOKEEPER: "zookeeper", Role.BROKER: "advertised"}
# ZooKeeper refuses a directory for snapshots with transaction logs in it.
_PLACES = {Role.ZOOKEEPER: ("", "-log"), Role.BROKER: ("",)}
_LAYERS_OF_BROKERS = ("broker", "cluster", "advertised")
_ROLES = {name: role for role, name in _FIRST_NAMES.items()}


@dataclass(frozen=True, slots=True)
class Service:
    """One process or container: `number` counts from 1 within its role, and is a broker's id.

    `address` is where clients on this machine reach it; None where that is not decided yet, or
    where it cannot be reached from here.
    """

    name: str
    role: Role
    number: int
    address: Address | None = None

    @property
    def port(self) -> int | None:
        """The port of its address."""
        return self.address.port if self.address else None

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its data directories, in the order in which they are saved."""
        return tuple(f"{self.name}{tail}" for tail in self.role.places)

    def at(self, port: int | None) -> Service:
        """Return it with this port on localhost."""
        return replace(self, address=Address("localhost", port) if port else None)


@dataclass(frozen=True, slots=True)
class Topology:
    """The services of one cluster, in the order in which they start."""

    services: tuple[Service, ...] = ()

    def __iter__(self) -> Iterator[Service]:
        return iter(self.services)

    def __bool__(self) -> bool:
        return bool(self.services)

    @property
    def names(self) -> tuple[str, ...]:
        """The services' names, in order."""
        return tuple(service.name for service in self.services)

    @property
    def brokers(self) -> tuple[Service, ...]:
        """The services that clients connect to, by number."""
        return tuple(service for service in self.services if service.role.serves_clients)

    @property
    def coordinators(self) -> tuple[Service, ...]:
        """The services that brokers register with."""
        return tuple(service for service in self.services if service.role.coordinates)

    @property
    def bootstrap(self) -> tuple[Address, ...]:
        """The brokers' addresses, as far as they are known."""
        return tuple(broker.address for broker in self.brokers if broker.address)

    @property
    def zookeeper(self) -> Address | None:
        """ZooKeeper's address; None where there is none, or where it is not known."""
        found = (each.address for each in self.services if each.role is Role.ZOOKEEPER)
        return next(found, None)

    @property
    def zookeeper_connect(self) -> str | None:
        """ZooKeeper's address as text; None where there is none, or where it is not known."""
        return str(self.zookeeper) if self.zookeeper else None

    @property
    def places(self) -> tuple[str, ...]:
        """Every data directory's name, in the order in which they are saved."""
        return tuple(place for service in self.services for place in service.places)

    @property
    def coordination_layers(self) -> tuple[str, ...]:
        """The readiness layers of the coordinators."""
        return tuple(dict.fromkeys(each.role.proven_by for each in self.coordinators))

    @property
    def unreachable_layers(self) -> frozenset[str]:
        """Layers with nothing to prove from here: no coordinator of theirs has an address."""
        reachable = {each.role.proven_by for each in self.coordinators if each.address}
        return frozenset(self.coordination_layers) - reachable

    @property
    def layers(self) -> tuple[str, ...]:
        """The readiness layers of such a cluster, lowest first."""
        return ("process", *self.coordination_layers, *_LAYERS_OF_BROKERS)

    @property
    def start_waves(self) -> tuple[tuple[Service, ...], ...]:
        """Services that start at once, wave after wave: a wave needs the one before it."""
        by_wave = groupby(self.services, key=lambda service: service.role.coordinates)
        return tuple(tuple(wave) for _, wave in by_wave)

    @property
    def stop_order(self) -> tuple[Service, ...]:
        """Services in the order in which they stop, one after the other: brokers first."""
        return tuple(reversed(self.services))

    def proven_by(self, layer: str) -> tuple[Service, ...]:
        """Return the services that this readiness layer proves."""
        return tuple(service for service in self.services if service.role.proven_by == layer)

    def suspect(self, layer: str) -> str:
        """Return the name of the service whose log tells most where a layer does not hold."""
        proven = self.proven_by(layer) or (self.services[:1] if layer == "process" else ())
        return proven[0].name if proven else broker_name(1)

    def service(self, name: str) -> Service | None:
        """Return the service of this name, or None."""
        return next((service for service in self.services if service.name == name), None)

    def only(self, names: Iterable[str]) -> Topology:
        """Return these services alone, in the same order."""
        wanted = set(names)
        return Topology(tuple(service for service in self.services if service.name in wanted))

    def at(self, ports: Iterable[int | None]) -> Topology:
        """Return the same services at these ports on localhost, service by service."""
        pairs = zip(self.services, ports, strict=True)
        return Topology(tuple(service.at(port) for service, port in pairs))


def zookeeper_cluster(brokers: int) -> Topology:
    """Return ZooKeeper and so many brokers, without ports yet."""
    numbers = range(1, brokers + 1)
    return Topology((_nth(Role.ZOOKEEPER, 1), *(_nth(Role.BROKER, number) for number in numbers)))


def of_names(names: Iterable[str]) -> Topology:
    """Return the services of these names, in the order in which they start; others are left out."""
    found = [service for name in dict.fromkeys(names) if (service := identify(name))]
    return Topology(tuple(sorted(found, key=_order)))


def identify(name: str) -> Service | None:
    """Return the service that this name means; None where it means none."""
    match = _TAIL.fullmatch(name)
    role = _ROLES.get(match["first"]) if match else None
    if match is None or role is None:
        return None
    number = int(match["number"] or 1)
    return None if number > role.most == 1 else Service(name, role, number)


def broker_name(number: int) -> str:
    """Return the name of the broker of this number, counted from 1: kafka, kafka-2, …"""
    return _nth(Role.BROKER, number).name


def place_order(place: str) -> tuple[int, int, int]:
    """Sort data directories by this: the coordinator's first, then the brokers' by number."""
    owner = owner_of(place)
    if owner is None:
        return (2, 0, 0)
    return (*_order(owner), owner.places.index(place))


def owner_of(place: str) -> Service | None:
    """Return the service that a data directory belongs to; None where there is no such place."""
    for role in Role:
        for tail in role.places:
            owner = identify(place.removesuffix(tail)) if place.endswith(tail) else None
            if owner and owner.role is role and place in owner.places:
                return owner
    return None


def place_of(service: Service, below: str) -> str | None:
    """Return the place of a service's file by its path below the data; None for one not kept.

    ZooKeeper's transaction logs have a place of their own, unless both are the same directory.
    """
    name = below.rpartition("/")[2]
    if service.role is Role.ZOOKEEPER:
        snapshots, logs = service.places
        return logs if re.fullmatch(r"log\.[0-9a-f]+", name) else snapshots
    # A broker holds its lock while it runs, and takes a new one at each start.
    return None if name == ".lock" else service.name


def _nth(role: Role, number: int) -> Service:
    name = role.first_name if number == 1 else f"{role.first_name}-{number}"
    return Service(name, role, number)


# Every name that a kafka-tasks service can have.
NAMES = tuple(_nth(role, number).name for role in Role for number in range(1, role.most + 1))


def _order(service: Service) -> tuple[int, int]:
    return (0 if service.role.coordinates else 1, service.number)
