"""What is wrong in a Compose file, and with what it is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

_CAUSES = {
    "address-not-here": "A server listens only on addresses of its own container, or exits.",
    "advertised-port-differs": "A broker sends its clients to the advertised address, and nothing "
    "listens there.",
    "broker-property": "A broker ignores a name that it does not know, and refuses such a value.",
    "brokers-advertise-the-same": "A broker exits if another one has registered its address.",
    "cluster-id-invalid": "The node does not format its data directory, and exits.",
    "cluster-ids-differ": "The nodes refuse each other.",
    "four-letter-word": "By default ZooKeeper answers only srvr, so that the check never holds.",
    "health-check-heavy": "Each check costs at least a second of CPU time.",
    "listeners-invalid": "Kafka refuses such listeners, and the broker exits.",
    "names-of-bitnami": "The image turns them into properties that Kafka does not have.",
    "names-of-wurstmeister": "The image turns it into a property that Kafka does not have.",
    "no-listener-for-host": "A broker sends its clients to the advertised address, and this "
    "machine does not reach it.",
    "node-id-wrong": "Kafka refuses the id, and the node exits.",
    "process-roles-differ": "In KRaft mode each node needs its roles; in ZooKeeper mode none has "
    "any.",
    "variable-missing": "The container exits without it.",
    "voters-differ": "The node does not find its quorum, or refuses to be a part of it.",
    "zookeeper-name-unknown": "The broker does not reach ZooKeeper under that name, and exits.",
    "zookeeper-port-differs": "The broker does not reach ZooKeeper at that port, and exits.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake: `text` follows the service's name in a sentence.

    With a `fatal` one nothing can work, so that nothing is started.
    """

    id: str
    service: str
    text: str
    fix: str
    fatal: bool = True
    reference: str | None = None

    def __str__(self) -> str:
        return f"{self.service}: {self.text}"

    @property
    def cause(self) -> str:
        """The consequence, as a sentence."""
        return _CAUSES[self.id]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """This machine's addresses, and the names in its hosts file, in lower case."""

    addresses: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset({"localhost"})


@dataclass(frozen=True)
class ConfiguredFile:
    """A Compose file as Compose writes it out, and the services of it that are a cluster."""

    config: Mapping[str, Any]
    topology: Topology
    here: Surroundings = Surroundings()

    @cached_property
    def services(self) -> dict[str, ConfiguredService]:
        """Every service of the file."""
        found = self.config.get("services") or {}
        return {name: ConfiguredService(name, entry) for name, entry in found.items()}

    @cached_property
    def brokers(self) -> tuple[ConfiguredService, ...]:
        """The brokers that the file has."""
        names = (broker.name for broker in self.topology.brokers)
        return tuple(self.services[name] for name in names if name in self.services)

    @cached_property
    def members(self) -> tuple[ConfiguredService, ...]:
        """The services of the cluster that the file has."""
        return tuple(self.services[name] for name in self.topology.names if name in self.services)

    @cached_property
    def names(self) -> frozenset[str]:
        """Every name that a container of the file is known by, in lower case."""
        return frozenset(name for service in self.services.values() for name in service.names)

    def owner(self, host: str) -> ConfiguredService | None:
        """Return the service that this name belongs to."""
        wanted = host.lower()
        return next((each for each in self.services.values() if wanted in each.names), None)

    def is_shared(self, service: ConfiguredService) -> bool:
        """Return True if other Compose projects may be on a network of this service."""
        declared = self.config.get("networks") or {}
        found = ((declared.get(network) or {}).get("external") for network in service.networks)
        return any(map(bool, found))
