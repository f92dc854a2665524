"""What runs: services with their roles, ports, data places and order.

Everything that starts, stops, probes or describes a cluster reads a `Topology`. This is the one
module that may branch on a role, besides what a role needs to run (`runtimes/roles/`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from kafka_tasks.model.address import Address, Endpoint, Inside
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.role import MAX_VOTERS, Role
from kafka_tasks.model.security import Security

_TAIL = re.compile(r"(?P<first>[a-z]+)(?:-(?P<number>[2-9]|[1-9][0-9]+))?", re.ASCII)


_LAYERS_OF_BROKERS = ("broker", "cluster", "replicas", "advertised")
# By its name alone, a node that serves clients is a broker: its record knows better.
_ROLES = {role.first_name: role for role in Role}
# Brokers have the numbers from 1; no two nodes of a cluster may share one.
_FIRST_CONTROLLER_ID = 3001


@dataclass(frozen=True, slots=True)
class Service:
    """One process or container: `number` counts from 1 within its kind.

    Its name is kafka-tasks' own, or that of a user's Compose file, which may set its id, too; else
    a broker's number is its id. `address` is where clients on this machine reach it; None where
    that is not decided yet, or where it cannot be reached from here. `quorum_address` is where
    other controllers do; a dedicated one has no other. `internal_port` is that of a secured
    broker's second listener, for brokers and for kafka-tasks. A coordinator that publishes no port
    may be asked `inside` its container.
    """

    name: str
    role: Role
    number: int
    address: Address | None = None
    quorum_address: Address | None = None
    id: int | None = None
    internal_port: int | None = None
    inside: Inside | None = None

    @property
    def our_name(self) -> str:
        """The name that kafka-tasks gives to such a service: kafka, kafka-2, …"""
        return _name(self.role, self.number)

    @property
    def port(self) -> int | None:
        """The port of its address."""
        return self.address.port if self.address else None

    @property
    def quorum_port(self) -> int | None:
        """The port of its listener for controllers."""
        return self.quorum_address.port if self.quorum_address else None

    @property
    def coordination_endpoint(self) -> Endpoint | None:
        """The place where it answers as a coordinator; None where it cannot be asked."""
        if not self.role.coordinates:
            return None
        return self.quorum_address if self.role.votes else self.address or self.inside

    @property
    def node_id(self) -> int:
        """The id under which brokers and controllers know each other."""
        if self.id is not None:
            return self.id
        if self.role is Role.CONTROLLER:
            return _FIRST_CONTROLLER_ID + self.number - 1
        return self.number

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its data directories, in the order in which they are saved."""
        return tuple(f"{self.our_name}{tail}" for tail in self.role.places)

    def at(
        self, port: int | None, quorum_port: int | None = None, internal_port: int | None = None
    ) -> Service:
        """Return it with these ports on localhost; a dedicated controller has but the second."""
        if self.role is Role.CONTROLLER:
            quorum_port = port = quorum_port or port
        quorum = Address("localhost", quorum_port) if quorum_port and self.role.votes else None
        address = Address("localhost", port) if port else None
        internal = internal_port if self.role.serves_clients else None
        return replace(self, address=address, quorum_address=quorum, internal_port=internal)


