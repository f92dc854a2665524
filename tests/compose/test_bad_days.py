"""What goes wrong with containers: one sentence, the right exit code, nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import Bench
from tests.integration.conftest import eventually


def with_file(project: Bench, *changes: tuple[str, str]) -> None:
    """Give the project the packaged Compose file with some text replaced."""
    text = packaged().read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (project.path / "docker-compose.yml").write_text(text)


def running(project: Bench) -> set[str]:
    """The services whose containers run."""
    return {name for name, c in project.containers.items() if c.status == "running"}


def test_no_engine(project: Bench) -> None:
    """An engine that does not answer is exit 4, with the runtime that needs none."""
    failed = project.run("up", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert failed.code == 4
    assert "No Docker engine answers" in failed.err
    assert "--runtime embedded" in failed.err
    assert "Traceback" not in failed.err


def test_auto_without_engine_takes_embedded(project: Bench) -> None:
    """`auto` says why it does not take Compose."""
    found = project.run(
        "up", "--dry", KAFKA_TASKS_RUNTIME="auto", DOCKER_HOST="unix:///nonexistent/docker.sock"
    )
    assert found.code == 0, found.err
    assert "embedded: no Docker engine answers within a second" in found.out


def test_auto_with_engine_and_images_takes_compose(project: Bench) -> None:
    """`auto` takes Compose where engine and images are there."""
    found = project.run("up", "--dry", KAFKA_TASKS_RUNTIME="auto")
    assert found.code == 0, found.err
    assert "compose: Docker answers" in found.out


def test_auto_names_the_image_that_cannot_be_pulled(project: Bench) -> None:
    """`auto` falls back to embedded when an image is not to be had, and names it."""
    image = "localhost:9/nowhere/kafka:1"
    found = project.run("up", "--dry", KAFKA_TASKS_RUNTIME="auto", KAFKA_TASKS_KAFKA_IMAGE=image)
    assert found.code == 0, found.err
    assert f"embedded: Docker answers, but {image} cannot be pulled" in found.out


@pytest.fixture
def stub_docker(tmp_path: Path) -> Iterator[Path]:
    """A PATH entry whose `docker` has no compose plugin."""
    stub = tmp_path / "docker"
    stub.write_text("#!/bin/sh\necho \"docker: 'compose' is not a docker command.\"\nexit 1\n")
    stub.chmod(0o755)
    yield tmp_path


def test_no_compose_plugin(project: Bench, stub_docker: Path) -> None:
    """A docker command without its compose plugin is said so."""
    path = f"{stub_docker}{os.pathsep}/nonexistent"
    failed = project.run("up", PATH=path)
    assert failed.code == 4
    assert "without its compose plugin" in failed.err


def test_compose_v1_alone_is_refused(project: Bench, stub_docker: Path) -> None:
    """docker-compose v1 alone is refused in words."""
    old = stub_docker / "docker-compose"
    old.write_text("#!/bin/sh\nexit 0\n")
    old.chmod(0o755)
    failed = project.run("up", PATH=f"{stub_docker}{os.pathsep}/nonexistent")
    assert failed.code == 4
    assert "docker-compose v1" in failed.err


def test_no_permission_on_the_socket(project: Bench) -> None:
    """A socket that this user may not open is told from an engine that is not there."""
    assert os.getuid() == 0, "only root can become somebody else"
    with tempfile.TemporaryDirectory(prefix="kafka-tasks-nobody-") as home:
        Path(home).chmod(0o777)
        program = [sys.executable, "-m", "kafka_tasks", "up"]
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", *program],
            cwd=home,
            env={**project.environ, "HOME": home},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4, done.stderr
    assert "may not talk to the Docker engine" in done.stderr
    assert "usermod -aG docker" in done.stderr


def test_an_image_that_cannot_be_pulled(project: Bench) -> None:
    """The image is named, and the runtime that needs none."""
    image = "localhost:9/nowhere/kafka:1"
    failed = project.run("up", KAFKA_TASKS_KAFKA_IMAGE=image)
    assert failed.code == 4
    assert f"The image {image} is not on this machine" in failed.err
    assert "--runtime embedded" in failed.err
    assert not project.containers


def test_a_port_held_by_a_process(project: Bench) -> None:
    """The process is named and nothing is started."""
    with socket.socket() as taken:
        # Connections of an earlier test may still linger on this port.
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", project.port()))
        taken.listen()
        failed = project.run("up")
    assert failed.code == 4
    assert f"Port {project.port()}" in failed.err
    assert str(os.getpid()) in failed.err
    assert not project.containers


@pytest.mark.release
def test_a_full_disk(project: Bench) -> None:
    """A data volume without room is visible in the evidence."""
    small = "kafka-data:\n    driver_opts: {type: tmpfs, device: tmpfs, o: 'nr_inodes=1,uid=1000'}"
    with_file(project, ("  zookeeper-secrets:\n  kafka-data:", f"  zookeeper-secrets:\n  {small}"))
    failed = project.run("up")
    assert failed.code == 5, failed.err
    assert "No space left on device" in failed.err


def begun(project: Bench, *flags: str) -> subprocess.Popen[str]:
    """An `up` in a session of its own, as a terminal's."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "kafka-tasks"), "up", *flags],
        cwd=project.path,
        env=project.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def says(started: subprocess.Popen[str], words: str) -> None:
    """Read its lines up to one that begins so."""
    assert started.stderr is not None
    said = []
    for line in started.stderr:
        said.append(line)
        if line.startswith(words):
            return
    pytest.fail(f"never said: {words}\n{''.join(said)}")


