"""Where faults happen: a cluster of each runtime, with the handles that a fault needs."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psutil

from tests.compose.conftest import Bench
from tests.integration.conftest import COMMAND, PROJECT_PROPERTY, Done, Sandbox, eventually

HEAL_TIMEOUT_S = 60
# Ample for the records of some hundred rounds, and full within a second.
SPACE = "600m"
BROKER_DATA = "/var/lib/kafka/data"
_IPTABLES = ("iptables", "-w", "10")


@dataclass(frozen=True, slots=True)
class Counts:
    """What a round may not change: processes, containers, networks, volumes of the project."""

    processes: int
    containers: int = 0
    networks: int = 0
    volumes: int = 0


class Arena(Protocol):
    """A project with a cluster, whatever it runs on.

    `keeper` is the service that its broker registers with, which may be the broker itself.
    """

    runtime: str
    keeper: str
    heal_timeout_s: int
    path: Path
    has_own_system: bool

    @property
    def port(self) -> int:
        """The first broker's port."""

    def client(self, user: str = "admin") -> dict[str, Any]:
        """The properties with which this user connects, where there are users."""

    @property
    def disk(self) -> Path:
        """A directory of the small file system that the broker writes to."""

    def run(self, *arguments: str, timeout: float = 150) -> Done:
        """`kafka-tasks` with these arguments, to its end."""

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The same, not waited for."""

    def kill(self, *services: str) -> None:
        """SIGKILL; returns when they are gone."""

    def hold(self, *services: str) -> None:
        """Let them stand still, alive."""

    def cut(self) -> contextlib.AbstractContextManager[None]:
        """No packet passes between broker and coordinator within the block."""

    def counts(self) -> Counts:
        """What is there now."""

    def open_files(self) -> int:
        """Open files of all servers together."""

    def close(self) -> None:
        """Take everything away; fails where something is left."""


def heal(arena: Arena) -> float:
    """`up` that has to make the cluster ready within its timeout; returns the seconds it took."""
    began, limit = time.monotonic(), arena.heal_timeout_s
    done = arena.run("up", "--timeout", str(limit), timeout=limit + 90)
    assert done.code == 0, f"up did not heal: exit code {done.code}\n{done.out}\n{done.err}"
    assert "Traceback" not in done.err
    return time.monotonic() - began


def _client(arena: Arena, environ: Mapping[str, str], user: str) -> dict[str, Any]:
    """The properties of a user, and without security the address alone."""
    if "KAFKA_TASKS_SECURE" not in environ:
        return {"bootstrap.servers": f"127.0.0.1:{arena.port}"}
    done = arena.run("env", "--user", user, "--format", "json", "--show-secrets")
    assert done.code == 0, done.err
    return dict(json.loads(done.out))


class EmbeddedArena:
    """Processes of this machine."""

    runtime = "embedded"
    heal_timeout_s = HEAL_TIMEOUT_S

    def __init__(
        self,
        path: Path,
        environ: dict[str, str],
        *,
        has_own_system: bool,
        keeper: str = "zookeeper",
    ) -> None:
        self.path = path
        self.keeper = keeper
        self.has_own_system = has_own_system
        self.environ = environ
        self.sandbox = Sandbox(path, environ)

    @property
    def port(self) -> int:
        """The broker's port."""
        return int(self.environ["KAFKA_TASKS_PORT"])

    def client(self, user: str = "admin") -> dict[str, Any]:
        """As `env` prints them."""
        return _client(self, self.environ, user)

    @property
    def disk(self) -> Path:
        """All of the project is on it."""
        return self.path

    def run(self, *arguments: str, timeout: float = 150) -> Done:
        """To its end, without a terminal."""
        return self.sandbox.run(*arguments, timeout=timeout)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Its output goes nowhere: nobody reads it while it is held."""
        return begun([str(COMMAND), *arguments], self.path, self.environ)

    def kill(self, *services: str) -> None:
        """Those that run."""
        pids = self.sandbox.pids()
        self.sandbox.kill(*(name for name in services if name in pids))

    def hold(self, *services: str) -> None:
        """SIGSTOP."""
        for name, pid in self.sandbox.pids().items():
            if name in services:
                os.kill(pid, signal.SIGSTOP)

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """By a packet filter in this suite's own network namespace."""
        setting = "ZOOKEEPER" if self.keeper == "zookeeper" else "CONTROLLER"
        with dropped((), self.environ[f"KAFKA_TASKS_{setting}_PORT"]):
            yield

    def counts(self) -> Counts:
        """Servers, and what builds archives: the builder, and the servers that it trains."""
        archives = str(Path(self.environ["KAFKA_TASKS_CACHE"]) / "archives")
        building = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(_is_below(archives, a) for a in process.info["cmdline"] or ())
        ]
        return Counts(processes=len(self.sandbox.processes()) + len(building))

    def open_files(self) -> int:
        """As /proc counts them."""
        return sum(psutil.Process(pid).num_fds() for pid in self.sandbox.processes())

    def close(self) -> None:
        """Down with it, and its data."""
        self.sandbox.close()


def _is_below(archives: str, argument: str) -> bool:
    """Whether an argument is an order, or the project of a training."""
    return argument.removeprefix(PROJECT_PROPERTY).startswith(archives)


