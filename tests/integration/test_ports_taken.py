"""A port that somebody else holds: named, and nothing is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from kafka_tasks.clients import processes

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


@pytest.fixture(params=["127.0.0.1", "0.0.0.0", "::"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    """A port on which this very process listens."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((request.param, 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    ("variable", "service"),
    [("KAFKA_TASKS_PORT", "kafka"), ("KAFKA_TASKS_ZOOKEEPER_PORT", "zookeeper")],
)
def test_taken_port_names_its_holder_and_starts_nothing(
    project: Sandbox, taken: int, variable: str, service: str
) -> None:
    """`up` exits 4 with port, service and the process that holds it; nothing was started."""
    done = project.run("up", env={variable: str(taken)})
    done.refused(4, f"Port {taken}", service, f"process {os.getpid()}", f"{variable}=auto")
    error = project.run("up", "-o", "json", env={variable: str(taken)}).error
    assert error["code"] == "port-taken"
    assert project.processes() == {}
    assert not (project.path / ".kafka-tasks" / "logs" / "zookeeper.out").exists()


def test_port_of_a_later_broker_counts_too(project: Sandbox) -> None:
    """With three brokers the third's port is looked at before the first is started."""
    with socket.socket() as listener:
        for first in range(23000, 24000, 10):
            if not all(map(processes.port_is_free, range(first, first + 3))):
                continue
            listener.bind(("127.0.0.1", first + 2))
            break
        listener.listen()
        env = {"KAFKA_TASKS_PORT": str(first)}
        project.run("up", "--brokers", "3", env=env).refused(4, f"Port {first + 2}", "kafka-3")
    assert project.processes() == {}


@pytest.mark.release
def test_port_taken_while_the_cluster_was_stopped(project: Sandbox) -> None:
    """A port that `auto` had picked and that is taken by now is replaced, with a notice."""
    port = int(project.up()["bootstrap_servers"].rpartition(":")[2])
    assert project.run("down").code == 0
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        done = project.run("up", "-o", "json")
        assert done.code == 0, done.out + done.err
        assert f"port {port} is in use by now" in done.err
        assert done.document["bootstrap_servers"] != f"localhost:{port}"


@pytest.mark.release
def test_port_of_a_dead_broker_taken_by_somebody_else(project: Sandbox) -> None:
    """Where others of the cluster live, a lost port is an error that names its new holder."""
    port = int(project.up("--brokers", "2")["bootstrap_servers"].rpartition(":")[2])
    project.kill("kafka-2")
    left = project.pids()
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        project.run("up").refused(4, f"Port {port}", "kafka-2", f"process {os.getpid()}")
        assert project.pids() == left


@pytest.mark.release
def test_nothing_is_started_where_a_port_is_lost_that_comes_later(project: Sandbox) -> None:
    """ZooKeeper, which is started alone after a crash, is not started for nothing."""
    port = int(project.up()["bootstrap_servers"].rpartition(":")[2])
    project.kill("kafka", "zookeeper")
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        done = project.run("up", env={"KAFKA_TASKS_PORT": str(port)})
    done.refused(4, f"Port {port}", "kafka")
    assert "stopping again" not in done.err
    assert project.processes() == {}


def test_privileged_port_is_refused_in_words(project: Sandbox) -> None:
    """A port that this user may not use exits 4 or is simply used, where the user may."""
    if os.geteuid() == 0:
        done = project.run("up", "--dry", env={"KAFKA_TASKS_PORT": "1"})
        assert done.code == 0
    else:
        project.run("up", env={"KAFKA_TASKS_PORT": "1"}).refused(4, "Port 1 ")
