"""The JVM class archive: made beside the first start, used by the next, replaced when unfit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

ROLES = ("zookeeper", "kafka")
# Longer than a training takes at the lowest priority on a busy machine.
_BUILT_S = 400
pytestmark = pytest.mark.timeout(600)


def file_of(directory: Path, role: str) -> Path:
    """The archive of a role: an AOT cache from Java 25 on."""
    (found,) = (path for path in directory.glob(f"{role}.*") if path.suffix in (".jsa", ".aot"))
    return found


@pytest.fixture(scope="module")
def cold(linked_cache: Callable[[], Path], new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project whose cache has jars and no archive."""
    sandbox = new_project("archives")
    sandbox.environ["KAFKA_TASKS_CACHE"] = str(linked_cache())
    return sandbox


def archives(sandbox: Sandbox) -> Path:
    """The one directory with archives."""
    (found,) = (cache_of(sandbox) / "archives").iterdir()
    return found


def cache_of(sandbox: Sandbox) -> Path:
    """Its own cache."""
    return Path(sandbox.environ["KAFKA_TASKS_CACHE"])


def sums(directory: Path) -> dict[str, str]:
    """The checksums of the archives as they are."""
    from kafka_tasks.clients.maven import sha256

    return {role: sha256(file_of(directory, role)) for role in ROLES}


def is_whole(directory: Path) -> bool:
    """Whether the archives are those that were noted when they were made."""
    try:
        return bool(json.loads((directory / "built.json").read_bytes()) == sums(directory))
    except (OSError, ValueError):
        return False


def uses_archives(sandbox: Sandbox) -> bool:
    """Whether both servers have their archive mapped into memory."""
    mapped = []
    for service, pid in sandbox.pids().items():
        paths = [region.path for region in psutil.Process(pid).memory_maps()]
        names = {Path(path).name for path in paths}
        mapped.append(bool(names & {f"{service}.jsa", f"{service}.aot"}))
    return all(mapped)


class Settled:
    """Says whether the archives are whole; 70 MB are hashed only when there is a new note."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.seen: float | None = None
        self.whole = False

    def __call__(self) -> bool:
        """Whether they are, as far as is known since the note was last written."""
        try:
            written = (self.directory / "built.json").stat().st_mtime
        except OSError:
            return False
        if written != self.seen:
            self.whole, self.seen = is_whole(self.directory), written
        return self.whole


def replaced(sandbox: Sandbox, until: Callable[..., object]) -> None:
    """Start over unfit archives, wait until good ones are there, and start with those."""
    sandbox.up()
    assert not uses_archives(sandbox)
    until(Settled(archives(sandbox)), "new archives", _BUILT_S)
    assert sandbox.run("restart").code == 0
    assert uses_archives(sandbox)
    assert sandbox.run("down").code == 0


def test_archives_that_are_there_are_used(running: Sandbox) -> None:
    """Both servers of a cluster on a warm cache have theirs mapped."""
    assert uses_archives(running)


@pytest.mark.release
def test_first_start_makes_the_archive_for_the_second(
    cold: Sandbox, until: Callable[..., object]
) -> None:
    """A first start does without, a process of its own makes the archives, the next uses them."""
    replaced(cold, until)
    left = {path.name for path in archives(cold).iterdir() if path.suffix != ".log"}
    made = {file_of(archives(cold), role).name for role in ROLES}
    assert left - {"lock"} == {*made, "built.json", "verified.json", "java"}


@pytest.mark.release
def test_damaged_and_foreign_archives_are_replaced(
    cold: Sandbox, until: Callable[..., object]
) -> None:
    """A truncated archive and one of other classes are not used, and replaced."""
    directory = archives(cold)
    kafka = file_of(directory, "kafka")
    whole = kafka.read_bytes()
    kafka.write_bytes(whole[: len(whole) // 2])
    file_of(directory, "zookeeper").write_bytes(whole)
    replaced(cold, until)


def spoil(directory: Path, damage: str) -> None:
    """Make the archives of this directory unusable in one of several ways."""
    archive, note = file_of(directory, "kafka"), directory / "built.json"
    if damage == "missing":
        archive.unlink()
    elif damage == "a changed byte":
        content = bytearray(archive.read_bytes())
        content[len(content) // 2] ^= 0xFF
        archive.write_bytes(content)
    elif damage == "a garbage note":
        note.write_bytes(b"\xff")
    else:
        archive.write_bytes(b"garbage" * 1000)
        note.write_text(json.dumps(sums(directory)))


@pytest.mark.release
@pytest.mark.parametrize(
    "damage", ["missing", "a changed byte", "a garbage note", "garbage with the right checksum"]
)
def test_archive_that_cannot_be_used_is_no_error(
    cold: Sandbox, damage: str, no_builders: Callable[[Path], None]
) -> None:
    """Whatever became of an archive, it is not used and the start succeeds."""
    directory = archives(cold)
    paths = [*(file_of(directory, role) for role in ROLES), directory / "built.json"]
    kept = {path: path.read_bytes() for path in paths}
    spoil(directory, damage)
    cold.up()
    assert not uses_archives(cold)
    assert cold.run("down").code == 0
    no_builders(directory.parent.parent)
    for path, content in kept.items():
        path.write_bytes(content)


@pytest.mark.release
def test_archive_of_another_java_is_its_own(
    cold: Sandbox, other_java: Path, until: Callable[..., object]
) -> None:
    """Another Java has archives of its own: `pull` makes them, and its first start uses them."""
    bundled = archives(cold)
    until(Settled(bundled), "archives of the bundled Java", _BUILT_S)
    before = sums(bundled)
    env = {"KAFKA_TASKS_JAVA_HOME": str(other_java)}
    done = cold.run("pull", env=env, timeout=120)
    assert done.code == 0 and "Java class archive" in done.out, done.err
    cold.up(env=env)
    assert uses_archives(cold)
    executables = {psutil.Process(pid).cmdline()[0] for pid in cold.pids().values()}
    assert executables == {str(other_java / "bin" / "java")}
    assert cold.run("topic").code == 0
    assert cold.run("down").code == 0
    assert len(list(bundled.parent.iterdir())) == 2
    assert sums(bundled) == before
