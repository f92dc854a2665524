"""What is recorded about a project's cluster: written before it is done, read after a crash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from kafka_tasks.model.cluster import MAX_BROKERS
from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import Project, unwritable

FILE = "state.json"
# A flipped digit still reads as JSON, and would send a start to another port.
_CHECKSUM = "checksum"

# A record with anything else in it was not written here, and is set aside like a torn one.
Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Brokers = Annotated[int, msgspec.Meta(ge=1, le=MAX_BROKERS)]
Name = Annotated[str, msgspec.Meta(pattern=rf"^(zookeeper|kafka|kafka-[2-{MAX_BROKERS}])\Z")]
Pid = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{0,255}\Z")]


class ServiceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One service that was, or is about to be, started.

    `pid` is None between the decision and the start. `started_s` is seconds since the machine
    booted, so that a moved clock changes nothing; `command` is the sha256 of its argument list.
    """

    name: Name
    port: Port
    token: Word
    pid: Pid | None = None
    started_s: float | None = None
    command: str | None = None


class ClusterRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster: what it was started with, and whether it should be running."""

    schema: Literal[1] = 1
    runtime: Word
    wanted: Literal["running", "stopped"]
    version: Word
    kafka_version: Word
    brokers: Brokers
    port: Port
    zookeeper_port: Port
    changed_at: float
    services: tuple[ServiceRecord, ...] = ()
    auto_ports: tuple[str, ...] = ()
    fingerprint: dict[str, str] = {}
    compose_project: str | None = None

    def service(self, name: str) -> ServiceRecord | None:
        """The record of one service."""
        return next((service for service in self.services if service.name == name), None)

    def with_service(self, record: ServiceRecord) -> ClusterRecord:
        """The same cluster, with this service's record put in or replaced."""
        kept = [service for service in self.services if service.name != record.name]
        return msgspec.structs.replace(
            self, services=tuple(sorted((*kept, record), key=_order)), changed_at=time.time()
        )

    def without_service(self, name: str) -> ClusterRecord:
        """The same cluster, with this service no longer recorded."""
        kept = tuple(service for service in self.services if service.name != name)
        return msgspec.structs.replace(self, services=kept, changed_at=time.time())


def _order(record: ServiceRecord) -> tuple[int, str]:
    return (0 if record.name == "zookeeper" else 1, record.name)


class Corrupt(Exception):
    """The state file is not readable as one; `kept` is where it was moved to."""

    def __init__(self, kept: Path) -> None:
        super().__init__(str(kept))
        self.kept = kept


def read(project: Project) -> ClusterRecord | None:
    """The record, or None where there is none or where it is unreadable."""
    try:
        return _load(project.state / FILE)
    except (OSError, json_files.Unreadable):
        return None


def _load(path: Path) -> ClusterRecord:
    """Raises `Unreadable` also where the content is not as it was written.

    A record without a checksum is one of an earlier version.
    """
    found = json_files.load(path, dict[str, Any])
    told = found.pop(_CHECKSUM, None)
    try:
        if told is not None and told != _checksum(found):
            raise json_files.Unreadable("the checksum is another")
        return msgspec.convert(found, ClusterRecord)
    # What was read, and cannot be written: very long numbers, very deep lists.
    except (msgspec.ValidationError, OverflowError, RecursionError) as error:
        raise json_files.Unreadable(str(error)) from error


def _checksum(document: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def remembered(project: Project) -> dict[str, int]:
    """The project's own choices, for settings that nobody gave."""
    from kafka_tasks.project import restoring

    if (begun := restoring.read(project)) and begun.committed:
        return {"brokers": begun.brokers}
    record = read(project)
    return {"brokers": record.brokers} if record else {}


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
    """Replace the record in one step, so that a crash leaves the old or the new one."""
    document = msgspec.to_builtins(record)
    document[_CHECKSUM] = _checksum(document)
    replace_file(project.state / FILE, msgspec.json.format(msgspec.json.encode(document), indent=2))


def replace_file(path: Path, content: bytes) -> None:
    """Give a file of the state new content in one step, readable by its owner alone."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        private.write(draft, content)
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise unwritable(path, error) from error


def forget(project: Project) -> None:
    """Remove the record."""
    (project.state / FILE).unlink(missing_ok=True)
