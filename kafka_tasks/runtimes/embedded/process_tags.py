"""Process tags: the properties on a command line that tell a server's project and service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.model import kafka_line, topology
from kafka_tasks.model.role import Role
from kafka_tasks.model.security import KINDS, Security
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project.state import ClusterRecord, ServiceRecord

_PREFIX = "-Dkafka.tasks."
PROJECT_PROPERTY = f"{_PREFIX}project="
_SERVICE_PROPERTY = f"{_PREFIX}service="


def arguments(project: Path, record: ClusterRecord, service: ServiceRecord) -> list[str]:
    """Return the JVM properties that name a process's owner, and allow a lost record's repair."""
    places = map(_placed, record.topology)
    secured = record.security.choices if record.security else {}
    return [
        f"{PROJECT_PROPERTY}{project}",
        f"{_SERVICE_PROPERTY}{service.name}",
        f"{_PREFIX}port={service.port}",
        f"{_PREFIX}services={','.join(places)}",
        f"{_PREFIX}version={record.version}",
        f"{_PREFIX}kafka={record.kafka_version}",
        *(f"{_PREFIX}{name}={_word(value)}" for name, value in secured.items() if value),
        f"{_PREFIX}token={service.token}",
    ]


def _word(value: str | bool) -> str:
    return value if isinstance(value, str) else "true"


def _placed(service: Service) -> str:
    """Return name, port, role and, where there are any, the ports for controllers and for us."""
    parts = [service.name, service.port, service.role, service.quorum_port, service.internal_port]
    while parts[-1] is None:
        parts.pop()
    return ":".join("" if part is None else str(part) for part in parts)


def _service(text: str) -> Service | None:
    """Return what `_placed` wrote; an earlier version wrote name and port alone."""
    name, port, *more = text.split(":")
    known = topology.identify(name)
    role = next((role for role in Role if more and role == more[0]), known.role if known else None)
    found = topology.service_of(name, role) if role else None
    if found is None or not port.isdecimal():
        return None
    others = [int(each) if each.isdecimal() else None for each in more[1:3]]
    return found.at(int(port), *others)


class _Tagged(Struct, frozen=True):
    """A running process of a project, the service that it is, and the values of its properties."""

    found: processes.Found
    service: Service
    values: dict[str, str]

    def as_service(self) -> ServiceRecord:
        """Return it as it would have been recorded."""
        port = int(self.values["port"])
        return msgspec.structs.replace(
            ServiceRecord.of(self._planned() or self.service.at(port)),
            port=port,
            token=self.values.get("token", ""),
            pid=self.found.identity.pid,
            started_s=self.found.identity.started_s,
            command=self.found.identity.command,
        )

    def as_cluster(self, runtime: str) -> ClusterRecord:
        """Return a record of the cluster that it belongs to, where its own is lost."""
        return ClusterRecord(
            runtime=runtime,
            wanted="running",
            version=self.values.get("version", kafka_line.DEFAULT.text),
            kafka_version=self.values.get("kafka", ""),
            changed_at=time.time(),
            services=tuple(map(ServiceRecord.of, self._topology())),
            security=self._security(),
        )

    def _security(self) -> Security | None:
        """Return how its cluster is secured; None where it is not."""
        kind = next((kind for kind in KINDS if kind == self.values.get("secure")), None)
        if kind is None:
            return None
        hosts = filter(None, self.values.get("san", "").split(","))
        return Security(kind, self.values.get("acl") == "true", tuple(hosts))

    def _planned(self) -> Service | None:
        """Return the service as its cluster planned it, with its role."""
        return self._topology().service(self.service.name)

    def _topology(self) -> Topology:
        """Return the services of its cluster; earlier versions named two ports instead."""
        parts = [part for part in self.values.get("services", "").split(",") if ":" in part]
        found = topology.in_order(service for part in parts if (service := _service(part)))
        if not found:
            first, other = self.values.get("first", "9092"), self.values.get("keeper", "2181")
            return topology.zookeeper_cluster(1).at((int(other), int(first)))
        return found


def _running(project: Path) -> Iterator[_Tagged]:
    """Yield every process on this machine that carries this project's tags."""
    for found in processes.find(f"{PROJECT_PROPERTY}{project}"):
        pairs = [
            argument.removeprefix(_PREFIX).partition("=")
            for argument in found.arguments
            if argument.startswith(_PREFIX)
        ]
        values = {key: value for key, _, value in pairs}
        # The tag of a directory is the beginning of that of one below it.
        if values.get("project") != str(project):
            continue
        service = topology.identify(values.get("service", ""))
        if service and values.get("port", "").isdigit():
            yield _Tagged(found, service, values)


def with_strays(
    project: Path, record: ClusterRecord | None, runtime: str
) -> tuple[ClusterRecord | None, tuple[str, ...]]:
    """Return the record with those running processes that it lacks, and their names.

    Scans the process table once.
    """
    strays = []
    for tagged in _running(project):
        service = tagged.as_service()
        known = record.service(service.name) if record else None
        if known and (mine := identity(known)) and processes.is_running(mine):
            continue
        record = (record or tagged.as_cluster(runtime)).with_service(service)
        strays.append(service.name)
    return record, tuple(strays)


def identity(service: ServiceRecord) -> processes.Identity | None:
    """Return what makes a process the recorded one; None where none was started."""
    if service.pid is None or service.started_s is None or service.command is None:
        return None
    return processes.Identity(service.pid, service.started_s, service.command)


def idle(service: ServiceRecord) -> ServiceRecord:
    """Return the record of a service that stopped in an orderly way."""
    return msgspec.structs.replace(service, pid=None, started_s=None, command=None)


def started(service: ServiceRecord, process: processes.Identity) -> ServiceRecord:
    """Return the record of a service that has just been started."""
    return msgspec.structs.replace(
        service, pid=process.pid, started_s=process.started_s, command=process.command
    )
