"""The alternative in KRaft mode: nodes that are formatted and started with Kafka's own tools."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping

from bench import children
from bench.by_hand import last_lines
from bench.children import timed
from bench.observer import until_answered
from bench.surroundings import Servers, Surroundings
from kafka_tasks.runtimes.embedded import properties

_CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
# The classes behind kafka-storage and kafka-server-start.
_FORMAT, _SERVER = "kafka.tools.StorageTool", "kafka.Kafka"


class QuorumByHand:
    """So many combined nodes of the newest Kafka, with Java's default flags, as a context manager.

    The Java is the one on PATH, which has a class archive of its own, else the bundled one.
    """

    def __init__(self, surroundings: Surroundings, servers: Servers, nodes: int = 1) -> None:
        self._root = surroundings.directory("quorum-")
        self._servers = servers
        self._java = shutil.which("java") or str(servers.java.executable)
        self._nodes = range(1, nodes + 1)
        self._running: dict[int, subprocess.Popen[bytes]] = {}
        self.port = surroundings.some_ports(self._root, 2 * nodes)

    def __enter__(self) -> QuorumByHand:
        return self

    def __exit__(self, *_: object) -> None:
        with children.uninterrupted():
            self.wipe()

    def start(self) -> float:
        """Format what is new, start all at once; return the seconds until each node answers."""
        (self._root / "logs").mkdir(exist_ok=True)
        for node in self._nodes:
            self._configure(node)
        started = time.monotonic()
        for node in self._nodes:
            if not (self._root / "data" / str(node)).exists():
                self._run(_FORMAT, "format", "-t", _CLUSTER_ID, "-c", f"./{node}.properties")
        for node in self._nodes:
            self._spawn(node)
        answered = [
            until_answered(self.port + node - 1, exited=self._exited) for node in self._nodes
        ]
        return max(answered) - started

    def kill(self) -> None:
        """Kill the first node."""
        child = self._running.pop(1)
        child.kill()
        child.wait(timeout=30)

    def again(self) -> float:
        """Start the first node again; return the seconds until it answers."""
        started = time.monotonic()
        self._spawn(1)
        return until_answered(self.port, exited=self._exited) - started

    def wipe(self) -> None:
        """Stop all at the same moment and delete the data."""
        for child in self._running.values():
            child.terminate()
        while self._running:
            children.stop(self._running.popitem()[1])
        shutil.rmtree(self._root / "data", ignore_errors=True)

    def _configure(self, node: int) -> None:
        settings = properties.log_settings(str(node), "log4j2")
        (self._root / f"{node}.log4j2.properties").write_text(settings.text, encoding="ascii")
        target = self._root / f"{node}.properties"
        target.write_text(properties.render(self._properties(node)), encoding="ascii")

    def _properties(self, node: int) -> Mapping[str, str]:
        first = self.port + len(self._nodes)
        replicas = str(min(3, len(self._nodes)))
        port, quorum = self.port + node - 1, first + node - 1
        return {
            "process.roles": "broker,controller",
            "node.id": str(node),
            "controller.quorum.voters": ",".join(
                f"{each}@127.0.0.1:{first + each - 1}" for each in self._nodes
            ),
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{quorum}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "log.dirs": f"./data/{node}",
            "offsets.topic.replication.factor": replicas,
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": "1",
        }

    def _command(self, main: str, *arguments: str) -> list[str]:
        return [self._java, "-cp", self._servers.class_path, main, *arguments]

    def _run(self, main: str, *arguments: str) -> None:
        timed(self._command(main, *arguments), cwd=self._root, environ=self._servers.environ)

    def _spawn(self, node: int) -> None:
        java, *rest = self._command(_SERVER, f"./{node}.properties")
        self._running[node] = children.spawn(
            [java, f"-Dlog4j2.configurationFile=./{node}.log4j2.properties", *rest],
            cwd=self._root,
            environ=self._servers.environ,
            output=self._root / "logs" / f"{node}.out",
        )

    def _exited(self) -> str | None:
        for node, child in self._running.items():
            if child.poll() is not None:
                output = last_lines(self._root / "logs" / f"{node}.out")
                return f"node {node}, started by hand, exited with {child.returncode}: {output}"
        return None
