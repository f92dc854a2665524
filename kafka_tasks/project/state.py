"""What is recorded about a project's cluster: written before it is done, read after a crash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from kafka_tasks.model import topology
from kafka_tasks.model.role import MAX_BROKERS, Role
from kafka_tasks.model.security import Security
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project import json_files
from kafka_tasks.project.directory import Project, replace_file

FILE = "state.json"
# A flipped digit still reads as JSON, and would send a start to another port.
_CHECKSUM = "checksum"

# A record with anything else in it was not written here, and is set aside like a torn one.
_Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
_Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,254}\Z")]
_OldName = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(topology.NAMES)})\Z")]
_Number = Annotated[int, msgspec.Meta(ge=1, le=MAX_BROKERS)]
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
_Pid = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Word = Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{0,255}\Z")]


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One service of a cluster.

    `token` is None until a start of it is decided, `pid` until it is started. `started_s` is
    seconds since the machine booted, so that a moved clock changes nothing; `command` is the sha256
    of its argument list. One of a user's own Compose file has its number and its id, and no port
    where the file publishes none.
    """

    name: _Name
    role: Role
    port: _Port | None = None
    quorum_port: _Port | None = None
    internal_port: _Port | None = None
    token: _Word | None = None
    pid: _Pid | None = None
    started_s: float | None = None
    command: str | None = None
    number: _Number | None = None
    id: _Id | None = None

    def __post_init__(self) -> None:
        """Raise `ValueError` for a name that is not kafka-tasks' own, and without a number."""
        if self.number is None and (self.name not in topology.NAMES or self.port is None):
            raise ValueError(f"{self.name} is no name of kafka-tasks")

    @classmethod
    def of(cls, service: Service) -> ServiceRecord:
        """Return the record of a service whose start is not decided yet."""
        ours = service.name == service.our_name and service.id is None and service.port
        return cls(
            name=service.name,
            role=service.role,
            port=service.port,
            quorum_port=service.quorum_port,
            internal_port=service.internal_port,
            number=None if ours else service.number,
            id=service.id,
        )

    @property
    def service(self) -> Service | None:
        """The service that is recorded; None where name and role do not belong together."""
        found = (
            topology.service_of(self.name, self.role)
            if self.number is None
            else Service(self.name, self.role, self.number, id=self.id)
        )
        return found.at(self.port, self.quorum_port, self.internal_port) if found else None


class ClusterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster: what it was started with, and whether it should be running."""

    schema: Literal[2] = 2
    runtime: _Word
    wanted: Literal["running", "stopped"]
    version: _Word
    kafka_version: _Word
    changed_at: float
    services: tuple[ServiceRecord, ...]
    auto_ports: tuple[str, ...] = ()
    fingerprint: dict[str, str] = {}
    compose_project: str | None = None
    cluster_id: _Word | None = None
    security: Security | None = None

    @property
    def topology(self) -> Topology:
        """The services as they were planned, with their ports."""
        found = (record.service for record in self.services)
        planned = topology.in_order(service for service in found if service)
        return replace(planned, security=self.security)

    @property
    def started(self) -> tuple[ServiceRecord, ...]:
        """The services whose start was decided at some time."""
        return tuple(service for service in self.services if service.token is not None)

    def service(self, name: str) -> ServiceRecord | None:
        """Return the record of one service."""
        return next((service for service in self.services if service.name == name), None)

    def with_service(self, record: ServiceRecord) -> ClusterRecord:
        """Return the same cluster, with this service's record added or replaced."""
        records = {service.name: service for service in (*self.services, record)}
        found = msgspec.structs.replace(self, services=tuple(records.values()))
        kept = tuple(records[name] for name in found.topology.names)
        return msgspec.structs.replace(found, services=kept, changed_at=time.time())


class _ServiceRecord1(msgspec.Struct, frozen=True, kw_only=True):
    """One service as schema 1 has it."""

    name: _OldName
    port: _Port
    token: _Word
    pid: _Pid | None = None
    started_s: float | None = None
    command: str | None = None


