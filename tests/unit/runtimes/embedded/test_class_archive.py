from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path

import msgspec
import pytest
from filelock import FileLock
from msgspec import structs

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Completed, Identity
from kafka_tasks.errors import MachineError
from kafka_tasks.model.role import Role
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.embedded import build_archives, class_archive
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.launch import Launcher
from kafka_tasks.settings import load

NAMES = ("zookeeper", "kafka")


@pytest.fixture
def java(tmp_path: Path) -> Java:
    """A Java with the files that tell one build from another."""
    home = tmp_path / "java"
    (home / "lib" / "server").mkdir(parents=True)
    (home / "release").write_text("17")
    (home / "lib" / "server" / "libjvm.so").write_bytes(b"jvm")
    return Java(home, "17.0.9", "test")


@pytest.fixture
def class_path(tmp_path: Path) -> tuple[Path, ...]:
    """Two jars."""
    found = (tmp_path / "a.jar", tmp_path / "b.jar")
    for jar in found:
        jar.write_bytes(jar.name.encode())
    return found


@pytest.fixture
def archives(tmp_path: Path, java: Java, class_path: tuple[Path, ...]) -> Archives:
    """Where this Java's archives belong."""
    return class_archive.locate(tmp_path / "cache", java, class_path, "3.9.1", NAMES)