@pytest.mark.release
def test_containers_removed_while_waiting(project: Bench) -> None:
    """`docker compose down` in another shell ends the wait at once."""
    # A broker that looks for ZooKeeper elsewhere stays up, not ready, for so long.
    with_file(
        project,
        ("KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", "KAFKA_ZOOKEEPER_CONNECT: 0.0.0.0:2181"),
        ("CONNECTION_TIMEOUT_MS: 18000", "CONNECTION_TIMEOUT_MS: 600000"),
    )
    started = begun(project, "--timeout", "90")
    says(started, "ok zookeeper")
    eventually(lambda: "kafka" in running(project), "the broker's container runs")
    assert project.docker("compose", "down").code == 0
    _, err = started.communicate(timeout=90)
    assert started.returncode == 5, err
    assert "exited while it was waited for" in err


def test_a_named_file_without_our_services(project: Bench) -> None:
    """A file that was asked for by name and lacks a service is exit 3."""
    (project.path / "mine.yml").write_text("services: {zookeeper: {image: x}}\n")
    failed = project.run("up", KAFKA_TASKS_COMPOSE_FILE="mine.yml")
    assert failed.code == 3
    assert "has no service kafka" in failed.err


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "KAFKA_LISTENERS: HOST://0.0.0.0:${KAFKA_TASKS_PORT:-9092}",
            "KAFKA_LISTENERS: HOST://0.0.0.0:29092",
            "are both on port 29092",
        ),
        ("HOST://localhost:${KAFKA_TASKS_PORT:-9092}", "HOST://0.0.0.0:9092", "advertises 0.0.0.0"),
        (
            "HOST://localhost:${KAFKA_TASKS_PORT:-9092}",
            "HOST://localhost:9999",
            "published on port",
        ),
    ],
    ids=["two on one port", "0.0.0.0 advertised", "another port advertised"],
)
def test_listeners_that_cannot_work(project: Bench, old: str, new: str, said: str) -> None:
    """Listeners that cannot work are found before anything starts."""
    with_file(project, (old, new))
    failed = project.run("up")
    assert failed.code == 3, failed.err
    assert said in failed.err
    assert not project.containers


@pytest.mark.release
def test_interrupted_while_starting(project: Bench) -> None:
    """Ctrl-C before there is a container, with one and later: exit 130, nothing of it runs on.

    Each start continues to where the one before it was interrupted, and the last one to its end.
    """
    moments: tuple[Callable[[subprocess.Popen[str]], None], ...] = (
        # Python itself answers Ctrl-C, with a traceback, until it has come as far as `main`.
        lambda _: eventually((project.path / ".kafka-tasks").is_dir, "the command begins"),
        lambda _: eventually(lambda: project.containers, "a container"),
        lambda started: says(started, "ok zookeeper"),
    )
    for moment in moments:
        started = begun(project)
        moment(started)
        os.killpg(started.pid, signal.SIGINT)
        _, err = started.communicate(timeout=90)
        assert started.returncode == 130, err
        assert "Traceback" not in err
        assert not running(project)
    assert project.run("up").code == 0


@pytest.mark.release
def test_two_ups_at_once(project: Bench) -> None:
    """Both succeed, and there is one cluster."""
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(project.run("up", "-o", "json")))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    assert [result.code for result in results] == [0, 0], [r.out for r in results]
    assert results[0].json["cluster_id"] == results[1].json["cluster_id"]
    assert len(project.containers) == 2


@pytest.mark.release
def test_auto_ports(project: Bench) -> None:
    """`auto` ports are picked, published, and kept by the next `up`.

    Somebody's own Compose file without our services is left alone, and it is said that the packaged
    one is used.
    """
    own = project.path / "docker-compose.yml"
    own.write_text("services: {web: {image: x}}\n")
    settings: dict[str, Any] = {"KAFKA_TASKS_PORT": "auto", "KAFKA_TASKS_ZOOKEEPER_PORT": "auto"}
    started = project.run("up", **settings)
    assert started.code == 0, started.err
    assert "using the packaged one" in started.err
    assert own.read_text() == "services: {web: {image: x}}\n"
    first = project.run("status", "-o", "json", **settings)
    assert project.run("down", **settings).code == 0
    second = project.run("up", "-o", "json", **settings)
    assert second.json["bootstrap_servers"] == first.json["bootstrap_servers"]