class _ClusterRecord1(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster as schema 1 has it: ports of ZooKeeper and of the first broker, and a count."""

    runtime: _Word
    wanted: Literal["running", "stopped"]
    version: _Word
    kafka_version: _Word
    brokers: Annotated[int, msgspec.Meta(ge=1, le=MAX_BROKERS)]
    port: _Port
    zookeeper_port: _Port
    changed_at: float
    services: tuple[_ServiceRecord1, ...] = ()
    auto_ports: tuple[str, ...] = ()
    fingerprint: dict[str, str] = {}
    compose_project: str | None = None

    def upgraded(self) -> ClusterRecord:
        """Return the same cluster with a record for each of its services."""
        planned = topology.zookeeper_cluster(self.brokers)
        brokers = range(self.port, self.port + self.brokers)
        records = [ServiceRecord.of(s) for s in planned.at((self.zookeeper_port, *brokers))]
        found = ClusterRecord(
            runtime=self.runtime,
            wanted=self.wanted,
            version=self.version,
            kafka_version=self.kafka_version,
            changed_at=self.changed_at,
            services=tuple(records),
            auto_ports=self.auto_ports,
            fingerprint=self.fingerprint,
            compose_project=self.compose_project,
        )
        for service in self.services:
            known = topology.identify(service.name)
            assert known is not None
            fields = msgspec.structs.asdict(service)
            found = found.with_service(ServiceRecord(role=known.role, **fields))
        return msgspec.structs.replace(found, changed_at=self.changed_at)


def read(project: Project) -> ClusterRecord | None:
    """Return the record, or None where there is none or where it is unreadable."""
    try:
        return _load(project.state / FILE)
    except (OSError, json_files.Unreadable):
        return None


def read_of(project: Project, runtime: str) -> ClusterRecord | None:
    """Return the record, if this runtime wrote it."""
    record = read(project)
    return record if record and record.runtime == runtime else None


def _load(path: Path) -> ClusterRecord:
    """Return a record, upgraded where an earlier version wrote it.

    Raises `Unreadable` also where the content is not as it was written. A record without a checksum
    is one of an earlier version.
    """
    found = json_files.load(path, dict[str, Any])
    told = found.pop(_CHECKSUM, None)
    try:
        if told is not None and told != _checksum(found):
            raise json_files.Unreadable("the checksum is another")
        if found.get("schema") == 1:
            return msgspec.convert(found, _ClusterRecord1).upgraded()
        return msgspec.convert(found, ClusterRecord)
    # What was read, and cannot be written: very long numbers, very deep lists.
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise json_files.Unreadable(str(error)) from error


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def set_aside_if_corrupt(project: Project) -> Path | None:
    """Move an unreadable record out of the way; returns where it went."""
    path = project.state / FILE
    try:
        _load(path)
    except (json_files.Unreadable, IsADirectoryError):
        kept = path.with_name(f"{FILE}.corrupt")
        with contextlib.suppress(OSError):
            os.replace(path, kept)
        return kept
    except OSError:
        return None
    return None


def write(project: Project, record: ClusterRecord) -> None:
    """Replace the record in one step, so that even a crash keeps the old or the new one."""
    document = msgspec.to_builtins(record)
    document[_CHECKSUM] = _checksum(document)
    replace_file(project.state / FILE, msgspec.json.format(msgspec.json.encode(document), indent=2))


def write_plan(project: Project, planned: ClusterRecord, before: ClusterRecord | None) -> None:
    """Record what a start would be; whether the cluster should run stays as it was."""
    wanted = before.wanted if before else "stopped"
    write(project, msgspec.structs.replace(planned, wanted=wanted))


def forget(project: Project) -> None:
    """Remove the record."""
    (project.state / FILE).unlink(missing_ok=True)
