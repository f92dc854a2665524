"""The data directory of a stopped cluster, read, and replaced by two renames."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from kafka_tasks.clients import machine
from kafka_tasks.errors import MachineError
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Topology, owner_of, place_of, place_order
from kafka_tasks.project import private, state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.runtimes.embedded.observation import look
from kafka_tasks.runtimes.embedded.planning import planned_record
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings

_CHUNK = 1024 * 1024
_ZEROS = bytes(_CHUNK)


class EmbeddedData:
    """The files below `.kafka-tasks/data`; what is staged lies beside it."""

    def __init__(self, root: Path, topology: Topology) -> None:
        # A link may lead to another disk: a rename has to stay on that disk.
        self._data = (root / "data").resolve()
        self._new = self._data.with_name(f"{self._data.name}.new")
        self._old = self._data.with_name(f"{self._data.name}.old")
        self._topology = topology

    def exists(self) -> bool:
        """Return whether any server has written anything."""
        return self._data.is_dir() and any(
            path.is_file() for path in self._data.rglob("*") if path.name != ".lock"
        )

    def broker_ids(self) -> dict[str, int]:
        """Return the numbers of the brokers."""
        return {broker.name: broker.number for broker in self._topology.brokers}

    def allocated(self) -> int:
        """Return the bytes on the disk; a preallocated log has more in it than it takes."""
        return sum(path.stat().st_blocks * 512 for _, _, path in self._found())

    def room(self) -> int:
        """Return the bytes that are free beside the data."""
        return machine.free_bytes(self._data.parent)

    def files(self) -> Iterator[DataFile]:
        """Yield every file of the services that belong to the cluster."""
        found = sorted(self._found(), key=lambda entry: (place_order(entry[0]), entry[1]))
        for place, below, path in found:
            seen = path.stat()
            yield DataFile(f"{place}/{below}", seen.st_size, int(seen.st_mtime), _chunks(path))

    def _found(self) -> Iterator[tuple[str, str, Path]]:
        for service in self._topology:
            folder = self._data / service.name
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
            owner = owner_of(file.place)
            assert owner is not None
            path = self._new / owner.name / file.below
            for folder in reversed(path.relative_to(self._new).parents[:-1]):
                (self._new / folder).mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
            _write(path, file)
        # Without it a power cut after the swap could leave files without their content.
        os.sync()

    def swap(self) -> None:
        """Rename twice; between the two, only the directory that a lock makes again is there."""
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


class EmbeddedDataAccess(Struct, frozen=True):
    """The files below `.kafka-tasks/data` of one project."""

    project: Project
    recorder: Recorder

    def has_data(self, settings: Settings) -> bool:
        """Return whether servers of this project have left anything."""
        return EmbeddedData(self.project.state, settings.topology).exists()

    @contextmanager
    def data(self, settings: Settings) -> Iterator[EmbeddedData]:
        """Give the files below `.kafka-tasks/data`."""
        yield EmbeddedData(self.project.state, settings.topology)

    def expect(self, settings: Settings) -> None:
        """Record what a start with these settings would be; whether it should run is kept."""
        before = state.read_of(self.project, "embedded")
        kafka = jars.load_lock(settings.line.kafka).kafka
        notice = self.recorder.notice
        planned = planned_record(self.project, settings, kafka, look(before), notice)
        state.write_plan(self.project, planned, before)

    def wipe(self) -> None:
        """Delete the data, the configuration, the logs, the certificates and the record."""
        for name in ("data", "conf", "logs", "run"):
            shutil.rmtree(self.project.state / name, ignore_errors=True)
        SecureStore.of(self.project).forget()
        state.forget(self.project)


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
