"""The shape of a role's recipe: what a server of that role needs, wherever it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kafka_tasks.model.address import Address
from kafka_tasks.model.topology import Role, Service, Topology


class Configure(Protocol):
    """Renders the configuration of one service."""

    def __call__(
        self, service: Service, topology: Topology, further: Mapping[str, str], /
    ) -> dict[str, str]:
        """Return the server's properties; `further` are the user's own for brokers."""


class Coordinator(Protocol):
    """What is asked of a service that brokers register with. Each call raises `Unanswered`."""

    def mode(self, address: Address, timeout_s: float) -> str:
        """Return the word that it answers with when it serves requests."""

    def cluster_id(self, address: Address, timeout_s: float) -> str | None:
        """Return the cluster's id, or None where no broker has ever started."""

    def registered_brokers(self, address: Address, timeout_s: float) -> dict[int, tuple[str, ...]]:
        """Return the ids of the registered brokers with their endpoints."""

    def topics(self, address: Address, timeout_s: float) -> frozenset[str]:
        """Return the names of the topics that exist."""

    def session_left_s(self, address: Address, broker: int, timeout_s: float) -> float | None:
        """Return for how many seconds at most a dead broker stays registered, if known."""


@dataclass(frozen=True, slots=True)
class Container:
    """A role in the images of Confluent: its image's setting, its port and its directories.

    `data` has a directory for each of the role's places, in the same order; `directory_variable`
    moves the data elsewhere where it is set.
    """

    image_setting: str
    data: tuple[str, ...]
    port: int | None = None
    directory_variable: str | None = None
    id_variable: str | None = None


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a role needs, once. Times are in seconds.

    `title` is its name in a sentence. `port_setting` and `heap_setting` name fields of `Settings`;
    `archive` is the name of the class archive that all its servers share. Servers of the next wave
    start `head_start_s` later. `goodbye` is what its log says at an orderly end, `alone_s` how long
    it may take to end where its coordinator is gone. A killed broker stays registered with a
    coordinator for `registered_s`.
    """

    role: Role
    title: str
    main_class: str
    archive: str
    port_setting: str
    heap_setting: str
    container: Container
    configure: Configure
    jvm_flags: tuple[str, ...] = ()
    head_start_s: float = 0.0
    grace_s: float = 20.0
    alone_s: float = 20.0
    goodbye: bytes | None = None
    shows_version: bool = False
    coordinator: Coordinator | None = None
    registered_s: float = 0.0

    @property
    def port_variable(self) -> str:
        """The variable that sets its port."""
        return f"KAFKA_TASKS_{self.port_setting.upper()}"
