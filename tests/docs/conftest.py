"""A project directory with free ports, and a shell in it that finds the commands."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Shell = Callable[..., str]


@pytest.fixture
def environ() -> dict[str, str]:
    """The surroundings of a command: this Python's programs first, ports that are free."""
    kept = {name: v for name, v in os.environ.items() if not name.startswith("KAFKA_TASKS_")}
    cache = {n: v for n, v in os.environ.items() if n == "KAFKA_TASKS_CACHE"}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", "")))
    ports = ("PORT", "ZOOKEEPER_PORT", "CONTROLLER_PORT")
    free = {f"KAFKA_TASKS_{name}": "auto" for name in ports}
    # A Docker engine of the machine would be asked for Confluent's images.
    apart = {"DOCKER_HOST": "unix:///nonexistent"}
    return {**kept, **cache, **free, "PATH": path, **apart}


@pytest.fixture
def project(tmp_path: Path, environ: dict[str, str]) -> Iterator[Path]:
    """An empty directory whose cluster is gone afterwards."""
    directory = tmp_path / "shop"
    directory.mkdir()
    yield directory
    subprocess.run(
        ["kafka-tasks", "down", "--wipe", "--yes"], cwd=directory, env=environ, check=True
    )


@pytest.fixture
def shell(project: Path, environ: dict[str, str]) -> Shell:
    """Run a piece of bash in the project; returns what it printed, fails where it fails."""

    def run(script: str, *arguments: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script, "bash", *arguments],
            cwd=project,
            env=environ,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run
