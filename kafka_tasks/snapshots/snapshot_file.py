"""The file of a snapshot: a gzip with the manifest, then a gzip with the data; together one tar.

`tar xzf` unpacks it. The manifest can be read, and the rest be checked, without unpacking.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec

from kafka_tasks.errors import MachineError
from kafka_tasks.model.data_files import DataFile, as_tar, tar_end
from kafka_tasks.model.results import SnapshotSeen
from kafka_tasks.project import private
from kafka_tasks.snapshots.manifest import Damaged, Entry, Manifest, decode

SUFFIX = ".tar.gz"
MANIFEST = "manifest.json"
META = "meta.properties"
# Bytes of a manifest: one of 100,000 files has 14 MB.
_MOST = 64 * 1024 * 1024
_LONGEST_NAME = 1024
# Seconds since the epoch that a header has room for in plain digits.
_LATEST = 8**11 - 1
_CHUNK = 1024 * 1024
_BLOCK = tarfile.BLOCKSIZE
# The fastest: what producers have compressed gets no smaller, and most of the rest is zeros.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's file, with what it says of itself and where its data begins."""

    path: Path
    manifest: Manifest
    body_at: int

    @property
    def bytes(self) -> int:
        """How large the file is."""
        return self.body_at + self.manifest.body_bytes

    def seen(self) -> SnapshotSeen:
        """As it is shown."""
        said = self.manifest
        return SnapshotSeen(
            # A file that was renamed goes by its new name.
            name=self.path.name.removesuffix(SUFFIX),
            path=self.path,
            bytes=self.bytes,
            taken_at=said.taken_at,
            version=said.version,
            kafka_version=said.kafka_version,
            runtime=said.runtime,
            brokers=said.brokers,
            cluster_id=said.cluster_id,
            files=len(said.files),
            data_bytes=said.data_bytes,
        )


# -- out ---------------------------------------------------------------------------------------


def write(
    path: Path,
    files: Iterable[DataFile],
    describe: Callable[[dict[str, bytes]], dict[str, Any]],
    tell: Callable[[int], None] = lambda _: None,
) -> Snapshot:
    """Write a snapshot in one step: whoever looks sees all of it or nothing.

    `describe` gets the content of every broker's meta.properties by service, and returns what the
    manifest says besides its files. `tell` is told how many bytes are read, file by file.
    """
    body, draft = drafts(path)
    try:
        with open(body, "wb", opener=private.opener) as out:
            entries, metas = _write_body(out, files, tell)
        manifest = Manifest(
            **describe(metas),
            body_bytes=body.stat().st_size,
            body_sha256=_digest(body, 0),
            files=tuple(entries),
        )
        head = _packed_manifest(manifest)
        with open(draft, "wb", opener=private.opener) as out, open(body, "rb") as rest:
            out.write(head)
            shutil.copyfileobj(rest, out, _CHUNK)
            out.flush()
            os.fsync(out.fileno())
        os.replace(draft, path)
    finally:
        for left in (body, draft):
            with contextlib.suppress(OSError):
                left.unlink()
    return Snapshot(path, manifest, len(head))


def drafts(path: Path) -> tuple[Path, Path]:
    """Where a snapshot is while it is being written: its data, then all of it."""
    return path.with_name(f".{path.name}.body"), path.with_name(f".{path.name}.draft")


@dataclass(slots=True)
class _Passing:
    """A file's content on its way: counted, hashed, and kept where it is one that is looked at."""

    file: DataFile
    digest: Any = field(default_factory=hashlib.sha256)
    kept: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self.file.chunks:
            seen += len(chunk)
            self.digest.update(chunk)
            if self.file.below == META:
                self.kept.append(chunk)
            yield chunk
        if seen != self.file.size:
            raise MachineError(
                f"{self.file.name} changed while it was read: somebody else writes there.",
                hint="invoke kafka.status",
            )


def _write_body(
    out: IO[bytes], files: Iterable[DataFile], tell: Callable[[int], None]
) -> tuple[list[Entry], dict[str, bytes]]:
    entries: list[Entry] = []
    metas: dict[str, bytes] = {}
    read = 0
    with gzip.GzipFile("", "wb", _LEVEL, out, mtime=0) as packed:
        for file in files:
            passing = _Passing(file)
            for block in as_tar(_info(file.name, file.size, file.modified_s), passing):
                packed.write(block)
            if passing.kept:
                metas[file.place] = b"".join(passing.kept)
            entries.append(Entry(file.name, file.size, passing.digest.hexdigest()))
            read += file.size
            tell(read)
        packed.write(tar_end())
    return entries, metas


