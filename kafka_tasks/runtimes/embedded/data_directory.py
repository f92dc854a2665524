"""The data directory of a stopped cluster, read, and replaced by two renames."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError
from kafka_tasks.model.cluster import ZOOKEEPER, broker_id, service_names
from kafka_tasks.model.data_files import ZOOKEEPER_LOG, DataFile, place_of, place_order
from kafka_tasks.project import private

_CHUNK = 1024 * 1024
_ZEROS = bytes(_CHUNK)


class EmbeddedData:
    """The files below `.kafka-tasks/data`; what is staged lies beside it."""

    def __init__(self, root: Path, brokers: int) -> None:
        # Somebody may have put it on another disk by a link: a rename has to stay on that disk.
        self._data = (root / "data").resolve()
        self._new = self._data.with_name(f"{self._data.name}.new")
        self._old = self._data.with_name(f"{self._data.name}.old")
        self._services = service_names(brokers)

    def exists(self) -> bool:
        """Whether any server has written anything."""
        return self._data.is_dir() and any(
            path.is_file() for path in self._data.rglob("*") if path.name != ".lock"
        )

    def broker_ids(self) -> dict[str, int]:
        """By the services' names."""
        return {name: broker_id(name) for name in self._services if name != ZOOKEEPER}

    def allocated(self) -> int:
        """Bytes on the disk; a preallocated log has more in it than it takes."""
        return sum(path.stat().st_blocks * 512 for _, _, path in self._found())

    def room(self) -> int:
        """Bytes that are free beside the data."""
        return processes.free_bytes(self._data.parent)

    def files(self) -> Iterator[DataFile]:
        """Every file of the servers that belong to the cluster."""
        found = sorted(self._found(), key=lambda entry: (place_order(entry[0]), entry[1]))
        for place, below, path in found:
            seen = path.stat()
            yield DataFile(f"{place}/{below}", seen.st_size, int(seen.st_mtime), _chunks(path))

    def _found(self) -> Iterator[tuple[str, str, Path]]:
        for service in self._services:
            folder = self._data / service
            for path in folder.rglob("*"):
                below = path.relative_to(folder).as_posix()
                if path.is_symlink() or not (path.is_file() or path.is_dir()):
                    raise MachineError(
                        f"{path} is not a plain file, and servers make no other.",
                        hint=f'ls -l "{path}"',
                    )
                place = place_of(service, below)
                if path.is_file() and place is not None:
                    yield place, below, path

    def stage(self, files: Iterable[DataFile]) -> None:
        """Write the files into a directory beside the data."""
        if os.path.ismount(self._data):
            raise MachineError(
                f"{self._data} is a mount of its own, which cannot be replaced in one step.",
                hint=f'mount the directory above it instead: "{self._data.parent}"',
            )
        self.discard()
        self._new.mkdir(mode=private.DIRECTORY_MODE)
        for file in files:
            service = ZOOKEEPER if file.place == ZOOKEEPER_LOG else file.place
            path = self._new / service / file.below
            for folder in reversed(path.relative_to(self._new).parents[:-1]):
                (self._new / folder).mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
            _write(path, file)
        # Without it a power cut after the swap could leave files without their content.
        os.sync()

    def swap(self) -> None:
        """Two renames; between them there is only the directory that taking a lock makes anew."""
        if self._new.is_dir():
            if self._old.exists() and any(self._data.iterdir()):
                shutil.rmtree(self._old)
            if self._old.exists():
                self._data.rmdir()
            else:
                self._data.rename(self._old)
            self._new.rename(self._data)
        if self._old.exists():
            shutil.rmtree(self._old)

    def discard(self) -> None:
        """Delete what is staged."""
        if self._new.is_dir():
            shutil.rmtree(self._new)


def _chunks(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(path: Path, file: DataFile) -> None:
    """Write one file, with holes where it has nothing but zeros, and the old time of change."""
    with open(path, "wb", opener=private.opener) as out:
        for chunk in file.chunks:
            if chunk == _ZEROS[: len(chunk)]:
                out.seek(len(chunk), os.SEEK_CUR)
            else:
                out.write(chunk)
        out.truncate(file.size)
    os.utime(path, (file.modified_s, file.modified_s))
