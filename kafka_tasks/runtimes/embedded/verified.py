"""Files whose checksum was verified once, and is again when their size or time has changed."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from kafka_tasks.clients.maven import sha256
from kafka_tasks.project import json_files


class _Seen(msgspec.Struct, frozen=True):
    """A file as it was when its checksum was computed."""

    sha256: str
    size: int
    mtime_ns: int


class VerifiedFiles:
    """An index beside the files; where it cannot be written, the files are hashed each time."""

    def __init__(self, index: Path) -> None:
        self._index = index
        self._seen = self._read()
        self._changed = False

    def _read(self) -> dict[str, _Seen]:
        return json_files.recall(self._index, dict[str, _Seen]) or {}

    def holds(self, path: Path, expected_sha256: str) -> bool:
        """Return whether the file is there with this checksum."""
        return self.checksum(path) == expected_sha256

    def checksum(self, path: Path) -> str | None:
        """Return the file's sha256, computed again only if size or time differ."""
        try:
            now = path.stat()
        except OSError:
            return None
        key = str(path.relative_to(self._index.parent))
        seen = self._seen.get(key)
        if seen and (seen.size, seen.mtime_ns) == (now.st_size, now.st_mtime_ns):
            return seen.sha256
        found = sha256(path)
        self._seen[key] = _Seen(found, now.st_size, now.st_mtime_ns)
        self._changed = True
        return found

    def save(self) -> None:
        """Write the index if it changed."""
        if not self._changed:
            return
        draft = self._index.with_name(f".{self._index.name}.{os.getpid()}")
        with contextlib.suppress(OSError):
            draft.write_bytes(msgspec.json.encode(self._seen))
            os.replace(draft, self._index)
        self._changed = False
