"""The file of a snapshot: a gzip with the manifest, then a gzip with the data; together one tar.

`tar xzf` unpacks it. Reading the manifest and checking the rest need no unpacking.
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
from kafka_tasks.snapshots import metadata_version
from kafka_tasks.snapshots.manifest import Damaged, Entry, Manifest, decode

SUFFIX = ".tar.gz"
MANIFEST = "manifest.json"
_META = "meta.properties"
# In bytes: the manifest of 100,000 files has 14 MB.
_MAX_MANIFEST = 64 * 1024 * 1024
_MAX_NAME = 1024
# Seconds since the epoch: a tar header holds eleven octal digits.
_MAX_TIME = 8**11 - 1
_CHUNK = 1024 * 1024
_BLOCK = tarfile.BLOCKSIZE
# The fastest level: producers compress their records already, and most of the rest is zeros.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot's file with its manifest; its data begins at byte `body_at`."""

    path: Path
    manifest: Manifest
    body_at: int

    @property
    def bytes(self) -> int:
        """The size of the file."""
        return self.body_at + self.manifest.body_bytes

    def seen(self) -> SnapshotSeen:
        """Return the snapshot as `snapshot.list` shows it."""
        manifest = self.manifest
        return SnapshotSeen(
            # A renamed file has its new name.
            name=self.path.name.removesuffix(SUFFIX),
            path=self.path,
            bytes=self.bytes,
            taken_at=manifest.taken_at,
            version=manifest.version,
            kafka_version=manifest.kafka_version,
            runtime=manifest.runtime,
            mode=manifest.mode,
            metadata_version=manifest.metadata_version,
            security=manifest.security,
            brokers=manifest.brokers,
            cluster_id=manifest.cluster_id,
            files=len(manifest.files),
            data_bytes=manifest.data_bytes,
        )


# -- writing -----------------------------------------------------------------------------------


