"""A cluster as a value, and what a runtime has to offer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from kafka_tasks.errors import InvalidInput

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from kafka_tasks.model.data_files import Data
    from kafka_tasks.settings import Settings

Role = Literal["zookeeper", "broker"]
State = Literal["stopped", "starting", "ready", "degraded", "failed"]

ZOOKEEPER = "zookeeper"
MAX_BROKERS = 5
_ADDRESS = re.compile(r"(?:\[(?P<v6>[^][\s/]+)\]|(?P<host>[^][:\s/]+)):(?P<port>\d+)", re.ASCII)


def broker_name(index: int) -> str:
    """The service name of the broker with this number, counted from 1: kafka, kafka-2, …"""
    return "kafka" if index == 1 else f"kafka-{index}"


def broker_id(service: str) -> int:
    """The broker id of a service: 1 for kafka, 2 for kafka-2."""
    return 1 if service == "kafka" else int(service.removeprefix("kafka-"))


def service_names(brokers: int) -> tuple[str, ...]:
    """ZooKeeper and so many brokers, in the order in which they start."""
    return (ZOOKEEPER, *(broker_name(index) for index in range(1, brokers + 1)))


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """A host and a TCP port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port` or `[ipv6]:port`; raises `InvalidInput`."""
        match = _ADDRESS.fullmatch(text.strip())
        if not match:
            raise InvalidInput(f"{text!r} is not an address: it needs the form host:port.")
        host, port = match["v6"] or match["host"], match["port"].lstrip("0")
        if len(port) > 5 or not 1 <= int(port or "0") <= 65535:
            raise InvalidInput(f"{text!r} is not an address: its port is not in 1..65535.")
        return cls(host, int(port))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether it can only mean this machine."""
        return self.host == "localhost" or self.host.startswith("127.") or self.host == "::1"


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

    `client` holds librdkafka properties (security); its values may be secret, so it is not shown.
    `had_data` is False where it is known to have started empty.
    """

    project: Path
    runtime: str
    bootstrap: tuple[Address, ...]
    zookeeper: Address | None
    brokers: int
    kafka_version: str | None = None
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    had_data: bool = True

    @property
    def bootstrap_servers(self) -> str:
        """The addresses as clients take them, with commas."""
        return ",".join(str(address) for address in self.bootstrap)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a runtime is able to do, as data."""

    lifecycle: bool = True
    wipe: bool = True
    logs: bool = True
    zookeeper: bool = True


class Runtime(Protocol):
    """Where a cluster lives. Waiting is not in it: that is `lifecycle` with `probes`."""

    @property
    def name(self) -> str:
        """The word that `--runtime` takes."""

    @property
    def capabilities(self) -> Capabilities:
        """What it is able to do."""

    def cluster(self, settings: Settings) -> Cluster:
        """The cluster as it would be, or is; starts nothing."""

    def start(self, settings: Settings, services: Sequence[str] | None = None) -> Cluster:
        """Start those of `services` (default: all) that are not alive; returns without waiting."""

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop `services` (default: all), brokers first; returns the names that were stopped."""

    def services(self) -> tuple[ServiceState, ...]:
        """Every service that was ever started here and is not wiped, ZooKeeper first."""

    def adopt(self) -> tuple[str, ...]:
        """Record what runs for this project but is not recorded; returns the names."""

    def resume(self) -> tuple[str, ...]:
        """Let those services go on that are alive and suspended; returns the names."""

    def unclean(self) -> bool:
        """Whether a broker ended without deregistering, so that ZooKeeper may still list it."""

    def perhaps_registered(self) -> bool:
        """Whether ZooKeeper may list a broker that does not run; a start then looks first."""

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch and check what a start needs; returns what is there now, a line each."""

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Whether a start and a stop would make later starts faster."""

    def settled(self, *, wait: bool = False) -> None:
        """The cluster is ready: prepare what makes the next start faster."""

    def has_data(self, settings: Settings) -> bool:
        """Whether servers of this project have left anything."""

    def data(self, settings: Settings) -> AbstractContextManager[Data]:
        """The files of the stopped cluster that has so many brokers, while the block runs."""

    def expect(self, settings: Settings) -> None:
        """Write down what a start with these settings would be; starts nothing."""

    def logs(self, service: str, tail: int) -> list[str]:
        """The last `tail` lines of a service's log."""

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """The last `tail` lines and then each new one, without end."""