def _info(name: str, size: int, modified_s: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, max(0, int(modified_s))
    return info


def _packed_manifest(manifest: Manifest) -> bytes:
    content = msgspec.json.encode(manifest)
    info = _info(MANIFEST, len(content), manifest.taken_at)
    return gzip.compress(b"".join(as_tar(info, [content])), mtime=0)


def _digest(path: Path, begin: int) -> str:
    """The sha256 of a file from some byte on."""
    with open(path, "rb") as file:
        file.seek(begin)
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- in ----------------------------------------------------------------------------------------


def read(path: Path) -> Snapshot:
    """The snapshot in a file, whole and unchanged; raises `Damaged` where it is not.

    Nothing is unpacked but the manifest, and of that no more than it may have.
    """
    with open(path, "rb") as file:
        head, body_at = _first_gzip(file)
        length = os.fstat(file.fileno()).st_size
    with io.BytesIO(head) as stream:
        info = _header(stream.read)
        if info is None or info.name != MANIFEST:
            raise Damaged("it does not begin with a manifest")
        manifest = decode(stream.read(info.size))
    found = Snapshot(path, manifest, body_at)
    if length != found.bytes:
        raise Damaged(f"it has {length:,} bytes and should have {found.bytes:,}")
    if _digest(path, body_at) != manifest.body_sha256:
        raise Damaged("its content is not what was written: the checksum differs")
    return found


def _first_gzip(file: IO[bytes]) -> tuple[bytes, int]:
    """The first compressed part, unpacked, and how many bytes it has in the file."""
    inflate = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    got = consumed = 0
    while not inflate.eof:
        chunk = file.read(64 * 1024)
        if not chunk:
            raise Damaged("it ends within its manifest" if consumed else "it is empty")
        consumed += len(chunk)
        try:
            parts.append(inflate.decompress(chunk, _MOST + 1 - got))
        except zlib.error as error:
            raise Damaged("it is not a snapshot, or its beginning is damaged") from error
        got += len(parts[-1])
        if got > _MOST:
            raise Damaged(f"its manifest has more than {_MOST:,} bytes")
    return b"".join(parts), consumed - len(inflate.unused_data)


def files(snapshot: Snapshot) -> Iterator[DataFile]:
    """Every file of a snapshot, each with its checksum checked once its content is read.

    Names come from the manifest, which was checked; a member that is anything but the plain file
    that the manifest has next, or that is longer than it says, raises `Damaged`.
    """
    with open(snapshot.path, "rb") as file:
        file.seek(snapshot.body_at)
        with gzip.GzipFile(fileobj=file) as unpacked:
            for entry in snapshot.manifest.files:
                info = _header(_bounded(unpacked))
                if info is None or (info.name, info.size) != (entry.name, entry.size):
                    raise Damaged(f"{entry.name} is not where it should be in it")
                modified = min(max(0, int(info.mtime)), _LATEST)
                yield DataFile(
                    entry.name, entry.size, modified, _checked(_bounded(unpacked), entry)
                )
            if _header(_bounded(unpacked)) is not None:
                raise Damaged("it has more in it than its manifest lists")


def _bounded(unpacked: gzip.GzipFile) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        try:
            return unpacked.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise Damaged(f"its data cannot be unpacked ({error})") from error

    return read


def _checked(read: Callable[[int], bytes], entry: Entry) -> Iterator[bytes]:
    digest = hashlib.sha256()
    left = entry.size
    while left:
        chunk = read(min(left, _CHUNK))
        if not chunk:
            raise Damaged(f"it ends within {entry.name}")
        left -= len(chunk)
        digest.update(chunk)
        yield chunk
    read(-entry.size % _BLOCK)
    if digest.hexdigest() != entry.sha256:
        raise Damaged(f"{entry.name} is not what was saved: its checksum differs")


def _header(read: Callable[[int], bytes]) -> tarfile.TarInfo | None:
    """The next member's header, or None at the end; raises `Damaged` for all but plain files."""
    name: str | None = None
    while True:
        block = read(_BLOCK)
        if len(block) == _BLOCK and not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise Damaged(f"it is not a tar file all through ({error})") from error
        if info.type != tarfile.GNUTYPE_LONGNAME:
            break
        if name is not None or not 0 < info.size <= _LONGEST_NAME:
            raise Damaged("it has a name that is too long")
        whole = read(info.size + (-info.size % _BLOCK))
        name = whole[: info.size].rstrip(b"\0").decode("utf-8", "replace")
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
        raise Damaged(f"it has {(name or info.name)[:120]!r} in it, which is not a plain file")
    info.name = name or info.name
    return info
