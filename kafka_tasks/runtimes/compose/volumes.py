"""The volumes of a stopped cluster, read and written through the containers of its services.

What is staged lies in the volumes themselves, so that swapping it in takes renames alone. As long
as it lies there, a broker refuses to start: no cluster can run on half of a restore.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import IO, TYPE_CHECKING

from kafka_tasks.clients.container import Container
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.data_files import DataFile, as_tar, tar_end
from kafka_tasks.model.topology import Service, Topology, place_of
from kafka_tasks.project import state
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.compose import command
from kafka_tasks.runtimes.compose.site import Site
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

STAGING = ".kafka-tasks-restore"
_NEW = f"{STAGING}/new"
_CHUNK = 1024 * 1024

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
    """The files in the volumes of these services' containers; none of them may be running."""

    engine: Engine
    topology: Topology
    containers: Mapping[str, Container]

    def broker_ids(self) -> dict[str, int]:
        """Return the ids that the Compose file sets."""
        found = {}
        for service in self.topology:
            environment = self.containers[service.name].environment
            names = roles.of(service.role).container.id_variables
            number = next((environment[name] for name in names if name in environment), "")
            if number.isdecimal():
                found[service.our_name] = int(number)
        return found

    def allocated(self) -> int | None:
        """Return the bytes on the engine's disk, which may be a virtual machine's."""
        found = self._measured()
        return sum(used for used, _ in found) if found else None

    def room(self) -> int | None:
        """Return the bytes that are free where the fullest of the volumes lies."""
        found = self._measured()
        return min(free for _, free in found) if found else None

    def _measured(self) -> list[tuple[int, int]]:
        """Return bytes used and free of each directory; nothing where one cannot be measured."""
        found: list[tuple[int, int]] = []
        for service in self.topology:
            container = self.containers[service.name]
            places = self._directories(service).values()
            name = f"{container.project}-{service.name}-measure"
            told = command.ask_beside(
                container.id, container.image, container.user, name, _MEASURE, *places
            )
            numbers = [int(line) for line in told or () if line.strip().isdecimal()]
            if len(numbers) != 2 * len(places):
                return []
            found += zip(numbers[::2], numbers[1::2], strict=True)
        return found

    def meta(self, broker: Service) -> str | None:
        """Return a broker's meta.properties; None where there is none, as before a first start."""
        (directory,) = self._directories(broker).values()
        container = self.containers[broker.name].id
        content = self.engine.read_file(container, f"{directory}/meta.properties")
        return None if content is None else content.decode("latin-1")

    def _directories(self, service: Service) -> dict[str, str]:
        """Return the directory in the service's container for each of its places."""
        image = roles.of(service.role).container
        environment = self.containers[service.name].environment
        moved = environment.get(image.directory_variable) if image.directory_variable else None
        if moved and "," in moved:
            raise InvalidInput(
                f"{service.name} has several log directories ({moved}); snapshots know one.",
                hint=f"set {image.directory_variable} to {image.data[0]} in the Compose file",
            )
        return dict(zip(service.places, (moved,) if moved else image.data, strict=True))

    def files(self) -> Iterator[DataFile]:
        """Yield every file, as the engine packs the directories."""
        for service in self.topology:
            for place, directory in self._directories(service).items():
                yield from self._files(service, place, directory)

    def _files(self, service: Service, place: str, directory: str) -> Iterator[DataFile]:
        container = self.containers[service.name].id
        chunks = self.engine.read_directory(container, directory)
        with tarfile.open(fileobj=_Chunks(chunks), mode="r|") as tar:
            for member in tar:
                below = member.name.partition("/")[2]
                if not below or member.isdir() or below.startswith(f"{STAGING}/"):
                    continue
                if not member.isreg():
                    raise MachineError(
                        f"{directory}/{below} of {service.name} is not a plain file, and servers "
                        "make no other.",
                        hint=f"docker cp {container[:12]}:{directory} .",
                    )
                if place_of(service, below) == place:
                    content = tar.extractfile(member)
                    assert content is not None
                    modified = int(member.mtime)
                    yield DataFile(f"{place}/{below}", member.size, modified, _pieces(content))

    def stage(self, files: Iterable[DataFile]) -> None:
        """Stream the files into a directory within each volume, owned like the volume."""
        self.discard()
        empty = set(self.topology.places)
        for place, group in groupby(files, key=lambda file: file.place):
            empty.remove(place)
            self._stage(place, group)
        # What the snapshot has nothing of must not keep what is there now.
        for place in sorted(empty):
            self._stage(place, ())

    def _stage(self, place: str, files: Iterable[DataFile]) -> None:
        service = next(each for each in self.topology if place in each.places)
        container = self.containers[service.name].id
        directory = self._directories(service)[place]
        owner = self._owner(container, directory)
        self.engine.write_directory(container, directory, _packed(files, owner))

    def _owner(self, container: str, directory: str) -> tuple[int, int]:
        """Return the user and the group that a directory belongs to."""
        chunks = self.engine.read_directory(container, directory)
        with tarfile.open(fileobj=_Chunks(chunks), mode="r|") as tar:
            first = tar.next()
        if first is None or not first.isdir():
            raise InvalidInput(
                f"{directory} is not a directory in its container.", hint="docker compose config"
            )
        return first.uid, first.gid

    def swap(self) -> None:
        """Rename within each volume, service by service."""
        self._run(_SWAP)

    def discard(self) -> None:
        """Delete what is staged, in every volume."""
        self._run(_DISCARD)

    def _run(self, script: str) -> None:
        for service in self.topology:
            found = self.containers[service.name]
            places = self._directories(service).values()
            name = f"{found.project}-{service.name}-restore"
            command.run_beside(found.id, found.image, found.user, name, script, *places)


@dataclass(frozen=True, slots=True)
class ComposeDataAccess:
    """The volumes of one project."""

    site: Site

    def has_data(self, settings: Settings) -> bool:
        """Return whether Compose has made volumes for this project."""
        planned = self.site.planned(settings, self.site.containers())
        return self.site.engine.has_volumes(planned.compose_project or "")

    @contextmanager
    def data(self, settings: Settings) -> Iterator[ComposeData]:
        """Give the volumes, through the services' containers; made where there are none."""
        topology = settings.topology
        there = self.site.containers()
        made: command.Project | None = None
        if not all(name in there for name in topology.names):
            project = self.site.prepared(settings, self.site.planned(settings, there), there)
            project.create(topology.names)
            made = project if not there else None
            there = self.site.containers()
        try:
            own = {name: there[name] for name in topology.names}
            yield ComposeData(self.site.engine, topology, own)
        finally:
            if made is not None:
                self.site.take_away(made, wipe=False)

    def expect(self, settings: Settings) -> None:
        """Record what a start with these settings would be; whether it should run is kept."""
        before = self.site.record()
        planned = self.site.planned(settings, self.site.containers())
        state.write_plan(self.site.project, planned, before)


class _Chunks(io.RawIOBase):
    """Chunks of bytes as a file that is read once."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        super().__init__()
        self._chunks = iter(chunks)
        self._rest = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Return so many bytes, fewer only at the end."""
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
    """Yield a tar file of the staged files and the directories that they need, of one owner."""
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
