"""The JVM class archive that makes second and later starts fast.

Nobody waits for it: the first start writes down which classes it loads (which costs nothing
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
from typing import Annotated, Literal, get_args

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.errors import MachineError
from kafka_tasks.project import json_files
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles

Role = Literal["zookeeper", "kafka"]
ROLES: tuple[Role, ...] = get_args(Role)
# A damaged order makes the builder touch nothing outside the order's own directory.
FileName = Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]{0,200}\Z")]
AbsolutePath = Annotated[str, msgspec.Meta(pattern=r"^/[^\0]*\Z")]
_DUMP_TIMEOUT_S = 180


class Order(msgspec.Struct, frozen=True):
    """What a builder needs: absolute paths, and the names of class lists beside it by role."""

    java: AbsolutePath
    class_path: AbsolutePath
    lists: dict[Role, FileName]


@dataclass(frozen=True, slots=True)
class Archives:
    """The archives of one Java build and one class path."""

    directory: Path
    java: Java
    class_path: tuple[Path, ...]

    def path(self, role: str) -> Path:
        """The archive of a role: zookeeper or kafka."""
        return self.directory / f"{role}.jsa"

    def is_built(self) -> bool:
        """Whether both archives are there, as they were when they were built.

        The JVM itself does not notice damaged content, so their checksums are compared, anew only
        when size or time differ.
        """
        expected = json_files.recall(self.directory / "built.json", dict[str, str])
        if expected is None:
            return False
        index = VerifiedFiles(self.directory / "verified.json")
        good = all(
            role in expected and index.holds(self.path(role), expected[role]) for role in ROLES
        )
        index.save()
        return good

    def flags(self, role: str, *, built: bool, class_list: Path | None) -> list[str]:
        """JVM flags for a start: use the archive, or note the classes for one."""
        if built:
            return [f"-XX:SharedArchiveFile={self.path(role)}"]
        return [f"-XX:DumpLoadedClassList={class_list}"] if class_list else []


def locate(cache: Path, java: Java, class_path: tuple[Path, ...], kafka: str) -> Archives:
    """Where the archives of this Java build and class path belong.

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
    return Archives(cache / "archives" / name, java, class_path)


def order(archives: Archives, lists: dict[Role, Path]) -> Path | None:
    """Copy the class lists beside the archive's place and write the builder's order.

    Returns the order's path, or None where the cache cannot be written or a list is missing.
    """
    try:
        archives.directory.mkdir(parents=True, exist_ok=True)
        copies: dict[Role, str] = {}
        for role, source in lists.items():
            copy = archives.directory / f"{role}.{os.getpid()}.classlist"
            copy.write_bytes(_whole_lines(source.read_bytes()))
            copies[role] = copy.name
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
    """The JVM is still writing the list: its last line may be half there."""
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
    """What a server's process gets to see: no setting, no secret, no stray Java option.

    The locale is UTF-8 so that paths of any script can be opened.
    """
    from kafka_tasks.settings import environment

    kept = ("PATH", "HOME", "TMPDIR", "TZ", "USER", "LD_LIBRARY_PATH")
    own = {name: value for name, value in environment().items() if name in kept}
    return {**own, "LC_ALL": "C.UTF-8"}


def build(path: Path) -> bool:
    """Carry out an order: dump both archives, then put them in place in one step each.

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
    drafts = {role: directory / f"{role}.jsa.draft" for role in wanted.lists}
    try:
        for role, draft in drafts.items():
            if not _dump(wanted, role, draft):
                return False
        index = VerifiedFiles(directory / "verified.json")
        (directory / "built.json").unlink(missing_ok=True)
        sums = {}
        for role, draft in drafts.items():
            final = directory / f"{role}.jsa"
            os.replace(draft, final)
            sums[role] = index.checksum(final)
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


def _dump(wanted: Order, role: Role, draft: Path) -> bool:
    done = processes.run(
        [
            wanted.java,
            "-Xshare:dump",
            "-Xlog:disable",
            "-Xlog:all=error",
            f"-XX:SharedClassListFile={draft.parent / wanted.lists[role]}",
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
    """Whether its Java is gone, as with an environment, or is another by now; or it is old."""
    import time

    with contextlib.suppress(FileNotFoundError):
        made_by = (other / "java").read_text(encoding="utf-8")
        return made_by == java or not Path(made_by).exists()
    return time.time() - other.stat().st_mtime > 30 * 86400


if __name__ == "__main__":
    sys.exit(0 if build(Path(sys.argv[1])) else 1)
