"""A restore that was begun: recorded before it touches anything, read after a crash."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.role import MAX_BROKERS, MAX_VOTERS
from kafka_tasks.model.security import Security
from kafka_tasks.project import json_files
from kafka_tasks.project.directory import Project, replace_file
from kafka_tasks.project.written_by import WrittenBy

FILE = "restoring.json"


class Restoring(msgspec.Struct, frozen=True, kw_only=True):
    """The snapshot that is being restored, what wrote it, the runtime, and how far that is.

    Until it is `committed` the old data counts; from then on the new data, which is complete.
    """

    schema: Literal[1] = 1
    name: str
    runtime: str
    mode: Mode = "zookeeper"
    brokers: Annotated[int, msgspec.Meta(ge=1, le=MAX_BROKERS)]
    controllers: Annotated[int, msgspec.Meta(ge=0, le=MAX_VOTERS)] = 0
    combined: Annotated[int, msgspec.Meta(ge=0, le=MAX_VOTERS)] = 0
    security: Security | None = None
    written_by: WrittenBy | None = None
    committed: bool = False

    @property
    def choices(self) -> dict[str, Any]:
        """Return the settings of the cluster that is restored."""
        found: dict[str, Any] = {"brokers": self.brokers, "recorded_mode": self.mode}
        if self.controllers or self.combined:
            found |= {"controllers": self.controllers, "combined": self.combined}
        if self.security:
            found |= self.security.choices
        return found

    def complete(self) -> Restoring:
        """Return the same restore from the moment at which the new data is complete."""
        return msgspec.structs.replace(self, committed=True)


def read(project: Project) -> Restoring | None:
    """Return the restore that did not end, or None."""
    return json_files.recall(project.state / FILE, Restoring)


def write(project: Project, begun: Restoring) -> None:
    """Record a restore in one step."""
    replace_file(project.state / FILE, msgspec.json.encode(begun))


def forget(project: Project) -> None:
    """Remove the record of a restore that is over."""
    (project.state / FILE).unlink(missing_ok=True)
