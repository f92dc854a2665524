"""What wrote a cluster's data: recorded beside it, because older servers may not read it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec

from kafka_tasks.model import kafka_line
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.security import Security
from kafka_tasks.project import json_files
from kafka_tasks.project.directory import Project, replace_file

# A whole version, or a line.
Version = Annotated[str, msgspec.Meta(pattern=r"^\d{1,2}\.\d{1,2}(\.\d{1,3})?\Z")]
MetadataVersion = Annotated[str, msgspec.Meta(pattern=r"^[\w.-]{1,40}\Z")]


class WrittenBy(msgspec.Struct, frozen=True, kw_only=True):
    """The version that was set, its Kafka and its mode; in KRaft mode, the ids of the voters.

    `metadata_version` is that of the cluster's metadata, where it is known. `security` is that of
    the last start, for a cluster whose own record is lost; earlier versions did not write it.
    """

    schema: Literal[1] = 1
    version: Version
    kafka_version: Version
    mode: Mode
    voters: tuple[int, ...] = ()
    metadata_version: MetadataVersion | None = None
    security: Security | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def kafka_line(self) -> tuple[int, ...]:
        """The numbers of its Kafka line: 3 and 9 for Kafka 3.9.1."""
        return kafka_line.numbers(self.kafka_version)[:2]

    def __str__(self) -> str:
        return f"Kafka {self.kafka_version} (version {self.version})"


def read(project: Project, runtime: str) -> WrittenBy | None:
    """Return what wrote this runtime's data; None where that is not known."""
    return json_files.recall(project.state / _file(runtime), WrittenBy)


def every(project: Project) -> Iterator[tuple[str, WrittenBy]]:
    """Yield each runtime that has data in the project, with what wrote that."""
    for runtime in ("embedded", "compose"):
        if (found := read(project, runtime)) is not None:
            yield runtime, found


def write(project: Project, runtime: str, found: WrittenBy) -> None:
    """Record what writes this runtime's data, if it is not recorded yet."""
    if read(project, runtime) != found:
        replace_file(project.state / _file(runtime), msgspec.json.encode(found))


def forget(project: Project, runtime: str) -> None:
    """Remove the record of data that is deleted."""
    (project.state / _file(runtime)).unlink(missing_ok=True)


def _file(runtime: str) -> str:
    """Return the file's name: each runtime has data of its own."""
    return f"written-by-{runtime}.json"
