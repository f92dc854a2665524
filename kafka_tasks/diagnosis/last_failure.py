"""The last failed start, kept until one succeeds: its logs may be gone with its containers."""

from __future__ import annotations

import contextlib
import os
import time

import msgspec

from kafka_tasks.model.finding import Finding
from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import Project

FILE = "last-failure.json"


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A failed start: time (seconds since the epoch), command, message and findings."""

    at: json_files.Moment
    doing: str
    message: str
    findings: tuple[Finding, ...] = ()

    @property
    def when(self) -> str:
        """The time as text, in local time."""
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self.at))


def remember(project: Project, doing: str, message: str, findings: tuple[Finding, ...]) -> None:
    """Record a failed start, readable by its owner only; ignores a directory without access."""
    path = project.state / "run" / FILE
    draft = path.with_name(f"{FILE}.{os.getpid()}.new")
    note = Failure(at=time.time(), doing=doing, message=message, findings=findings)
    with contextlib.suppress(OSError):
        private.write(draft, msgspec.json.encode(note))
        os.replace(draft, path)


def recall(project: Project) -> Failure | None:
    """Return the last failure, or None if the last start succeeded."""
    return json_files.recall(project.state / "run" / FILE, Failure)


def forget(project: Project) -> None:
    """Delete the record, because a start succeeded."""
    with contextlib.suppress(OSError):
        (project.state / "run" / FILE).unlink(missing_ok=True)
