"""The surroundings of every row: commands, the servers' Java and jars, directories, ports."""

from __future__ import annotations

import compileall
import contextlib
import importlib.metadata
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

import kafka_tasks
from bench.children import Timed, Unmeasured, timed, uninterrupted
from kafka_tasks import settings
from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.embedded import class_archive, jars, java

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Servers:
    """The Java and the class path with which kafka-tasks starts the servers."""

    java: java.Java
    class_path: str
    kafka: str
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Workspace:
    """An empty project with its own directory and ports."""

    path: Path
    environ: Mapping[str, str]
    port: int

    def command(self, *arguments: str) -> Timed:
        """Run `kafka-tasks …` in the project, as a whole process."""
        return timed([console("kafka-tasks"), *arguments], cwd=self.path, environ=self.environ)

    def wipe(self) -> None:
        """Stop the cluster and delete its data."""
        self.command("down", "--wipe", "--yes")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The surroundings of a run; `root` is a temporary directory."""

    root: Path
    environ: Mapping[str, str]
    servers: Servers
    _used_ports: set[int] = field(default_factory=set)
    _shared: dict[str, Workspace] = field(default_factory=dict)
    _exit_stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @contextlib.contextmanager
    def workspace(self, settings: Mapping[str, str] | None = None) -> Iterator[Workspace]:
        """Yield a project; stop its cluster and delete its data at the end."""
        path = self.directory("project-")
        # Without it kafka-tasks could use, and wipe, a project in a directory above.
        (path / "tasks.py").touch()
        wanted = settings or {}
        brokers = int(wanted.get("KAFKA_TASKS_BROKERS", "1"))
        port = self.some_ports(path, 2 * brokers)
        # One of the two is unused in either mode.
        coordinators = ("KAFKA_TASKS_ZOOKEEPER_PORT", "KAFKA_TASKS_CONTROLLER_PORT")
        own = {"KAFKA_TASKS_PORT": str(port), **dict.fromkeys(coordinators, str(port + brokers))}
        workspace = Workspace(path, {**self.environ, **own, **wanted}, port)
        try:
            yield workspace
        finally:
            with uninterrupted():
                workspace.wipe()

    def shared(self, name: str, made: contextlib.AbstractContextManager[Workspace]) -> Workspace:
        """Return a workspace that rows share; the first row that needs it creates it."""
        if name not in self._shared:
            self._shared[name] = self._exit_stack.enter_context(made)
        return self._shared[name]

    def close(self) -> None:
        """Delete the shared workspaces."""
        self._exit_stack.close()

    def some_ports(self, path: Path, count: int = 2) -> int:
        """Return the first of adjacent free ports that no other cluster of the run uses."""
        first = ports.pick(path, count, self._used_ports)
        self._used_ports.update(range(first, first + count))
        return first

    def directory(self, prefix: str) -> Path:
        """Create an empty directory."""
        return Path(tempfile.mkdtemp(prefix=prefix, dir=self.root))


def console(name: str) -> str:
    """Return the path of a console script in this environment."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise Unmeasured(f"{name} is not installed beside this Python")
    return str(found)


@contextlib.contextmanager
def prepared() -> Iterator[Surroundings]:
    """Yield surroundings with bytecode, jars and class archive; deletes them at the end."""
    _compile()
    environ = _environ()
    root = Path(tempfile.mkdtemp(prefix="kafka-tasks-bench-")).resolve()
    (root / "tasks.py").touch()
    try:
        timed([console("kafka-tasks"), "pull"], cwd=root, environ=environ, timeout_s=900)
        with contextlib.closing(Surroundings(root, environ, servers(root, environ))) as found:
            yield found
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _compile() -> None:
    """Compile the checkout, as pip compiles an installed package."""
    package = Path(kafka_tasks.__file__).parent
    compileall.compile_dir(package, quiet=2)
    compileall.compile_file(CHECKOUT / "tasks.py", quiet=2)


def _environ() -> dict[str, str]:
    """Return the process environment without kafka-tasks settings, with bytecode allowed."""
    kept = ("KAFKA_TASKS_CACHE", "KAFKA_TASKS_JAVA_HOME")
    left_out = ("KAFKA_TASKS_", "INVOKE_", "PYTHONDONTWRITEBYTECODE")
    clean = {
        name: value
        for name, value in os.environ.items()
        if name in kept or not name.startswith(left_out)
    }
    # `auto` would choose a Docker engine if one answers.
    return {**clean, "KAFKA_TASKS_RUNTIME": "embedded"}


def servers(root: Path, environ: Mapping[str, str]) -> Servers:
    """Return the servers of the Kafka that these variables choose, with their jars fetched."""
    chosen = settings.load(root, environ=environ)
    lock = jars.load_lock(chosen.line.kafka)
    class_path = jars.ensure(lock, chosen.cache, Recorder())
    return Servers(
        java.choose(chosen),
        os.pathsep.join(map(str, class_path)),
        lock.kafka,
        class_archive.java_environment(),
    )


def machine(servers: Servers) -> dict[str, object]:
    """Return facts about the machine and the versions, without names or paths."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "load_before": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "java": servers.java.version,
        "kafka": servers.kafka,
        "kafka_tasks": importlib.metadata.version("kafka-tasks"),
    }
