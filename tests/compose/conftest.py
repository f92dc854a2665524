"""A real engine, the project's own images, and a project directory that leaves nothing behind."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import pytest
from filelock import FileLock

from tests import warm_python

IMAGES = Path(__file__).parent.parent / "images"
KAFKA_IMAGE = "kafka-tasks-test/cp-kafka:3.9"
ZOOKEEPER_IMAGE = "kafka-tasks-test/cp-zookeeper:3.9"
CP_8_IMAGE = "kafka-tasks-test/cp-kafka:4.3"
APACHE_IMAGE = "kafka-tasks-test/apache-kafka:4.4"
# What a project needs for Confluent Platform 8.
KRAFT = {"KAFKA_TASKS_VERSION": "8.3", "KAFKA_TASKS_KAFKA_IMAGE": CP_8_IMAGE}


@pytest.fixture(scope="session")
def engine() -> docker.DockerClient:
    """The engine of this machine; without one the tests are skipped, but never in CI."""
    try:
        client = docker.from_env(timeout=60)
        client.ping()
    except docker.errors.DockerException:
        if os.environ.get("CI"):
            pytest.fail("CI has no Docker engine: .ci/run installs one")
        pytest.skip("no Docker engine answers on this machine")
    return client


@pytest.fixture(scope="session")
def images(engine: docker.DockerClient) -> None:
    """The test images, built once for a machine."""
    with FileLock(Path(tempfile.gettempdir(), "kafka-tasks-test-images.lock"), timeout=900):
        for line in ("3.9", "4.3", "4.4"):
            built = subprocess.run(
                [IMAGES / "build", line],
                env={**os.environ, "PYTHON": sys.executable},
                capture_output=True,
                text=True,
                timeout=900,
                check=False,
            )
            assert built.returncode == 0, built.stdout + built.stderr


@dataclass
class Result:
    """A command that ran."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its one document."""
        return json.loads(self.out)


@dataclass
class Bench:
    """A project directory on ports of its own, and the commands of a user in it."""

    path: Path
    environ: dict[str, str]
    engine: docker.DockerClient

    def run(self, *arguments: str, timeout: float = 280, **environ: str) -> Result:
        """The `kafka-tasks` command."""
        done = warm_python.run(arguments, self.path, {**self.environ, **environ}, timeout)
        return Result(done.returncode, done.stdout, done.stderr)

    def docker(self, *arguments: str, timeout: float = 120, **environ: str) -> Result:
        """The `docker` command."""
        command, environ = ["docker", *arguments], {**self.environ, **environ}
        done = warm_python.run_cold(command, self.path, environ, timeout)
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def containers(self) -> dict[str, Any]:
        """By service, what the engine has for this directory."""
        label = f"com.docker.compose.project.working_dir={self.path}"
        found = self.engine.containers.list(all=True, filters={"label": label})
        return {c.labels["com.docker.compose.service"]: c for c in found}

    def port(self, name: str = "KAFKA_TASKS_PORT") -> int:
        """A port of this project."""
        return int(self.environ[name])

    def clean(self) -> None:
        """Remove whatever carries this directory's name."""
        projects = {c.labels["com.docker.compose.project"] for c in self.containers.values()}
        # What a start that failed left may have no container.
        projects.add(self.path.name)
        self.run("down", "--wipe", "--yes")
        for container in self.containers.values():
            container.remove(force=True, v=True)
        for project in projects:
            label = {"label": f"com.docker.compose.project={project}"}
            for network in self.engine.networks.list(filters=label):
                network.remove()
            for volume in self.engine.volumes.list(filters=label):
                volume.remove(force=True)


def exposed_on_loopback_alone(bench: Bench, brokers: int) -> None:
    """Fails unless each service has one port of the host, on 127.0.0.1 and nowhere else."""
    assert len(bench.containers) == brokers + 1
    for container in bench.containers.values():
        container.reload()
        published = {
            (binding["HostIp"], binding["HostPort"])
            for bindings in container.attrs["NetworkSettings"]["Ports"].values()
            for binding in bindings or ()
        }
        ((address, port),) = published
        assert address == "127.0.0.1"
        first = bench.port()
        assert int(port) in {*range(first, first + brokers), first + 5}
        assert container.attrs["HostConfig"]["NetworkMode"] != "host"
        assert not container.attrs["HostConfig"]["Privileged"]
        assert not container.attrs["HostConfig"]["PublishAllPorts"]


def neighbours(count: int) -> int:
    """The first of so many neighbouring free ports.

    No two workers look at the same ones, and another run on this machine begins elsewhere.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    lowest, width, begin = 21000 + 2500 * (worker % 4), 2400, os.getpid() * 16
    for step in range(0, width, 16):
        first = lowest + (begin + step) % width
        if all(_is_free(port) for port in range(first, first + count)):
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def named(what: str) -> str:
    """A directory's name, and so a Compose project's, that no other run on this engine has."""
    return f"{what}-{os.getpid()}-"


def make_project(path: Path, engine: docker.DockerClient) -> Bench:
    """A project on the compose runtime with the test images."""
    path.mkdir(parents=True, exist_ok=True)
    first = neighbours(9)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("KAFKA", "COMPOSE_"))}
    environ = {
        **kept,
        "KAFKA_TASKS_RUNTIME": "compose",
        # A start that has to succeed does so on a slow machine as well; others name a time.
        "KAFKA_TASKS_TIMEOUT": "200",
        "KAFKA_TASKS_KAFKA_IMAGE": KAFKA_IMAGE,
        "KAFKA_TASKS_ZOOKEEPER_IMAGE": ZOOKEEPER_IMAGE,
        "KAFKA_TASKS_PORT": str(first),
        "KAFKA_TASKS_ZOOKEEPER_PORT": str(first + 5),
        "KAFKA_TASKS_CONTROLLER_PORT": str(first + 6),
    }
    return Bench(path, environ, engine)


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    engine: docker.DockerClient,
    images: None,
) -> Iterator[Bench]:
    """A fresh project for one test."""
    bench = make_project(tmp_path_factory.mktemp(named("compose")), engine)
    try:
        yield bench
    finally:
        bench.clean()


@pytest.fixture(scope="module")
def running(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project whose cluster runs, for the tests of one module."""
    bench = make_project(tmp_path_factory.mktemp(named("running")), engine)
    try:
        started = bench.run("up")
        assert started.code == 0, started.err
        yield bench
    finally:
        bench.clean()
