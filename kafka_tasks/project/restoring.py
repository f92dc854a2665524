"""A restore that was begun: written before it touches anything, read after a crash."""

from __future__ import annotations

from typing import Literal

import msgspec

from kafka_tasks.project import json_files, state
from kafka_tasks.project.directory import Project

FILE = "restoring.json"


class Restoring(msgspec.Struct, frozen=True, kw_only=True):
    """Which snapshot is being restored, where, and how far that is.

    Until it is `committed` the old data counts; from then on the new, which is complete.
    """

    schema: Literal[1] = 1
    name: str
    runtime: str
    brokers: state.Brokers
    committed: bool = False

    def complete(self) -> Restoring:
        """The same, from the moment on at which the new data is complete."""
        return msgspec.structs.replace(self, committed=True)


def read(project: Project) -> Restoring | None:
    """The restore that was not brought to an end, or None."""
    return json_files.recall(project.state / FILE, Restoring)


def write(project: Project, begun: Restoring) -> None:
    """Write it down in one step."""
    state.replace_file(project.state / FILE, msgspec.json.encode(begun))


def forget(project: Project) -> None:
    """It has ended, one way or the other."""
    (project.state / FILE).unlink(missing_ok=True)