@pytest.fixture
def dumps(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that dump; each writes the archive that it was asked for."""
    asked: list[list[str]] = []

    def run(arguments: list[str], *, timeout_s: float, cwd: Path) -> Completed:
        asked.append(arguments)
        (target,) = (a for a in arguments if a.startswith("-XX:SharedArchiveFile="))
        Path(target.partition("=")[2]).write_bytes(b"archive")
        return Completed(0, "")

    monkeypatch.setattr(processes, "run", run)
    return asked


def _order(archives: Archives, tmp_path: Path) -> Path:
    lists = {}
    for role in NAMES:
        lists[role] = tmp_path / f"{role}.classlist"
        lists[role].write_bytes(b"java/lang/Object\njava/lang/Str")
    path = class_archive.order(archives, lists)
    assert path is not None
    return path


def test_the_key_changes_with_java_and_jars(
    tmp_path: Path, java: Java, class_path: tuple[Path, ...], archives: Archives
) -> None:
    """Another Java build, jar time, jar size or order has archives of its own; else the same."""
    cache = tmp_path / "cache"
    release, library = java.home / "release", java.home / "lib" / "server" / "libjvm.so"

    def located(jars: tuple[Path, ...] = class_path, this: Java = java) -> Path:
        return class_archive.locate(cache, this, jars, "3.9.1", NAMES).directory

    assert located() == archives.directory
    seen = [archives.directory, located(class_path[::-1])]
    seen.append(located(this=Java(java.home, "17.0.10", "test")))
    os.utime(class_path[0], ns=(1, 1))
    seen.append(located())
    for path in (class_path[1], release, library):
        path.write_bytes(b"something longer than before")
        seen.append(located())
    assert len(set(seen)) == len(seen)
    assert all(path.parent == cache / "archives" for path in seen)


def test_an_order_is_carried_out(
    tmp_path: Path, archives: Archives, dumps: list[list[str]]
) -> None:
    """Both archives are dumped with this Java and class path, and are there afterwards."""
    assert not archives.is_built()
    assert build_archives.build(_order(archives, tmp_path))
    assert archives.is_built()
    assert [arguments[0] for arguments in dumps] == [str(archives.java.executable)] * 2
    assert dumps[0][-1] == os.pathsep.join(map(str, archives.class_path))
    left = {path.name for path in archives.directory.iterdir()} - {"lock"}
    assert left == {"built.json", "java", "kafka.jsa", "zookeeper.jsa", "verified.json"}


def test_archives_that_nobody_would_use_any_more_make_room(
    tmp_path: Path, archives: Archives, dumps: list[list[str]]
) -> None:
    """Those of a Java that is gone, of this one as it was before, and those of a month ago."""
    executable = archives.java.executable
    executable.parent.mkdir()
    executable.write_bytes(b"")
    other = tmp_path / "other-java"
    other.write_bytes(b"")
    javas = {"gone": str(tmp_path / "gone"), "before": str(executable), "other": str(other)}
    for name in (*javas, "unknown", "old"):
        place = archives.directory.with_name(f"kafka-3.9.1-java-17-{name}")
        place.mkdir(parents=True)
        if name in javas:
            (place / "java").write_text(javas[name])
    os.utime(archives.directory.with_name("kafka-3.9.1-java-17-old"), (1, 1))
    archives.directory.with_name("kafka-3.5.2-java-17-gone").mkdir()
    assert build_archives.build(_order(archives, tmp_path))
    left = {path.name.removeprefix("kafka-") for path in archives.directory.parent.iterdir()}
    assert left == {
        archives.directory.name.removeprefix("kafka-"),
        "3.9.1-java-17-other",
        "3.9.1-java-17-unknown",
        "3.5.2-java-17-gone",
    }


def test_only_whole_lines_of_a_class_list_are_used(tmp_path: Path, archives: Archives) -> None:
    """The JVM still writes the list: a line that is half there is left out."""
    wanted = msgspec.json.decode(_order(archives, tmp_path).read_bytes(), type=class_archive.Order)
    for copy in wanted.lists.values():
        assert (archives.directory / copy).read_bytes() == b"java/lang/Object\n"
    assert class_archive._whole_lines(b"half") == b""


@pytest.mark.parametrize("damage", ["content", "gone", "note", "foreign"])
def test_a_damaged_archive_is_not_used(
    tmp_path: Path, archives: Archives, dumps: list[list[str]], damage: str
) -> None:
    """Changed, missing or unrecorded archives are as good as none, and can be built anew."""
    build_archives.build(_order(archives, tmp_path))
    if damage == "content":
        archives.path("kafka").write_bytes(b"damaged")
    elif damage == "gone":
        archives.path("zookeeper").unlink()
    elif damage == "note":
        (archives.directory / "built.json").write_bytes(b"{")
    else:
        (archives.directory / "built.json").write_bytes(b'{"kafka": "x", "zookeeper": "y"}')
    assert not archives.is_built()
    wanted = {"content": {"kafka"}, "gone": {"zookeeper"}, "note": set(), "foreign": set(NAMES)}
    assert archives.damaged() == wanted[damage]
    assert build_archives.build(_order(archives, tmp_path))
    assert archives.is_built()
    assert not archives.damaged()


def test_an_archive_that_was_not_needed_yet_is_not_damaged(
    tmp_path: Path, archives: Archives, dumps: list[list[str]]
) -> None:
    """A cluster in another mode built its own archives in the directory."""
    build_archives.build(_order(archives, tmp_path))
    both = structs.replace(archives, names=("kafka", "controller"))
    assert both.built() == {"kafka"}
    assert not both.is_built()
    assert not both.damaged()


@pytest.mark.parametrize("code", [1, 0])
def test_a_dump_that_fails_leaves_nothing_in_place(
    tmp_path: Path, archives: Archives, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """A JVM that cannot dump, whatever it returns, means no archive and no leftovers."""
    monkeypatch.setattr(processes, "run", lambda *_, **__: Completed(code, ""))
    path = _order(archives, tmp_path)
    assert not build_archives.build(path)
    assert not archives.is_built()
    assert {entry.name for entry in archives.directory.iterdir()} <= {"lock", "verified.json"}


def test_a_second_builder_steps_back(
    tmp_path: Path, archives: Archives, dumps: list[list[str]]
) -> None:
    """While one builder is at work, another leaves at once and takes its order along."""
    path = _order(archives, tmp_path)
    with FileLock(archives.directory / "lock"):
        assert not build_archives.build(path)
    assert dumps == []
    assert not path.exists()


def _launched(project: Project, archives: Archives, *, built: Collection[str]) -> list[str]:
    """Return the flags about classes of three servers that start one after the other."""
    launcher = Launcher(
        project, load(project.path, environ={}), archives, frozenset(built), BrokerProperties()
    )
    names = (Role.ZOOKEEPER, Role.BROKER, Role.BROKER)
    flags = [flag for role in names for flag in launcher._jvm_flags(roles.of(role))]
    return [flag for flag in flags if "Shared" in flag or "ClassList" in flag]


def test_a_start_uses_the_archive_or_notes_the_classes(
    project: Project, archives: Archives
) -> None:
    """Built: use it. Not built: the first server of each archive writes the class list."""
    kafka = f"-XX:SharedArchiveFile={archives.directory / 'kafka.jsa'}"
    zookeeper = f"-XX:SharedArchiveFile={archives.directory / 'zookeeper.jsa'}"
    assert _launched(project, archives, built=NAMES) == [zookeeper, kafka, kafka]
    lists = [project.state / "run" / f"{name}.classlist" for name in ("zookeeper", "kafka")]
    noted = [f"-XX:DumpLoadedClassList={path}" for path in lists]
    assert _launched(project, archives, built=()) == noted
    assert _launched(project, archives, built=["zookeeper"]) == [zookeeper, noted[1]]


def test_without_lists_or_a_writable_cache_there_is_no_order(
    tmp_path: Path, archives: Archives
) -> None:
    """A missing list, or a cache that cannot be written, costs the archive and nothing else."""
    assert class_archive.order(archives, {"kafka": tmp_path / "missing"}) is None
    blocked = Archives(tmp_path / "a.jar" / "below", archives.java, archives.class_path, NAMES)
    assert class_archive.order(blocked, {}) is None


def test_the_builder_is_detached_and_patient(
    tmp_path: Path, archives: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The builder runs at the lowest priority; one that cannot be started costs nothing else."""
    asked: list[tuple[list[str], int]] = []

    def spawn(arguments: list[str], *, nice: int, **_: object) -> Identity:
        asked.append((arguments, nice))
        return Identity(1, 0.0, "")

    monkeypatch.setattr(processes, "spawn_detached", spawn)
    path = _order(archives, tmp_path)
    assert class_archive.build_in_background(path) == Identity(1, 0.0, "")
    ((arguments, nice),) = asked
    assert arguments == [
        sys.executable,
        "-m",
        "kafka_tasks.runtimes.embedded.build_archives",
        str(path),
    ]
    assert nice == 19

    def refuse(*_: object, **__: object) -> Identity:
        raise MachineError("no")

    monkeypatch.setattr(processes, "spawn_detached", refuse)
    assert class_archive.build_in_background(path) is None


def test_no_setting_reaches_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers see neither our variables nor stray Java options, and a UTF-8 locale."""
    for name in ("KAFKA_TASKS_SASL_PASSWORD", "KAFKA_OPTS", "JAVA_TOOL_OPTIONS", "KAFKA_PORT"):
        monkeypatch.setenv(name, "x")
    found = class_archive.java_environment()
    assert not [name for name in found if name.startswith(("KAFKA", "JAVA"))]
    assert found["LC_ALL"] == "C.UTF-8"
    assert "PATH" in found


@pytest.mark.parametrize(
    "changes",
    [
        {"lists": {"kafka": "../kafka.classlist"}},
        {"lists": {"kafka": "/etc/hosts"}},
        {"lists": {"other": "kafka.classlist"}},
        {"java": "java"},
        {"class_path": "/a\0b"},
        {"lists": "\udcff"},
    ],
)
def test_a_damaged_order_touches_nothing(
    tmp_path: Path, archives: Archives, dumps: list[list[str]], changes: dict[str, object]
) -> None:
    """Only files beside the order are its own; whatever else it names, it is thrown away."""
    path = _order(archives, tmp_path)
    whole = msgspec.json.decode(path.read_bytes())
    path.write_bytes(json.dumps({**whole, **changes}).encode())
    before = {other for other in tmp_path.rglob("*") if other != path}
    assert not build_archives.build(path)
    assert dumps == []
    assert set(tmp_path.rglob("*")) == before
