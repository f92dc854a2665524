"""What the lifecycle verbs found, as values that can be printed."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.cluster import ServiceState, State
from kafka_tasks.model.events import Mark
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.security import Security


class Report(Struct, frozen=True):
    """What `up`, `status`, `wait` and `restart` return; times in seconds."""

    project: Path
    runtime: str
    state: State
    bootstrap_servers: str | None
    zookeeper: str | None
    mode: Mode | None
    cluster_id: str | None
    kafka_version: str | None
    services: tuple[ServiceState, ...]
    timeline: tuple[Mark, ...]
    elapsed_s: float
    changed: bool = False
    failed_layer: str | None = None
    reason: str | None = None
    refused: CannotConnect | None = None

    @property
    def hint(self) -> str | None:
        """The fix where a remote cluster refuses the connection."""
        return self.refused.hint if self.refused else None


class Known(Struct, frozen=True):
    """A cluster on this machine, as `kafka.list` shows it."""

    project: Path
    runtime: str
    state: State
    bootstrap_servers: str | None
    zookeeper: str | None


class Pulled(Struct, frozen=True):
    """What `kafka.pull` made sure of."""

    runtime: str
    what: tuple[str, ...]
    elapsed_s: float


class Proof(Struct, frozen=True):
    """How a topic was proven: `roundtrip_ms` is None where no record was written."""

    topic: str
    created: bool
    partitions: int
    replication_factor: int
    leaders: int
    records: int
    roundtrip_ms: float | None


class SnapshotSeen(Struct, frozen=True):
    """A snapshot as `snapshot.list` shows it; where there is a `problem`, nothing else is known.

    `bytes` is the file's size, `data_bytes` that of what is in it; `taken_at` is seconds since the
    epoch.
    """

    name: str
    path: Path
    bytes: int
    problem: str | None = None
    taken_at: float | None = None
    version: str | None = None
    kafka_version: str | None = None
    runtime: str | None = None
    mode: Mode | None = None
    metadata_version: str | None = None
    security: Security | None = None
    brokers: int | None = None
    cluster_id: str | None = None
    files: int | None = None
    data_bytes: int | None = None
