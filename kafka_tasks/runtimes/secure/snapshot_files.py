"""The files of `.kafka-tasks/secure/` in a snapshot, and beside the directory until they count."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.security import PLACE
from kafka_tasks.project import private
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.secure.store import LISTS, SecureStore


def files(project: Project) -> list[DataFile]:
    """Return the certificates, keys and passwords of a secured cluster.

    Raises `InvalidInput` where one of them is missing or is another file.
    """
    store = SecureStore.of(project)
    index, passwords = store.index(), store.passwords()
    if index is None or passwords is None:
        raise InvalidInput(
            f"The cluster is secured, and {store.root} has no certificates or no passwords of it.",
            hint="invoke kafka.restart makes new ones, then run this command again",
        )
    return [_file(store.root, name) for name in sorted({*index.files, *LISTS})]


def _file(root: Path, name: str) -> DataFile:
    path = root / name
    content = path.read_bytes()
    return DataFile(f"{PLACE}/{name}", len(content), int(path.stat().st_mtime), (content,))


class StagedFiles:
    """The files that a restore brings, beside those that are there until they are swapped in."""

    def __init__(self, project: Project) -> None:
        self._there = SecureStore.of(project).root
        self._new = self._there.with_name(f"{self._there.name}.new")
        self._old = self._there.with_name(f"{self._there.name}.old")

    def apart_from(self, files: Iterator[DataFile]) -> Iterator[DataFile]:
        """Yield the files of servers, and stage those that are between them."""
        self.discard()
        for file in files:
            if file.place == PLACE:
                self._stage(file)
            else:
                yield file

    def _stage(self, file: DataFile) -> None:
        path = self._new / file.below
        for folder in (self._new, path.parent):
            folder.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
        private.write(path, b"".join(file.chunks))

    def swap(self) -> None:
        """Replace what is there with what is staged; do nothing where that is done."""
        if self._new.is_dir():
            if self._there.exists():
                shutil.rmtree(self._old, ignore_errors=True)
                self._there.rename(self._old)
            self._new.rename(self._there)
        shutil.rmtree(self._old, ignore_errors=True)

    def discard(self) -> None:
        """Delete what is staged."""
        shutil.rmtree(self._new, ignore_errors=True)
