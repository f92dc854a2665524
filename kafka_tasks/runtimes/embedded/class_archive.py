"""The JVM class archive that makes second and later starts fast.

No command waits for it: the first start writes down which classes it loads (which costs nothing
measurable), and a process of its own, at the lowest priority, turns the list into an archive
afterwards. `-Xshare:dump` needs neither jcmd nor a base archive, so the bundled Java does it as
well as the system's.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError
from kafka_tasks.project import json_files
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

# A damaged order makes the builder touch nothing outside the order's own directory.
_FileName = Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]{0,200}\Z")]
_ArchiveName = Annotated[str, msgspec.Meta(pattern=rf"^({'|'.join(roles.ARCHIVES)})\Z")]
_AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^/[^\0]*\Z")]
_DUMP_TIMEOUT_S = 180


class Order(msgspec.Struct, frozen=True):
    """What a builder needs: absolute paths, and the class lists beside it by archive."""

    java: _AbsolutePath
    class_path: _AbsolutePath
    lists: dict[_ArchiveName, _FileName]


@dataclass(frozen=True, slots=True)
class Archives:
    """The archives of one Java build and one class path; `names` are those that are needed."""

    directory: Path
    java: Java
    class_path: tuple[Path, ...]
    names: tuple[str, ...]

    def path(self, name: str) -> Path:
        """Return the file of an archive."""
        return self.directory / f"{name}.jsa"

    def is_built(self) -> bool:
        """Return whether every archive is there, as it was when it was built.

        The JVM itself does not notice damaged content, so their checksums are compared, and
        computed again only when size or time differ.
        """
        expected = json_files.recall(self.directory / "built.json", dict[str, str])
        if expected is None:
            return False
        index = VerifiedFiles(self.directory / "verified.json")
        good = all(
            name in expected and index.holds(self.path(name), expected[name]) for name in self.names
        )
        index.save()
        return good

    def flags(self, name: str) -> list[str]:
        """Return the JVM flags of a start that uses an archive."""
        return [f"-XX:SharedArchiveFile={self.path(name)}"]


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


def order(archives: Archives, lists: dict[str, Path]) -> Path | None:
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
            [sys.executable, "-m", "kafka_tasks.runtimes.embedded.class_archive", str(path)],
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


def build(path: Path) -> bool:
    """Carry out an order: dump every archive, then put each in place in one step.

    Returns False where another builder is at work or the JVM could not write them. Safe to be
    killed at any moment: what is not yet in place is never used.
    """
    from filelock import FileLock, Timeout

    wanted, directory = json_files.recall(path, Order), path.parent
    if wanted is None:
        path.unlink(missing_ok=True)
        return False
    lists = [directory / name for name in wanted.lists.values()]
    try:
        with FileLock(directory / "lock", timeout=0):
            return _dump_all(wanted, directory)
    except Timeout:
        return False
    finally:
        for leftover in (path, *lists):
            leftover.unlink(missing_ok=True)


def _dump_all(wanted: Order, directory: Path) -> bool:
    drafts = {name: directory / f"{name}.jsa.draft" for name in wanted.lists}
    try:
        for name, draft in drafts.items():
            if not _dump(wanted, name, draft):
                return False
        index = VerifiedFiles(directory / "verified.json")
        (directory / "built.json").unlink(missing_ok=True)
        sums = {}
        for name, draft in drafts.items():
            final = directory / f"{name}.jsa"
            os.replace(draft, final)
            sums[name] = index.checksum(final)
        index.save()
        draft = directory / "built.json.draft"
        draft.write_bytes(msgspec.json.encode(sums))
        os.replace(draft, directory / "built.json")
        (directory / "java").write_text(wanted.java, encoding="utf-8")
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
    _drop_outdated(directory, wanted.java)
    return True


def _dump(wanted: Order, name: str, draft: Path) -> bool:
    done = processes.run(
        [
            wanted.java,
            "-Xshare:dump",
            "-Xlog:disable",
            "-Xlog:all=error",
            f"-XX:SharedClassListFile={draft.parent / wanted.lists[name]}",
            f"-XX:SharedArchiveFile={draft}",
            "-cp",
            wanted.class_path,
        ],
        timeout_s=_DUMP_TIMEOUT_S,
        cwd=draft.parent,
    )
    return done.code == 0 and draft.exists()


def _drop_outdated(directory: Path, java: str) -> None:
    """Remove the other archives of the same Kafka that no start would use any more."""
    prefix = directory.name.split("-java-")[0]
    for other in directory.parent.glob(f"{prefix}-java-*"):
        with contextlib.suppress(OSError):
            if other != directory and _is_outdated(other, java):
                shutil.rmtree(other)


def _is_outdated(other: Path, java: str) -> bool:
    """Return whether its Java is gone or has changed, or it is old."""
    import time

    with contextlib.suppress(FileNotFoundError):
        made_by = (other / "java").read_text(encoding="utf-8")
        return made_by == java or not Path(made_by).exists()
    return time.time() - other.stat().st_mtime > 30 * 86400


if __name__ == "__main__":
    sys.exit(0 if build(Path(sys.argv[1])) else 1)
