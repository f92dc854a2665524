"""The alternative: the same two JVMs, started without kafka-tasks and polled until they answer."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import children
from bench.observer import until_answered
from bench.surroundings import Servers, Surroundings
from kafka_tasks.runtimes.embedded import properties

_MAIN = {
    "zookeeper": "org.apache.zookeeper.server.quorum.QuorumPeerMain",
    "kafka": "kafka.Kafka",
}


class ByHand:
    """One ZooKeeper and one broker with Java's default flags or `flags`, as a context manager.

    Both sides use the same log settings, so that they write the same amount.
    """

    def __init__(
        self, surroundings: Surroundings, flags: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._root = surroundings.directory("by-hand-")
        self._servers: Servers = surroundings.servers
        self._flags = flags or {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.port = surroundings.some_ports(self._root)

    def __enter__(self) -> ByHand:
        return self

    def __exit__(self, *_: object) -> None:
        with children.uninterrupted():
            self.stop()

    @property
    def pids(self) -> list[int]:
        """The ids of the two processes."""
        return [child.pid for child in self._running.values()]

    def start(self) -> float:
        """Start both at once; return the seconds until the broker answers with metadata."""
        self._configure()
        started = time.monotonic()
        for name in _MAIN:
            self._spawn(name)
        return until_answered(self.port, exited=self._exited) - started

    def stop(self) -> None:
        """Stop the broker, then ZooKeeper."""
        for name in reversed(_MAIN):
            if child := self._running.pop(name, None):
                children.stop(child)

    def wipe(self) -> None:
        """Stop both and delete the data."""
        self.stop()
        shutil.rmtree(self._root / "data", ignore_errors=True)

    def _configure(self) -> None:
        (self._root / "logs").mkdir(exist_ok=True)
        for name, wanted in self._properties().items():
            target = self._root / f"{name}.properties"
            target.write_text(properties.render(wanted), encoding="ascii")
            logging = self._root / f"{name}.log4j"
            settings = properties.log_settings(name, "reload4j")
            logging.write_text(settings.text, encoding="ascii")

    def _properties(self) -> dict[str, dict[str, str]]:
        zookeeper_port = self.port + 1
        return {
            "zookeeper": {
                "dataDir": "./data/zookeeper",
                "clientPort": str(zookeeper_port),
                "clientPortAddress": "127.0.0.1",
                "admin.enableServer": "false",
            },
            "kafka": {
                "broker.id": "1",
                "listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
                "zookeeper.connect": f"127.0.0.1:{zookeeper_port}",
                "log.dirs": "./data/kafka",
                "offsets.topic.replication.factor": "1",
                "transaction.state.log.replication.factor": "1",
                "transaction.state.log.min.isr": "1",
                "group.initial.rebalance.delay.ms": "0",
            },
        }

    def _spawn(self, name: str) -> None:
        self._running[name] = children.spawn(
            [
                str(self._servers.java.executable),
                *self._flags.get(name, ()),
                f"-Dlog4j.configuration=file:./{name}.log4j",
                "-cp",
                self._servers.class_path,
                _MAIN[name],
                f"./{name}.properties",
            ],
            cwd=self._root,
            environ=self._servers.environ,
            output=self._root / "logs" / f"{name}.out",
        )

    def _exited(self) -> str | None:
        for name, child in self._running.items():
            if child.poll() is not None:
                output = last_lines(self._root / "logs" / f"{name}.out")
                return f"{name}, started by hand, exited with {child.returncode}: {output}"
        return None


def last_lines(path: Path) -> str:
    """Return the end of what a server has printed."""
    return " | ".join(path.read_text(errors="replace").splitlines()[-3:])
