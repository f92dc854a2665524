"""A runtime as the rest of the house sees it: what is there, and what it is able to do.

Waiting is not in it: that is `lifecycle` with `probes`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct

from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.data_files import Data
from kafka_tasks.settings import Settings


class Runtime(Protocol):
    """Where a cluster lives. Whatever it is able to do besides is in `abilities`."""

    @property
    def name(self) -> str:
        """The word that `--runtime` takes."""

    @property
    def abilities(self) -> Abilities:
        """Its abilities, as data."""

    def plan(self, settings: Settings) -> Cluster:
        """Return the cluster that is here, or that a start would make; starts nothing."""

    def observe(self) -> Observation:
        """Look once at every service that was ever started here and is not wiped."""


class Servers(Protocol):
    """The ability to start and stop servers, and to read their logs."""

    def expect_start(self, settings: Settings) -> None:
        """Begin what a start needs, and what can be begun before anybody has looked; or nothing."""

    def start(
        self,
        settings: Settings,
        services: Sequence[str] | None = None,
        *,
        seen: Observation | None = None,
    ) -> Cluster:
        """Start those of `services` (default: all) that are not alive; returns without waiting.

        `seen` is a look at them that was just taken; without it, one is taken.
        """

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop `services` (default: all), brokers first; returns the names that were stopped."""

    def take_back(self, *, interrupted: bool) -> tuple[str, ...]:
        """Undo a start into a stopped cluster: stop what lives, and remove what it made.

        An interrupted start is no longer wanted, also where nothing lives. Returns the names of
        those that were stopped.
        """

    def logs(self, service: str, tail: int) -> list[str]:
        """Return the last `tail` lines of a service's log."""

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """Yield the last `tail` lines and then each new one, without end."""


class Recovered(Struct, frozen=True):
    """What was put right after a crash, and a look at the services after it."""

    seen: Observation
    adopted: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()


class Recovery(Protocol):
    """The ability to recover from a crash."""

    def recover(self) -> Recovered:
        """Record what runs without a record, resume what is suspended, and look once at it all."""

    def unclean(self, seen: Observation) -> bool:
        """Return whether a broker exited without deregistering."""

    def perhaps_registered(self, seen: Observation) -> bool:
        """Return whether a broker that does not run may still be registered."""

    def exited(self) -> frozenset[str]:
        """Return the services whose very process or container is known to have exited.

        Looks now. A service that is suspended, frozen, paused or not found is none of them.
        """


class Preparation(Protocol):
    """The ability to fetch what a start needs, and to make later starts faster."""

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch and check what a start needs; returns what is there now, a line each."""

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Return whether a start and a stop would make later starts faster."""

    def prepare_next_start(self, *, wait: bool = False) -> None:
        """Prepare what makes the next start faster, now that the cluster is ready."""


class DataAccess(Protocol):
    """The ability to read and replace the files of a stopped cluster."""

    def has_data(self, settings: Settings) -> bool:
        """Return whether servers of this project have left anything."""

    def data(self, settings: Settings) -> AbstractContextManager[Data]:
        """Give the files of the stopped cluster that these settings describe, within the block."""

    def expect(self, settings: Settings) -> None:
        """Record what a start with these settings would be; starts nothing."""


class Abilities(Struct, frozen=True):
    """What a runtime is able to do, as data; None is what it is not able to do."""

    servers: Servers | None = None
    recovery: Recovery | None = None
    preparation: Preparation | None = None
    data: DataAccess | None = None