class ComposeArena:
    """Containers of a real engine."""

    runtime = "compose"
    heal_timeout_s = HEAL_TIMEOUT_S

    def __init__(self, bench: Bench, keeper: str = "zookeeper") -> None:
        self.bench = bench
        self.keeper = keeper
        self.path = bench.path
        # Containers have a network of their own, and their volumes are the engine's: root's.
        self.has_own_system = os.geteuid() == 0
        self.disk = self._small_disk() if self.has_own_system else self.path

    def _small_disk(self) -> Path:
        """Lay a small file system over the broker's volume, which keeps what it holds."""
        heal(self)
        mounts = self.bench.containers["kafka"].attrs["Mounts"]
        (volume,) = (Path(m["Source"]) for m in mounts if m["Destination"] == BROKER_DATA)
        assert self.run("down").code == 0
        kept = self.path / "kept"
        _command("cp", "-a", volume, kept)
        _command("mount", "-t", "tmpfs", "-o", f"size={SPACE}", "faults", volume)
        _command("cp", "-aT", kept, volume)
        shutil.rmtree(kept)
        return volume

    @property
    def port(self) -> int:
        """The broker's port on this machine."""
        return self.bench.port()

    def client(self, user: str = "admin") -> dict[str, Any]:
        """As `env` prints them."""
        return _client(self, self.bench.environ, user)

    def run(self, *arguments: str, timeout: float = 150) -> Done:
        """To its end, without a terminal."""
        done = self.bench.run(*arguments, timeout=timeout)
        return Done(done.code, done.out, done.err)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """Its output goes nowhere."""
        return begun([str(COMMAND), *arguments], self.path, self.bench.environ)

    def kill(self, *services: str) -> None:
        """Those that run."""
        for name in services:
            container = self.bench.containers.get(name)
            if container is not None and container.status in ("running", "paused"):
                container.kill()
                container.wait(timeout=30)

    def hold(self, *services: str) -> None:
        """`docker pause`."""
        for name in services:
            container = self.bench.containers.get(name)
            if container is not None and container.status == "running":
                container.pause()

    @contextlib.contextmanager
    def cut(self) -> Iterator[None]:
        """By a packet filter inside the network namespace of the coordinator's container."""
        pid = str(self.bench.containers[self.keeper].attrs["State"]["Pid"])
        port = "2181" if self.keeper == "zookeeper" else "29093"
        with dropped(("nsenter", "--target", pid, "--net"), port):
            yield

    def counts(self) -> Counts:
        """By the label that Compose puts on everything."""
        there = self.bench.containers
        projects = {c.labels["com.docker.compose.project"] for c in there.values()}
        label = {"label": [f"com.docker.compose.project={name}" for name in projects]}
        mine = [
            process
            for process in psutil.process_iter(["cmdline"])
            if any(str(self.path) in part for part in process.info["cmdline"] or ())
        ]
        return Counts(
            processes=len(mine),
            containers=len(there),
            networks=len(self.bench.engine.networks.list(filters=label)) if projects else 0,
            volumes=len(self.bench.engine.volumes.list(filters=label)) if projects else 0,
        )

    def open_files(self) -> int:
        """Of the containers' first processes."""
        pids = [c.attrs["State"]["Pid"] for c in self.bench.containers.values()]
        return sum(psutil.Process(pid).num_fds() for pid in pids if pid)

    def close(self) -> None:
        """Down with it, and its data."""
        if self.has_own_system:
            self.run("down")
            _command("umount", "--lazy", self.disk)
        self.bench.clean()
        assert not self.bench.containers


def _command(*words: str | Path) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def begun(command: Sequence[str], path: Path, environ: dict[str, str]) -> subprocess.Popen[str]:
    """A command of its own process group, whose output nobody reads."""
    return subprocess.Popen(
        command,
        cwd=path,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def ended(process: subprocess.Popen[Any], timeout_s: float = 120) -> int:
    """Wait for a command; fails where it does not end."""
    try:
        return process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(30)
        raise AssertionError(f"{process.args!r} did not end within {timeout_s:g} s") from None


@contextlib.contextmanager
def dropped(inside: Sequence[str], port: str) -> Iterator[None]:
    """Drop every packet to and from this TCP port."""
    rules = [
        [chain, "-p", "tcp", side, port, "-j", "DROP"]
        for chain in ("INPUT", "OUTPUT")
        for side in ("--dport", "--sport")
    ]
    made: list[list[str]] = []
    try:
        for rule in rules:
            subprocess.run([*inside, *_IPTABLES, "-A", *rule], check=True, timeout=30)
            made.append(rule)
        yield
    finally:
        for rule in made:
            subprocess.run([*inside, *_IPTABLES, "-D", *rule], check=False, timeout=30)


@contextlib.contextmanager
def taken(port: int) -> Iterator[None]:
    """A stranger listens on this port of 127.0.0.1."""
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)

        def bound() -> bool:
            with contextlib.suppress(OSError):
                stranger.bind(("127.0.0.1", port))
                return True
            return False

        eventually(bound, f"port {port} is free to be taken")
        stranger.listen()
        yield
