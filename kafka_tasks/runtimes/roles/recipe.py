"""The shape of a role's recipe: what a server of that role needs, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct

from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology


class Configure(Protocol):
    """Renders the configuration of one service."""

    def __call__(
        self, service: Service, topology: Topology, further: Mapping[str, str], /
    ) -> dict[str, str]:
        """Return the server's properties; `further` are the user's own for brokers."""


class Coordinator(Protocol):
    """What is asked of one service that brokers register with. Each call raises `Unanswered`.

    `mode` and `serving` ask coordinators alone; the others may ask brokers too.
    """

    @property
    def service(self) -> Service:
        """The service that is asked."""

    def mode(self, timeout_s: float) -> str:
        """Return the word that it answers with when it serves requests."""

    def serving(self, timeout_s: float) -> dict[str, str]:
        """Return the word of each coordinator of its kind, if together they serve brokers."""

    def cluster_id(self, timeout_s: float) -> str | None:
        """Return the cluster's id, or None where no broker has ever started."""

    def registered_brokers(self, timeout_s: float) -> dict[int, tuple[str, ...]]:
        """Return the ids of the registered brokers with their endpoints."""

    def unregister(self, broker: int, timeout_s: float) -> bool:
        """Remove the registration of a broker that has certainly exited; False where it cannot.

        A live broker would stay alive, unregistered, and its partitions would lose their leaders.
        """

    def topics(self, timeout_s: float) -> frozenset[str] | None:
        """Return the names of the topics that exist; None where only brokers tell."""

    def session_left_s(self, broker: int, timeout_s: float) -> float | None:
        """Return for how many seconds at most a dead broker stays registered, if known."""


class Container(Struct, frozen=True):
    """A role in the images of Confluent: its image's setting, its port and its directories.

    `data` has a directory for each of the role's places, in the same order; `directory_variable`
    moves the data elsewhere where it is set.
    """

    image_setting: str
    data: tuple[str, ...]
    port: int | None = None
    directory_variable: str | None = None
    id_variables: tuple[str, ...] = ()


class Recipe(Struct, frozen=True):
    """What a role needs, once. Times are in seconds.

    `title` is its name in a sentence. `port_setting` and `heap_setting` name fields of `Settings`,
    `quorum_port_setting` that of a second port, for other controllers;
    `archive` is the name of the class archive that all its servers share. Servers of the next wave
    start `head_start_s` later. `goodbye` is what its log says at an orderly end, `alone_s` how long
    it may take to end where its coordinator is gone. A killed broker stays registered with a
    coordinator for `registered_s`. `stays_open` is what a secured cluster's owner has to know,
    with `{}` for whoever reaches it.
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
    quorum_port_setting: str | None = None
    coordinator: Callable[[Cluster, Service], Coordinator] | None = None
    registered_s: float = 0.0
    stays_open: str | None = None

    @property
    def port_variable(self) -> str:
        """The variable that sets its port."""
        return f"KAFKA_TASKS_{self.port_setting.upper()}"

    @property
    def port_settings(self) -> tuple[str, ...]:
        """The settings of its ports: for its address, and for other controllers."""
        both = (self.port_setting, self.quorum_port_setting)
        return tuple(setting for setting in both if setting)