@dataclass(frozen=True, slots=True)
class Topology:
    """The services of one cluster, in the order in which they start, and its security."""

    services: tuple[Service, ...] = ()
    security: Security | None = None

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
    def voters(self) -> tuple[Service, ...]:
        """The services of the quorum of controllers; none in ZooKeeper mode."""
        return tuple(service for service in self.services if service.role.votes)

    @property
    def mode(self) -> Mode | None:
        """The kind of its coordinators; None where they are not known."""
        if self.voters:
            return "kraft"
        return "zookeeper" if self.coordinators else None

    @property
    def bootstrap(self) -> tuple[Address, ...]:
        """The brokers' addresses, as far as they are known."""
        return tuple(broker.address for broker in self.brokers if broker.address)

    @property
    def internal(self) -> tuple[Address, ...]:
        """The addresses of the brokers' listeners for kafka-tasks itself; none without security."""
        ports = (broker.internal_port for broker in self.brokers)
        return tuple(Address("127.0.0.1", port) for port in ports if port)

    @property
    def zookeeper(self) -> Address | None:
        """The address of the first ZooKeeper; None where none is known."""
        return next(iter(self._zookeepers), None)

    @property
    def _zookeepers(self) -> tuple[Address, ...]:
        found = (each.address for each in self.services if each.role is Role.ZOOKEEPER)
        return tuple(address for address in found if address)

    @property
    def zookeeper_connect(self) -> str | None:
        """The addresses of ZooKeeper, with commas; None where none is known."""
        return ",".join(map(str, self._zookeepers)) or None

    @property
    def places(self) -> tuple[str, ...]:
        """Every data directory's name, in the order in which they are saved."""
        return tuple(place for service in self.services for place in service.places)

    @property
    def coordination_layers(self) -> tuple[str, ...]:
        """The readiness layers of the coordinators."""
        found = (each.role.coordinates_in for each in self.coordinators)
        return tuple(dict.fromkeys(layer for layer in found if layer))

    @property
    def unreachable_layers(self) -> frozenset[str]:
        """Layers with nothing to prove from here: no coordinator of theirs can be asked."""
        reachable = {
            each.role.coordinates_in for each in self.coordinators if each.coordination_endpoint
        }
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
    def stop_waves(self) -> tuple[tuple[Service, ...], ...]:
        """Services that stop at the same moment, wave after wave: brokers first.

        Of a quorum that ends one after the other, the last ones can no longer agree on anything
        and hang. ZooKeeper's brokers hand over their partitions one by one.
        """
        if not self.voters:
            return tuple((service,) for service in reversed(self.services))
        pure = tuple(broker for broker in self.brokers if not broker.role.votes)
        return tuple(wave for wave in (pure, self.voters) if wave)

    def coordinated_in(self, layer: str) -> tuple[Service, ...]:
        """Return the coordinators that this readiness layer proves."""
        return tuple(each for each in self.coordinators if each.role.coordinates_in == layer)

    def suspect(self, layer: str) -> str:
        """Return the name of the service whose log tells most where a layer does not hold."""
        proven = self.coordinated_in(layer) or (self.services[:1] if layer == "process" else ())
        found = proven or self.brokers
        return found[0].name if found else broker_name(1)

    def is_coordinated(self, alive: Collection[str]) -> bool:
        """Return whether enough coordinators are alive for brokers to register and deregister."""
        present = sum(each.name in alive for each in self.coordinators)
        return present * 2 > len(self.coordinators) or not self.coordinators

    def service(self, name: str) -> Service | None:
        """Return the service of this name, or None."""
        return next((service for service in self.services if service.name == name), None)

    def only(self, names: Iterable[str]) -> Topology:
        """Return these services alone, in the same order."""
        wanted = set(names)
        services = tuple(service for service in self.services if service.name in wanted)
        return replace(self, services=services)

    def at(self, ports: Iterable[int | None]) -> Topology:
        """Return the same services at these ports on localhost, service by service."""
        pairs = zip(self.services, ports, strict=True)
        return replace(self, services=tuple(service.at(port) for service, port in pairs))


def zookeeper_cluster(brokers: int) -> Topology:
    """Return ZooKeeper and so many brokers, without ports yet."""
    numbers = range(1, brokers + 1)
    return Topology((_nth(Role.ZOOKEEPER, 1), *(_nth(Role.BROKER, number) for number in numbers)))


def kraft_cluster(brokers: int, controllers: int = 0, combined: int | None = None) -> Topology:
    """Return so many dedicated controllers and brokers, without ports yet.

    Without dedicated controllers the first `combined` brokers are controllers too: by default one,
    or three of three and more. Voters are fixed when the first node is formatted, so that a
    cluster that grew has fewer.
    """
    if controllers:
        combined = 0
    elif combined is None:
        combined = MAX_VOTERS if brokers >= MAX_VOTERS else 1
    dedicated = [_nth(Role.CONTROLLER, number) for number in range(1, controllers + 1)]
    nodes = [
        _nth(Role.COMBINED if number <= combined else Role.BROKER, number)
        for number in range(1, brokers + 1)
    ]
    return in_order((*dedicated, *nodes))


def planned(
    mode: Mode, brokers: int, controllers: int = 0, combined: int | None = None
) -> Topology:
    """Return the services of a cluster in this mode, without ports yet."""
    if mode == "zookeeper":
        return zookeeper_cluster(brokers)
    return kraft_cluster(brokers, controllers, combined)


def of_names(names: Iterable[str]) -> Topology:
    """Return the services of these names, in the order in which they start; others are left out."""
    return in_order(service for name in dict.fromkeys(names) if (service := identify(name)))


def in_order(services: Iterable[Service]) -> Topology:
    """Return these services in the order in which they start."""
    return Topology(tuple(sorted(services, key=_order)))


def identify(name: str) -> Service | None:
    """Return the service that this name means; None where it means none."""
    match = _TAIL.fullmatch(name)
    role = _ROLES.get(match["first"]) if match else None
    if match is None or role is None:
        return None
    return Service(name, role, int(match["number"] or 1))


def service_of(name: str, role: Role) -> Service | None:
    """Return the service of this name and role; None where they do not belong together."""
    known = identify(name)
    if known is None or known.role.first_name != role.first_name:
        return None
    return replace(known, role=role)


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
    for tail in dict.fromkeys(tail for role in Role for tail in role.places):
        owner = identify(place.removesuffix(tail)) if place.endswith(tail) else None
        if owner and place in owner.places:
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
    return None if name == ".lock" else service.places[0]


def _nth(role: Role, number: int) -> Service:
    return Service(_name(role, number), role, number)


def _name(role: Role, number: int) -> str:
    return role.first_name if number == 1 else f"{role.first_name}-{number}"


# Every name that a kafka-tasks service can have.
NAMES = tuple(
    dict.fromkeys(_nth(role, number).name for role in Role for number in range(1, role.most + 1))
)


def _order(service: Service) -> tuple[int, int]:
    return (0 if service.role.coordinates else 1, service.number)
