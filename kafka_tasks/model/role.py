"""The parts that services play in a cluster, and what follows from each."""

from __future__ import annotations

from enum import StrEnum

MAX_BROKERS = 9
# A quorum of more voters is only slower.
MAX_VOTERS = 3
# Only a user's own Compose file has more than one.
MAX_ZOOKEEPERS = 5


class Role(StrEnum):
    """The part that a service plays in its cluster."""

    ZOOKEEPER = "zookeeper"
    CONTROLLER = "controller"
    COMBINED = "combined"
    BROKER = "broker"

    @property
    def serves_clients(self) -> bool:
        """True where clients of Kafka connect to it."""
        return self in (Role.BROKER, Role.COMBINED)

    @property
    def coordinates(self) -> bool:
        """True where brokers register with it: it starts before them and stops after them."""
        return self is not Role.BROKER

    @property
    def votes(self) -> bool:
        """True where it belongs to the quorum of controllers, and has a listener for that."""
        return self in (Role.CONTROLLER, Role.COMBINED)

    @property
    def first_name(self) -> str:
        """The name of the first service of this role; a second one is called `<name>-2`."""
        return _FIRST_NAMES[self]

    @property
    def proven_by(self) -> str:
        """The readiness layer that proves it: what fails after it is not this role's fault."""
        return _PROVEN_BY[self]

    @property
    def coordinates_in(self) -> str | None:
        """The readiness layer that proves it as a coordinator; None where it is none."""
        return _COORDINATES_IN.get(self)

    @property
    def places(self) -> tuple[str, ...]:
        """The suffixes of a service's name, one for each of its data directories."""
        return _PLACES[self]

    @property
    def most(self) -> int:
        """The largest number of services of this role in a cluster."""
        return _MOST[self]


_FIRST_NAMES = {
    Role.ZOOKEEPER: "zookeeper",
    Role.CONTROLLER: "controller",
    Role.COMBINED: "kafka",
    Role.BROKER: "kafka",
}
_MOST = {
    Role.ZOOKEEPER: MAX_ZOOKEEPERS,
    Role.CONTROLLER: MAX_VOTERS,
    Role.COMBINED: MAX_VOTERS,
    Role.BROKER: MAX_BROKERS,
}
_COORDINATES_IN = {
    Role.ZOOKEEPER: "zookeeper",
    Role.CONTROLLER: "quorum",
    Role.COMBINED: "quorum",
}
_PROVEN_BY = {
    Role.ZOOKEEPER: "zookeeper",
    Role.CONTROLLER: "quorum",
    Role.COMBINED: "advertised",
    Role.BROKER: "advertised",
}
# ZooKeeper refuses a directory for snapshots with transaction logs in it.
_PLACES = {
    Role.ZOOKEEPER: ("", "-log"),
    Role.CONTROLLER: ("",),
    Role.COMBINED: ("",),
    Role.BROKER: ("",),
}
