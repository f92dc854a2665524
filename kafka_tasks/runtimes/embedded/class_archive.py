"""The JVM class archive that makes second and later starts fast.

No command waits for it: a process of its own, at the lowest priority, makes it after the first
start. Up to Java 24 that start writes down which classes it loads (which costs nothing measurable),
and `-Xshare:dump` turns the list into an archive; it needs neither jcmd nor a base archive. From
Java 25 on the archive is an AOT cache (JEP 514), which a JVM writes at an orderly exit only, so
that a throwaway cluster is trained for it (training.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError
from kafka_tasks.project import json_files
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

# A damaged order makes the builder touch nothing outside the order's own directory.
_FileName = Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]{0,200}\Z")]
# The checksums of the archives in a directory, by name.
BUILT = "built.json"
_ArchiveName = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(roles.ARCHIVES)})\Z")]
_AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^/[^\0]*\Z")]


class Order(msgspec.Struct, frozen=True):
    """What a builder needs: absolute paths, and the class lists beside it by archive.

    `training` has the settings of a cluster to train instead of the lists.
    """

    java: _AbsolutePath
    class_path: _AbsolutePath
    lists: dict[_ArchiveName, _FileName]
    training: dict[str, str] = {}


class Archives(Struct, frozen=True):
    """The archives of one Java build and one class path; `names` are those that are needed."""

    directory: Path
    java: Java
    class_path: tuple[Path, ...]
    names: tuple[str, ...]

    @property
    def are_trained(self) -> bool:
        """True where the archives are AOT caches, which take no list of classes."""
        return self.java.trains

    def path(self, name: str) -> Path:
        """Return the file of an archive."""
        return self.directory / f"{name}.{'aot' if self.are_trained else 'jsa'}"

    def built(self) -> frozenset[str]:
        """Return the names of those that are there, as they were when they were built.

        The JVM itself does not notice damaged content, so their checksums are compared, and
        computed again only when size or time differ.
        """
        return self._intact(self._recorded())

    def damaged(self) -> frozenset[str]:
        """Return the names of those that were built and have changed or gone since.

        One without a record was not needed yet: both modes of Kafka share the directory.
        """
        recorded = self._recorded()
        return frozenset(recorded) - self._intact(recorded)

    def _recorded(self) -> dict[str, str]:
        recorded = json_files.recall(self.directory / BUILT, dict[str, str]) or {}
        return {name: recorded[name] for name in self.names if name in recorded}

    def _intact(self, recorded: Mapping[str, str]) -> frozenset[str]:
        if not recorded:
            return frozenset()
        index = VerifiedFiles(self.directory / "verified.json")
        good = frozenset(n for n, total in recorded.items() if index.holds(self.path(n), total))
        index.save()
        return good

    def is_built(self) -> bool:
        """Return whether every archive is there, undamaged."""
        return self.built() == set(self.names)

    def flags(self, name: str) -> list[str]:
        """Return the JVM flags of a start that uses an archive.

        An older Java than 25 does not start with the flag of an AOT cache.
        """
        if self.are_trained:
            return [f"-XX:AOTCache={self.path(name)}"]
        return ["-Xshare:auto", f"-XX:SharedArchiveFile={self.path(name)}"]


def locate(
    cache: Path, java: Java, class_path: tuple[Path, ...], kafka: str, names: tuple[str, ...]
) -> Archives:
    """Return the place of the archives of this Java build and class path.

    The JVM accepts an archive only from the same build, with the same jars (path, size, time) in
    the same order: all of these are in the key.
    """
    digest = hashlib.sha256()
    for path in (java.home / "release", java.home / "lib" / "server" / "libjvm.so"):
        with contextlib.suppress(OSError):
            now = path.stat()
            digest.update(f"{path.resolve()}:{now.st_size}:{now.st_mtime_ns}\n".encode())
    digest.update(f"{java.version}\n".encode())
    for jar in class_path:
        now = jar.stat()
        digest.update(f"{jar}:{now.st_size}:{now.st_mtime_ns}\n".encode())
    name = f"kafka-{kafka}-java-{java.version}-{digest.hexdigest()[:16]}"
    return Archives(cache / "archives" / name, java, class_path, names)


def order(
    archives: Archives, lists: Mapping[str, Path], training: Mapping[str, str] | None = None
) -> Path | None:
    """Copy the class lists beside the archive's place and write the builder's order.

    Returns the order's path, or None where the cache cannot be written or a list is missing.
    """
    try:
        archives.directory.mkdir(parents=True, exist_ok=True)
        copies: dict[str, str] = {}
        for name, source in lists.items():
            copy = archives.directory / f"{name}.{os.getpid()}.classlist"
            copy.write_bytes(_whole_lines(source.read_bytes()))
            copies[name] = copy.name
        path = archives.directory / f"order.{os.getpid()}.json"
        content = Order(
            java=str(archives.java.executable),
            class_path=os.pathsep.join(map(str, archives.class_path)),
            lists=copies,
            training=dict(training or {}),
        )
        path.write_bytes(msgspec.json.encode(content))
    except OSError:
        return None
    return path


def _whole_lines(content: bytes) -> bytes:
    """Return the content without a last half line: the JVM is still writing."""
    return content[: content.rfind(b"\n") + 1]


def build_in_background(path: Path) -> processes.Identity | None:
    """Start the builder as a detached process of the lowest priority."""
    try:
        return processes.spawn_detached(
            [sys.executable, "-m", "kafka_tasks.runtimes.embedded.build_archives", str(path)],
            cwd=path.parent,
            environ={**java_environment(), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            output=path.with_suffix(".log"),
            nice=19,
        )
    except (MachineError, OSError):
        return None


def java_environment() -> dict[str, str]:
    """Return what a server's process sees: no setting, no secret, no stray Java option.

    The locale is UTF-8 so that paths of any script can be opened.
    """
    from kafka_tasks.settings import environment

    kept = ("PATH", "HOME", "TMPDIR", "TZ", "USER", "LD_LIBRARY_PATH")
    own = {name: value for name, value in environment().items() if name in kept}
    return {**own, "LC_ALL": "C.UTF-8"}
