"""The manifest of a snapshot: cluster, time, and every file with its checksum."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.role import MAX_BROKERS, MAX_VOTERS
from kafka_tasks.model.security import PLACE, Security
from kafka_tasks.model.topology import Topology, planned
from kafka_tasks.project import json_files
from kafka_tasks.project.written_by import MetadataVersion, Version, WrittenBy

# Names of users, and so of their certificates, have some characters more than those of topics.
_PART = re.compile(r"(?!\.kafka-tasks)[A-Za-z0-9._~+=-]{1,255}")
_LISTS = (f"{PLACE}/index.json", f"{PLACE}/passwords.json")

_Size = Annotated[int, msgspec.Meta(ge=0)]
_Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class Damaged(Exception):
    """A snapshot file is incomplete or corrupt; the text is the reason."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file: its name, size in bytes, and sha256."""

    name: str
    size: _Size
    sha256: _Digest


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """The first member of a snapshot; `body_…` describes the compressed rest of the file.

    `taken_at` is in seconds since the epoch. `broker_ids` maps services to ids; `cluster_id` is the
    id in the brokers' data. In KRaft mode `controllers` are dedicated ones, `combined` is how
    many brokers are controllers too, and `metadata_version` is None where the data did not tell.
    `security` is that of a secured cluster, whose certificates, keys and passwords are in the file.
    """

    schema: Literal[1] = 1
    name: str
    taken_at: json_files.Moment
    version: Version
    kafka_version: Version
    runtime: str
    mode: Mode = "zookeeper"
    brokers: Annotated[int, msgspec.Meta(ge=1, le=MAX_BROKERS)]
    controllers: Annotated[int, msgspec.Meta(ge=0, le=MAX_VOTERS)] = 0
    combined: Annotated[int, msgspec.Meta(ge=0, le=MAX_VOTERS)] | None = None
    metadata_version: MetadataVersion | None = None
    security: Security | None = None
    broker_ids: dict[str, int]
    cluster_id: str | None
    body_bytes: _Size
    body_sha256: _Digest
    files: tuple[Entry, ...]

    @property
    def topology(self) -> Topology:
        """The services whose data it has."""
        return planned(self.mode, self.brokers, self.controllers, self.combined)

    @property
    def kafka_line(self) -> str:
        """The Kafka line: 3.9 for Kafka 3.9.1."""
        return ".".join(self.kafka_version.split(".")[:2])

    @property
    def written_by(self) -> WrittenBy:
        """The record of the version and mode that wrote its data."""
        return WrittenBy(
            version=self.version,
            kafka_version=self.kafka_version,
            mode=self.mode,
            voters=tuple(sorted(voter.node_id for voter in self.topology.voters)),
            metadata_version=self.metadata_version,
        )

    @property
    def data_bytes(self) -> int:
        """The size of all files in bytes, unpacked."""
        return sum(entry.size for entry in self.files)


def decode(content: bytes) -> Manifest:
    """Return a manifest; raises `Damaged`, also for file names that lead out of the data."""
    try:
        found = json_files.decode(content, Manifest)
    except json_files.Unreadable as error:
        raise Damaged(f"its manifest cannot be read ({error})") from error
    places = [*found.topology.places, *([PLACE] if found.security else [])]
    seen: set[str] = set()
    for entry in found.files:
        if not _is_safe(entry.name, places):
            raise Damaged(f"it contains a file named {entry.name[:120]!r}")
        if entry.name in seen:
            raise Damaged(f"it contains {entry.name} twice")
        seen.add(entry.name)
    if found.security and not seen.issuperset(_LISTS):
        raise Damaged("the certificates or the passwords of its secured cluster are missing")
    return found


def _is_safe(name: str, places: Sequence[str]) -> bool:
    """Return True for a relative, plain name in one of the cluster's data directories."""
    place, *below = name.split("/")
    return (
        place in places
        and bool(below)
        and len(name) <= 1000
        and all(_PART.fullmatch(part) and part not in (".", "..") for part in below)
    )
