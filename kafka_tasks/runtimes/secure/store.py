"""The directory `.kafka-tasks/secure/`: kept over starts, renewed before anything in it expires.

An index has the checksum of each certificate and key and the dates, so that a start that changes
nothing does not load the library for certificates. What is issued together is written into a
directory of its own first: after a crash, there are the old files or the new ones, all of them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from msgspec import Struct

from kafka_tasks.clients.maven import sha256
from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.security import ADMIN, BROKER, CONTROLLER, PLACE, is_reserved
from kafka_tasks.project import json_files, private
from kafka_tasks.project.directory import Project, replace_file, unwritable

_INDEX, _PASSWORDS = "index.json", "passwords.json"
# What is not issued, and so not in the index.
LISTS = (_INDEX, _PASSWORDS)
# What is being written, and what is complete and only has to be moved.
_DRAFT, _COMPLETE = "issued.new", "issued"
_DAY_S = 86400.0
# What every secured cluster has.
_ISSUED = (
    *("ca.crt", "ca.key", "server.pem", "truststore.p12"),
    *(f"internal/{name}" for name in ("ca.crt", "ca.key", "tool.crt", "tool.key")),
    *(f"internal/{name}.pem" for name in (BROKER, CONTROLLER)),
)
_FILE = re.compile(r"(internal/|users/)?[A-Za-z0-9_~+=-][A-Za-z0-9._~+=-]{,79}", re.ASCII)
# Certificates with less than this left are issued again by the next start.
_RENEWED_BEFORE_S = 30 * _DAY_S


class Index(Struct, frozen=True, kw_only=True):
    """What was issued: checksums by path, host names, and when the first of it begins and ends."""

    files: dict[str, str]
    hosts: tuple[str, ...]
    begins: json_files.Moment
    ends: json_files.Moment
    authorities_end: json_files.Moment

    def covers(self, users: Iterable[str]) -> bool:
        """Return whether there are certificates for these users."""
        return all(f"users/{name}.crt" in self.files for name in users)

    def is_valid(self, now: float) -> bool:
        """Return whether all of it is valid for a while."""
        return self.begins <= now < self.ends - _RENEWED_BEFORE_S

    def keeps_authorities(self, now: float) -> bool:
        """Return whether the authorities are valid for a while."""
        return self.begins <= now < self.authorities_end - _RENEWED_BEFORE_S


class Passwords(Struct, frozen=True, kw_only=True):
    """The users' passwords by name, and that of the PKCS#12 files."""

    users: dict[str, str]
    stores: str


