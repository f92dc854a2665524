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
    """Yield every noted project that still has state; drop the notes of the others."""
    notes: list[Path] = []
    with contextlib.suppress(OSError):
        notes = sorted(_folder().iterdir())
    for note in notes:
        if (path := _noted(note)) is not None:
            yield Project(path)
        else:
            with contextlib.suppress(OSError):
                note.unlink(missing_ok=True)


def _noted(note: Path) -> Path | None:
    """Return the project of a note if it still has state."""
    with contextlib.suppress(OSError, ValueError):
        path = Path(os.fsdecode(note.read_bytes()))
        if path.is_absolute() and (path / STATE_DIRECTORY).is_dir():
            return path
    return None
