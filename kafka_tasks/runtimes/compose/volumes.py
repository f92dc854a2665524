"""The volumes of a stopped cluster, read and written through the containers of its services.

What is staged lies in the volumes themselves, so that swapping it in takes renames alone. As long
as it lies there, a broker refuses to start: no cluster can run on half of a restore.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import IO

from kafka_tasks.clients.docker import Container, Engine
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.cluster import ZOOKEEPER
from kafka_tasks.model.data_files import (
    ZOOKEEPER_LOG,
    DataFile,
    as_tar,
    place_of,
    place_order,
    tar_end,
)
from kafka_tasks.runtimes.compose import command

STAGING = ".kafka-tasks-restore"
_NEW = f"{STAGING}/new"
_CHUNK = 1024 * 1024
# The directories of Confluent's images.
_ZOOKEEPER = {
    ZOOKEEPER: "/var/lib/zookeeper/data",
    ZOOKEEPER_LOG: "/var/lib/zookeeper/log",
}
_KAFKA = "/var/lib/kafka/data"

# For each directory: the old entries go into `old`, then `new` becomes `moving`, then its entries
# come up. Each step can be repeated, and a directory without staging is done.
_SWAP = f"""
set -eu
shopt -s dotglob nullglob
for place in "$@"; do
  cd "$place"
  [ -d {STAGING} ] || continue
  if [ -d {STAGING}/new ]; then
    mkdir -p {STAGING}/old
    for entry in *; do
      case "$entry" in {STAGING}|lost+found) ;; *) mv -- "$entry" {STAGING}/old/ ;; esac
    done
    mv {STAGING}/new {STAGING}/moving
  fi
  if [ -d {STAGING}/moving ]; then
    for entry in {STAGING}/moving/*; do mv -- "$entry" .; done
    rmdir {STAGING}/moving
  fi
  rm -rf {STAGING}
done
"""
_DISCARD = f"""
set -eu
for place in "$@"; do rm -rf "$place"/{STAGING}; done
"""
# What directories below belong to others, a broker's user cannot read, and need not count.
_MEASURE = """
set -u
for place in "$@"; do
  du -s -B1 "$place" 2>/dev/null | cut -f1
  df -B1 --output=avail "$place" | tail -n1 | tr -d ' '
done
"""


@dataclass(frozen=True, slots=True)
class ComposeData:
    """The files in the volumes of these containers, by service; none of them may be running."""

    engine: Engine
    containers: Mapping[str, Container]

    def broker_ids(self) -> dict[str, int]:
        """Where the Compose file sets them."""
        return {
            name: int(number)
            for name, container in self.containers.items()
            if (number := container.environment.get("KAFKA_BROKER_ID", "")).isdecimal()
        }

    def allocated(self) -> int | None:
        """Bytes on the engine's disk, which may be that of another machine, real or virtual."""
        found = self._measured()
        return sum(used for used, _ in found) if found else None

    def room(self) -> int | None:
        """Bytes that are free where the fullest of the volumes lies."""
        found = self._measured()
        return min(free for _, free in found) if found else None

    def _measured(self) -> list[tuple[int, int]]:
        """Bytes used and free of each directory; none where not all of them can be had."""
        found: list[tuple[int, int]] = []
        for service, container in self.containers.items():
            places = self._places(service).values()
            name = f"{container.project}-{service}-measure"
            told = command.ask_beside(
                container.id, container.image, container.user, name, _MEASURE, *places
            )
            numbers = [int(line) for line in told or () if line.strip().isdecimal()]
            if len(numbers) != 2 * len(places):
                return []
            found += zip(numbers[::2], numbers[1::2], strict=True)
        return found

    def meta(self, service: str) -> str | None:
        """A broker's meta.properties; None where there is none, as before its first start."""
        (directory,) = self._places(service).values()
        content = self.engine.read_file(self.containers[service].id, f"{directory}/meta.properties")
        return None if content is None else content.decode("latin-1")

    def _places(self, service: str) -> dict[str, str]:
        """Place → the directory in the service's container."""
        if service == ZOOKEEPER:
            return _ZOOKEEPER
        directory = self.containers[service].environment.get("KAFKA_LOG_DIRS") or _KAFKA
        if "," in directory:
            raise InvalidInput(
                f"{service} has several log directories ({directory}); snapshots know one.",
                hint=f"set KAFKA_LOG_DIRS to {_KAFKA} in the Compose file",
            )
        return {service: directory}

    def files(self) -> Iterator[DataFile]:
        """Every file, as the engine packs the directories."""
        for service in self.containers:
            for place, directory in self._places(service).items():
                yield from self._files(service, place, directory)

    def _files(self, service: str, place: str, directory: str) -> Iterator[DataFile]:
        chunks = self.engine.read_directory(self.containers[service].id, directory)
        with tarfile.open(fileobj=_Chunks(chunks), mode="r|") as tar:
            for member in tar:
                below = member.name.partition("/")[2]
                if not below or member.isdir() or below.startswith(f"{STAGING}/"):
                    continue
                if not member.isreg():
                    raise MachineError(
                        f"{directory}/{below} of {service} is not a plain file, and servers make "
                        "no other.",
                        hint=f"docker cp {self.containers[service].id[:12]}:{directory} .",
                    )
                if place_of(service, below) == place:
                    content = tar.extractfile(member)
                    assert content is not None
                    modified = int(member.mtime)
                    yield DataFile(f"{place}/{below}", member.size, modified, _pieces(content))

    def stage(self, files: Iterable[DataFile]) -> None:
        """Stream the files into a directory within each volume, owned like the volume."""
        self.discard()
        empty = {place for service in self.containers for place in self._places(service)}
        for place, group in groupby(files, key=lambda file: file.place):
            empty.remove(place)
            self._stage(place, group)
        # What the snapshot has nothing of must not keep what is there now.
        for place in sorted(empty):
            self._stage(place, ())

    def _stage(self, place: str, files: Iterable[DataFile]) -> None:
        service = ZOOKEEPER if place == ZOOKEEPER_LOG else place
        container, directory = self.containers[service].id, self._places(service)[place]
        owner = self._owner(container, directory)
        self.engine.write_directory(container, directory, _packed(files, owner))

    def _owner(self, container: str, directory: str) -> tuple[int, int]:
        """The user and the group that a directory belongs to."""
        chunks = self.engine.read_directory(container, directory)
        with tarfile.open(fileobj=_Chunks(chunks), mode="r|") as tar:
            first = tar.next()
        if first is None or not first.isdir():
            raise InvalidInput(
                f"{directory} is not a directory in its container.", hint="docker compose config"
            )
        return first.uid, first.gid

    def swap(self) -> None:
        """Service by service, by renames within each volume."""
        self._run(_SWAP)

    def discard(self) -> None:
        """Delete what is staged, in every volume."""
        self._run(_DISCARD)

    def _run(self, script: str) -> None:
        for service in sorted(self.containers, key=place_order):
            found = self.containers[service]
            places = self._places(service).values()
            name = f"{found.project}-{service}-restore"
            command.run_beside(found.id, found.image, found.user, name, script, *places)


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        parts, got = [self._rest], len(self._rest)
        while got < size and (chunk := next(self._chunks, None)) is not None:
            parts.append(chunk)
            got += len(chunk)
        whole = b"".join(parts)
        self._rest = whole[size:]
        return whole[:size]


def _pieces(content: IO[bytes]) -> Iterator[bytes]:
    while chunk := content.read(_CHUNK):
        yield chunk


def _packed(files: Iterable[DataFile], owner: tuple[int, int]) -> Iterator[bytes]:
    """A tar file of the staged files, with the directories that they need, all of one owner."""
    made: set[str] = set()

    def folders(path: str) -> Iterator[bytes]:
        if path not in made:
            if "/" in path:
                yield from folders(path.rpartition("/")[0])
            made.add(path)
            yield from as_tar(_member(path, owner, tarfile.DIRTYPE, 0o755))

    yield from folders(_NEW)
    for file in files:
        name = f"{_NEW}/{file.below}"
        yield from folders(name.rpartition("/")[0])
        info = _member(name, owner, tarfile.REGTYPE, 0o644)
        info.size, info.mtime = file.size, file.modified_s
        yield from as_tar(info, file.chunks)
    yield tar_end()


def _member(name: str, owner: tuple[int, int], kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.uid, info.gid = owner
    info.type, info.mode = kind, mode
    return info
