"""A cluster as a value: where it is, and how its services are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from msgspec import Struct

from kafka_tasks.model.address import Address
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Topology, broker_name

State = Literal["stopped", "starting", "ready", "degraded", "failed"]


@dataclass(frozen=True, slots=True)
class ServiceState:
    """One service as its runtime sees it: `alive` is the process or container, nothing more."""

    name: str
    role: Role
    alive: bool
    address: Address | None = None
    state: State = "stopped"
    pid: int | None = None
    container: str | None = None
    uptime_s: float | None = None
    version: str | None = None
    health: str | None = None
    ended: str | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is and how a client connects to it.

    `topology` has the services that are started here; a remote cluster has none. `bootstrap` is
    where kafka-tasks connects, `brokers` how many brokers have to be registered. `client` holds
    librdkafka properties (security); its values may be secret, so it is not shown. `had_data` is
    False where it is known to have started empty. A secured cluster that is started here has a
    listener of its own for kafka-tasks. `token_command` prints the token of each log-in, within
    `token_limit_s`.
    """

    project: Path
    runtime: str
    topology: Topology
    bootstrap: tuple[Address, ...]
    brokers: int
    kafka_version: str | None = None
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    had_data: bool = True
    token_command: str | None = field(default=None, repr=False)
    token_limit_s: float = 60.0

    @classmethod
    def of(
        cls,
        topology: Topology,
        *,
        project: Path,
        runtime: str,
        kafka_version: str | None,
        client: Mapping[str, str] | None = None,
    ) -> Cluster:
        """Return the cluster that has these services on this machine."""
        return cls(
            project=project,
            runtime=runtime,
            topology=topology,
            bootstrap=topology.internal or topology.bootstrap,
            brokers=len(topology.brokers),
            kafka_version=kafka_version,
            client=client or {},
        )

    @property
    def is_remote(self) -> bool:
        """True where none of its services is started here."""
        return not self.topology

    @property
    def bootstrap_servers(self) -> str:
        """The addresses that users' clients connect to, with commas."""
        return ",".join(str(address) for address in self.topology.bootstrap or self.bootstrap)

    @property
    def bootstrap_names(self) -> tuple[str, ...]:
        """The name of the broker at each bootstrap address; of a remote cluster, by their order."""
        known = tuple(broker.name for broker in self.topology.brokers if broker.address)
        if len(known) == len(self.bootstrap):
            return known
        return tuple(broker_name(number) for number in range(1, len(self.bootstrap) + 1))

    @property
    def zookeeper(self) -> Address | None:
        """ZooKeeper's address; None where there is none, or where it is not known."""
        return self.topology.zookeeper


class Observation(Struct, frozen=True):
    """What a runtime saw in one look: every service that was ever started and is not wiped."""

    services: tuple[ServiceState, ...] = ()

    @property
    def alive(self) -> frozenset[str]:
        """The names of those services that are alive."""
        return frozenset(service.name for service in self.services if service.alive)

    @property
    def dead(self) -> tuple[ServiceState, ...]:
        """The services that are not alive."""
        return tuple(service for service in self.services if not service.alive)

    @property
    def suspended(self) -> tuple[str, ...]:
        """The names of those that are alive and stand still."""
        return tuple(service.name for service in self.services if service.suspended)

    @property
    def names(self) -> tuple[str, ...]:
        """Every service's name, in the order in which they start."""
        return tuple(service.name for service in self.services)

    def only(self, names: Iterable[str]) -> Observation:
        """Return the same look at these services alone."""
        wanted = set(names)
        return Observation(tuple(each for each in self.services if each.name in wanted))