def write(
    path: Path,
    files: Iterable[DataFile],
    describe: Callable[[dict[str, bytes]], dict[str, Any]],
    progress: Callable[[int], None] = lambda _: None,
) -> Snapshot:
    """Write a snapshot atomically: readers see the whole file or none.

    `describe` gets every broker's meta.properties by service and returns the manifest's fields
    except the files and what they tell. `progress` gets the number of bytes read so far, file by
    file.
    """
    body, draft = _drafts(path)
    try:
        with open(body, "wb", opener=private.opener) as out:
            entries, metas, features = _write_body(out, files, progress)
        manifest = Manifest(
            **{"metadata_version": features.found, **describe(metas)},
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


def _drafts(path: Path) -> tuple[Path, Path]:
    """Return the temporary paths of a snapshot being written: its data, then the whole file."""
    return path.with_name(f".{path.name}.body"), path.with_name(f".{path.name}.draft")


@dataclass(slots=True)
class _HashedFile:
    """A file's content as it is read: counted, hashed, and kept if it is a meta.properties.

    `features` reads along.
    """

    file: DataFile
    features: metadata_version.Scan
    digest: Any = field(default_factory=hashlib.sha256)
    kept: list[bytes] = field(default_factory=list)

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        scans = self.features.begin(self.file.below)
        for chunk in self.file.chunks:
            seen += len(chunk)
            self.digest.update(chunk)
            if scans:
                self.features.feed(chunk)
            if self.file.below == _META:
                self.kept.append(chunk)
            yield chunk
        if seen != self.file.size:
            raise MachineError(
                f"{self.file.name} changed while it was read: another process writes to it.",
                hint="invoke kafka.status",
            )


def _write_body(
    out: IO[bytes], files: Iterable[DataFile], progress: Callable[[int], None]
) -> tuple[list[Entry], dict[str, bytes], metadata_version.Scan]:
    entries: list[Entry] = []
    metas: dict[str, bytes] = {}
    features = metadata_version.Scan()
    read = 0
    with gzip.GzipFile("", "wb", _LEVEL, out, mtime=0) as packed:
        for file in files:
            hashed = _HashedFile(file, features)
            for block in as_tar(_info(file.name, file.size, file.modified_s), hashed):
                packed.write(block)
            if hashed.kept:
                metas[file.place] = b"".join(hashed.kept)
            entries.append(Entry(file.name, file.size, hashed.digest.hexdigest()))
            read += file.size
            progress(read)
        packed.write(tar_end())
    return entries, metas, features


def _info(name: str, size: int, modified_s: float) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime = size, max(0, int(modified_s))
    info.mode = private.MODE
    return info


def _packed_manifest(manifest: Manifest) -> bytes:
    content = msgspec.json.encode(manifest)
    info = _info(MANIFEST, len(content), manifest.taken_at)
    return gzip.compress(b"".join(as_tar(info, [content])), mtime=0)


def _digest(path: Path, begin: int) -> str:
    """Return the sha256 of a file from a byte offset to its end."""
    with open(path, "rb") as file:
        file.seek(begin)
        return hashlib.file_digest(file, "sha256").hexdigest()


# -- reading -----------------------------------------------------------------------------------


def read(path: Path) -> Snapshot:
    """Return the snapshot in a file; raises `Damaged` if it is incomplete or changed.

    Unpacks only the manifest, and stops at its maximal size.
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
        raise Damaged(f"it has {length:,} bytes instead of {found.bytes:,}")
    if _digest(path, body_at) != manifest.body_sha256:
        raise Damaged("its content changed: the checksum differs")
    return found


def _first_gzip(file: IO[bytes]) -> tuple[bytes, int]:
    """Return the first gzip member unpacked, and its number of bytes in the file."""
    inflate = zlib.decompressobj(wbits=31)
    parts: list[bytes] = []
    got = consumed = 0
    while not inflate.eof:
        chunk = file.read(64 * 1024)
        if not chunk:
            raise Damaged("it ends within its manifest" if consumed else "it is empty")
        consumed += len(chunk)
        try:
            parts.append(inflate.decompress(chunk, _MAX_MANIFEST + 1 - got))
        except zlib.error as error:
            raise Damaged("it is not a snapshot, or its beginning is damaged") from error
        got += len(parts[-1])
        if got > _MAX_MANIFEST:
            raise Damaged(f"its manifest has more than {_MAX_MANIFEST:,} bytes")
    return b"".join(parts), consumed - len(inflate.unused_data)


def files(snapshot: Snapshot) -> Iterator[DataFile]:
    """Yield every file of a snapshot; reading its content checks its checksum.

    Names come from the checked manifest. A member that is not a plain file, not the next one in the
    manifest, or longer than listed raises `Damaged`.
    """
    with open(snapshot.path, "rb") as file:
        file.seek(snapshot.body_at)
        with gzip.GzipFile(fileobj=file) as unpacked:
            for entry in snapshot.manifest.files:
                info = _header(_bounded(unpacked))
                if info is None or (info.name, info.size) != (entry.name, entry.size):
                    raise Damaged(f"{entry.name} is not at its place in it")
                modified = min(max(0, int(info.mtime)), _MAX_TIME)
                yield DataFile(
                    entry.name, entry.size, modified, _checked(_bounded(unpacked), entry)
                )
            if _header(_bounded(unpacked)) is not None:
                raise Damaged("it contains more than its manifest lists")


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
        raise Damaged(f"{entry.name} changed: its checksum differs")


def _header(read: Callable[[int], bytes]) -> tarfile.TarInfo | None:
    """Return the next member's header, or None at the end; raises `Damaged` unless a plain file."""
    name: str | None = None
    while True:
        block = read(_BLOCK)
        if len(block) == _BLOCK and not any(block):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError) as error:
            raise Damaged(f"a part of it is not a tar file ({error})") from error
        if info.type != tarfile.GNUTYPE_LONGNAME:
            break
        if name is not None or not 0 < info.size <= _MAX_NAME:
            raise Damaged("it contains a name that is too long")
        whole = read(info.size + (-info.size % _BLOCK))
        name = whole[: info.size].rstrip(b"\0").decode("utf-8", "replace")
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or info.size < 0:
        raise Damaged(f"it contains {(name or info.name)[:120]!r}, which is not a plain file")
    info.name = name or info.name
    return info
