"""How a process is known as one of ours: what stands on its command line, and in the record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.model.cluster import ZOOKEEPER, broker_id
from kafka_tasks.project.state import ClusterRecord, ServiceRecord

_PREFIX = "-Dkafka.tasks."
PROJECT_PROPERTY = f"{_PREFIX}project="
SERVICE_PROPERTY = f"{_PREFIX}service="


def arguments(project: Path, record: ClusterRecord, service: ServiceRecord) -> list[str]:
    """The JVM properties that say whose a process is, and what it would take to record it."""
    return [
        f"{PROJECT_PROPERTY}{project}",
        f"{SERVICE_PROPERTY}{service.name}",
        f"{_PREFIX}port={service.port}",
        f"{_PREFIX}first={record.port}",
        f"{_PREFIX}keeper={record.zookeeper_port}",
        f"{_PREFIX}version={record.version}",
        f"{_PREFIX}kafka={record.kafka_version}",
        f"{_PREFIX}token={service.token}",
    ]


@dataclass(frozen=True, slots=True)
class Marked:
    """A running process of a project, with the values of its properties."""

    found: processes.Found
    values: dict[str, str]

    def as_service(self) -> ServiceRecord:
        """As it would have been recorded."""
        return ServiceRecord(
            name=self.values["service"],
            port=int(self.values["port"]),
            token=self.values.get("token", ""),
            pid=self.found.identity.pid,
            started_s=self.found.identity.started_s,
            command=self.found.identity.command,
        )

    def as_cluster(self, runtime: str) -> ClusterRecord:
        """A record of the cluster it belongs to, where its own is lost."""
        return ClusterRecord(
            runtime=runtime,
            wanted="running",
            version=self.values.get("version", "7.9.6"),
            kafka_version=self.values.get("kafka", ""),
            brokers=1,
            port=int(self.values.get("first", "9092")),
            zookeeper_port=int(self.values.get("keeper", "2181")),
            changed_at=time.time(),
        )


def running(project: Path) -> Iterator[Marked]:
    """Every process on this machine that carries this project's mark."""
    for found in processes.find(f"{PROJECT_PROPERTY}{project}"):
        pairs = [
            argument.removeprefix(_PREFIX).partition("=")
            for argument in found.arguments
            if argument.startswith(_PREFIX)
        ]
        values = {key: value for key, _, value in pairs}
        # The mark of a directory is the beginning of that of one below it.
        if values.get("project") != str(project):
            continue
        if values.get("service") and values.get("port", "").isdigit():
            yield Marked(found, values)


def with_strays(
    project: Path, record: ClusterRecord | None, runtime: str
) -> tuple[ClusterRecord | None, tuple[str, ...]]:
    """The record with those running processes that it does not know, and their names."""
    strays = []
    for marked in running(project):
        service = marked.as_service()
        known = record.service(service.name) if record else None
        if known and (mine := identity(known)) and processes.is_running(mine):
            continue
        record = (record or marked.as_cluster(runtime)).with_service(service)
        strays.append(service.name)
    if record and strays:
        highest = highest_broker(service.name for service in record.services)
        record = msgspec.structs.replace(record, brokers=max(record.brokers, highest))
    return record, tuple(strays)


def highest_broker(services: Iterable[str]) -> int:
    """The highest broker id among these services; 0 without any."""
    return max((broker_id(name) for name in services if name != ZOOKEEPER), default=0)


def identity(service: ServiceRecord) -> processes.Identity | None:
    """What makes a process the recorded one, or None where none was started."""
    if service.pid is None or service.started_s is None or service.command is None:
        return None
    return processes.Identity(service.pid, service.started_s, service.command)


def idle(service: ServiceRecord) -> ServiceRecord:
    """The record of a service that ended in an orderly way."""
    return msgspec.structs.replace(service, pid=None, started_s=None, command=None)


def started(service: ServiceRecord, process: processes.Identity) -> ServiceRecord:
    """The record of a service that has just been started."""
    return msgspec.structs.replace(
        service, pid=process.pid, started_s=process.started_s, command=process.command
    )
