"""Which projects on this machine ever had a cluster: a hint for `kafka.list`, never the truth."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.project import private
from kafka_tasks.project.directory import STATE_DIRECTORY, Project


def _folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("kafka-tasks") / "projects"


def remember(project: Project) -> None:
    """Note the project; a home that cannot be written costs the note and nothing else."""
    name = hashlib.sha256(os.fsencode(project.path)).hexdigest()[:16]
    with contextlib.suppress(OSError):
        folder = _folder()
        folder.mkdir(mode=private.DIRECTORY_MODE, parents=True, exist_ok=True)
        private.write(folder / name, os.fsencode(project.path))


def remembered() -> Iterator[Project]:
    """Every noted project that still has state; notes of those that have none are dropped."""
    with contextlib.suppress(OSError):
        for note in sorted(_folder().iterdir()):
            path = Path(os.fsdecode(note.read_bytes()))
            if (path / STATE_DIRECTORY).is_dir():
                yield Project(path)
            else:
                note.unlink(missing_ok=True)
