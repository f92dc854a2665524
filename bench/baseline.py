"""The old Compose file with plain `docker compose`, without kafka-tasks."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.children import Timed, Unmeasured, timed, uninterrupted
from bench.surroundings import CHECKOUT, Surroundings

IMAGES = {
    "KAFKA_IMAGE": "kafka-tasks-test/cp-kafka:3.9",
    "ZOOKEEPER_IMAGE": "kafka-tasks-test/cp-zookeeper:3.9",
}


def require_images(environ: Mapping[str, str], line: str = "3.9") -> None:
    """Build the images that both sides run; raises `Unmeasured` without an engine."""
    import sys

    answer = subprocess.run(["docker", "info"], capture_output=True, timeout=30, check=False)
    if answer.returncode:
        raise Unmeasured("no Docker engine answers")
    built = [str(CHECKOUT / "tests" / "images" / "build"), line]
    timed(built, cwd=CHECKOUT, environ={**environ, "PYTHON": sys.executable}, timeout_s=900)


class Baseline:
    """A project with the old file, as a context manager that deletes it at the end."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.path = surroundings.directory("baseline")
        shutil.copy(Path(__file__).with_name("baseline-compose.yml"), self.path / "compose.yml")
        port = surroundings.some_ports(self.path)
        self._environ = {**surroundings.environ, **IMAGES, "BASELINE_PORT": str(port)}

    def __enter__(self) -> Baseline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with uninterrupted():
            self.wipe()

    def compose(self, *arguments: str, codes: Sequence[int] = (0,)) -> Timed:
        """Run `docker compose …` as a whole process."""
        command = ["docker", "compose", *arguments]
        return timed(command, cwd=self.path, environ=self._environ, codes=codes)

    def wipe(self) -> None:
        """Remove containers, network and volumes."""
        self.compose("down", "--volumes", "--timeout", "1")

    def restart(self) -> float:
        """Run `docker compose restart`; return the seconds until both are healthy again.

        The broker often dies of NodeExists, because nothing waits for the old session to expire;
        `docker compose up -d --wait` then starts it until it stays up.
        """
        started = time.perf_counter()
        self.compose("restart")
        while time.perf_counter() - started < 180:
            states = self._states()
            if all((state.get("Health") or {}).get("Status") == "healthy" for state in states):
                return time.perf_counter() - started
            if any(state["Status"] == "exited" for state in states):
                self.compose("up", "-d", "--wait", codes=(0, 1))
            time.sleep(0.05)
        raise Unmeasured("the baseline did not become healthy again within 180 s")

    def _states(self) -> list[dict[str, Any]]:
        """Return the engine's state of each container."""
        inspect = ["docker", "inspect", *self.containers()]
        found = timed(inspect, cwd=self.path, environ=self._environ)
        return [row["State"] for row in json.loads(found.output)]

    def containers(self) -> list[str]:
        """Return the ids of the project's containers."""
        return self.compose("ps", "--quiet", "--all").output.split()
