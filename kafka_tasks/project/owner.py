"""The process that clusters of a test run belong to: recorded before they start."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import replace_file

_FILE = "owner.json"


class Owner(msgspec.Struct, frozen=True):
    """A process, told from a later one with the same pid, and the directory that it owns.

    `started_s` is seconds from the boot of the machine, and `boot` tells one boot from another.
    """

    pid: int
    started_s: float
    boot: str
    directory: str


def read(directory: Path) -> Owner | None:
    """Return the owner of a directory, or None."""
    return json_files.recall(directory / _FILE, Owner)


def write(directory: Path, owner: Owner) -> None:
    """Record the owner of a directory, in one step."""
    replace_file(directory / _FILE, msgspec.json.encode(owner))


def forget(directory: Path) -> None:
    """Remove the record of a directory's owner."""
    (directory / _FILE).unlink(missing_ok=True)


def remember(owner: Owner) -> None:
    """Note the owner in the register; a home that cannot be written costs the note alone."""
    with contextlib.suppress(OSError):
        folder = _folder()
        folder.mkdir(mode=private.DIRECTORY_MODE, parents=True, exist_ok=True)
        private.write(folder / _note(owner.directory), msgspec.json.encode(owner))


def remembered() -> Iterator[Owner]:
    """Yield every owner in the register."""
    notes: list[Path] = []
    with contextlib.suppress(OSError):
        notes = sorted(_folder().iterdir())
    for note in notes:
        if (owner := json_files.recall(note, Owner)) is not None:
            yield owner


def drop(directory: Path) -> None:
    """Remove the note of a directory that is gone."""
    with contextlib.suppress(OSError):
        (_folder() / _note(str(directory))).unlink(missing_ok=True)


def kept_directory(root: Path) -> Path:
    """Return the directory of the clusters that stay between the test runs of one project."""
    from platformdirs import user_state_path

    return user_state_path("kafka-tasks") / "pytest" / _note(str(root))


def _folder() -> Path:
    from platformdirs import user_state_path

    return user_state_path("kafka-tasks") / "owners"


def _note(directory: str) -> str:
    return hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