class SecureStore(Struct, frozen=True):
    """The directory of one project."""

    root: Path

    @classmethod
    def of(cls, project: Project) -> SecureStore:
        """Return that of a project, made or not."""
        return cls(project.state / PLACE)

    @property
    def copies(self) -> Path:
        """The directory of what servers in containers read."""
        return self.root / "containers"

    @property
    def was_issued(self) -> bool:
        """True where certificates or keys of a cluster are there."""
        return any((self.root / name).exists() for name in _ISSUED)

    def index(self) -> Index | None:
        """Return what was issued; None where nothing was.

        Finishes an interrupted `keep`. Raises `InvalidInput` where a file is missing or is another.
        """
        self._conclude()
        try:
            found = json_files.load(self.root / _INDEX, Index)
        except FileNotFoundError:
            if self.was_issued:
                raise self.foreign(_INDEX, "it is missing, and certificates are there") from None
            return None
        except (OSError, json_files.Unreadable) as error:
            raise self.foreign(_INDEX, f"it cannot be read: {error}") from error
        for name in {**dict.fromkeys(_ISSUED), **found.files}:
            self._require_same(name, found.files.get(name))
        return found

    def require_there(self, name: str) -> None:
        """Raise `InvalidInput` where a file is missing."""
        if not (self.root / name).is_file():
            raise self.foreign(name, "it is missing")

    def _require_same(self, name: str, expected: str | None) -> None:
        """Raise `InvalidInput` unless a file is the one of the index."""
        if expected is None or not _FILE.fullmatch(name):
            raise self.foreign(_INDEX, f"it {'lists' if expected else 'does not list'} {name!r}")
        self.require_there(name)
        path = self.root / name
        try:
            is_same = sha256(path) == expected
        except OSError as error:
            raise self.foreign(name, f"it cannot be read: {error}") from error
        if not is_same:
            raise self.foreign(name, "it is not the file that kafka-tasks wrote")

    def passwords(self) -> Passwords | None:
        """Return the passwords; None where there are none. Raises `InvalidInput`."""
        try:
            found = json_files.load(self.root / _PASSWORDS, Passwords)
        except FileNotFoundError:
            return None
        except (OSError, json_files.Unreadable) as error:
            raise self.foreign(_PASSWORDS, f"it cannot be read: {error}") from error
        if ADMIN not in found.users:
            raise self.foreign(_PASSWORDS, f"it has no user {ADMIN}")
        for name, word in found.users.items():
            if not (name and word and f"{name}{word}".isprintable()) or is_reserved(name):
                raise self.foreign(_PASSWORDS, f"{name!r} cannot be a user, or has no password")
        return found

    def keep_passwords(self, passwords: Passwords) -> None:
        """Write the passwords."""
        self._make()
        replace_file(self.root / _PASSWORDS, json_files.encode(passwords))

    def keep(self, files: Mapping[str, bytes], index: Index) -> None:
        """Write what was issued, all of it or nothing."""
        self._make()
        self._conclude()
        draft = self.root / _DRAFT
        shutil.rmtree(draft, ignore_errors=True)  # of a crash
        try:
            for name, content in {**files, _INDEX: json_files.encode(index)}.items():
                path = draft / name
                for folder in (draft, path.parent):
                    folder.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
                private.write(path, content)
            draft.rename(self.root / _COMPLETE)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            raise unwritable(self.root, error) from error
        self._conclude()

    def _conclude(self) -> None:
        """Move what is complete into its place, the index last.

        A reader may do so while the writer does: whoever comes second finds nothing to move.
        """
        complete = self.root / _COMPLETE
        if not complete.is_dir():
            return
        found = (path.relative_to(complete) for path in complete.rglob("*") if path.is_file())
        try:
            for name in sorted(found, key=lambda name: (name.name == _INDEX, name)):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(complete / name, self.root / name)
            shutil.rmtree(complete, ignore_errors=True)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def secrets(self) -> frozenset[str]:
        """Return every password; none where they are not readable."""
        found = json_files.recall(self.root / _PASSWORDS, Passwords)
        return frozenset((*found.users.values(), found.stores)) if found else frozenset()

    def _make(self) -> None:
        try:
            for folder in (self.root, self.root / "internal", self.root / "users"):
                folder.mkdir(mode=private.DIRECTORY_MODE, exist_ok=True)
                folder.chmod(private.DIRECTORY_MODE)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def forget(self) -> None:
        """Delete everything."""
        shutil.rmtree(self.root, ignore_errors=True)

    def readable_by_others(self) -> list[Path]:
        """Return the directory, and what is in it, where other users have a right to it.

        The copies for containers are readable, in a directory that only its owner may enter.
        """
        every = (self.root, *sorted(self.root.rglob("*"))) if self.root.is_dir() else ()
        kept = (path for path in every if self.copies not in path.parents)
        return [path for path in kept if path.stat().st_mode & private.UMASK]

    def foreign(self, name: str, why: str) -> InvalidInput:
        """Return the error for a file that is not this cluster's."""
        return InvalidInput(
            f"{self.root / name} does not belong to this cluster's certificates and users: {why}.",
            hint=f'invoke kafka.down; rm -rf "{self.root}"; invoke kafka.up makes new ones',
        )


def now() -> float:
    """Return the seconds since the epoch."""
    return time.time()


def checksum(content: bytes) -> str:
    """Return the checksum of a file with this content."""
    return hashlib.sha256(content).hexdigest()
