"""The Compose file without our tool: the commands of the guide, as a person types them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import docker
import pytest

from kafka_tasks.runtimes.compose import compose_file
from tests.compose.conftest import Bench, Result, _is_free, make_project, named

DEFAULTS = {"KAFKA_TASKS_PORT": 9092, "KAFKA_TASKS_ZOOKEEPER_PORT": 2181}


def own_copy(project: Bench) -> None:
    """Give the project the packaged file, and the ports that it has by default if they are free."""
    shutil.copy(compose_file.packaged(), project.path / "docker-compose.yml")
    if all(map(_is_free, DEFAULTS.values())):
        for name in DEFAULTS:
            del project.environ[name]


@pytest.fixture(scope="module")
def by_hand(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A cluster that `docker compose up -d --wait` started."""
    bench = make_project(tmp_path_factory.mktemp(named("by-hand")), engine)
    own_copy(bench)
    try:
        started = bench.docker("compose", "up", "-d", "--wait")
        assert started.code == 0, started.err
        yield bench
    finally:
        bench.clean()


def port(project: Bench) -> int:
    """The broker's port for the host."""
    name = "KAFKA_TASKS_PORT"
    return int(project.environ.get(name, DEFAULTS[name]))


def in_kafka(project: Bench, *command: str) -> Result:
    """`docker compose exec kafka …`, with the address that works inside as outside."""
    address = f"localhost:{port(project)}"
    return project.docker(
        "compose", "exec", "kafka", *command, "--bootstrap-server", address, timeout=60
    )


def test_config_accepts_the_file(project: Bench) -> None:
    """`docker compose config -q` has nothing to say, with no variable set and with each profile."""
    shutil.copy(compose_file.packaged(), project.path / "docker-compose.yml")
    for name in list(project.environ):
        if name.startswith("KAFKA_TASKS_"):
            del project.environ[name]
    for brokers in range(1, 6):
        found = project.docker("compose", "--profile", f"brokers-{brokers}", "config", "-q")
        assert (found.code, found.out, found.err) == (0, "", "")


def test_ps_shows_both_healthy(by_hand: Bench) -> None:
    """`docker compose ps` lists ZooKeeper and Kafka, running and healthy."""
    found = by_hand.docker("compose", "ps")
    assert found.code == 0, found.err
    rows = found.out.splitlines()[1:]
    assert len(rows) == 2
    assert all("(healthy)" in row for row in rows)
    assert f"127.0.0.1:{port(by_hand)}->{port(by_hand)}/tcp" in found.out


def test_the_broker_answers_inside_its_container(by_hand: Bench) -> None:
    """`kafka-broker-api-versions` gets an answer by the address that the host uses."""
    found = in_kafka(by_hand, "kafka-broker-api-versions")
    assert found.code == 0, found.err
    assert f"localhost:{port(by_hand)} (id: 1" in found.out
    assert "Produce(0)" in found.out


def test_a_topic_is_created_by_hand(by_hand: Bench) -> None:
    """`kafka-topics --create` makes it, and our own task finds it there."""
    made = in_kafka(by_hand, "kafka-topics", "--create", "--topic", "test-topic")
    assert made.code == 0, made.out + made.err
    assert "Created topic test-topic." in made.out
    found = by_hand.run("topic", "-o", "json")
    assert found.code == 0, found.out
    assert found.json["created"] is False


@pytest.mark.release
def test_restart_keeps_the_topics(by_hand: Bench) -> None:
    """`docker compose restart`, and the broker is back with what it had."""
    kept = in_kafka(by_hand, "kafka-topics", "--create", "--if-not-exists", "--topic", "kept")
    assert kept.code == 0, kept.out + kept.err
    restarted = by_hand.docker("compose", "restart")
    assert restarted.code == 0, restarted.err
    waited = by_hand.docker("compose", "up", "-d", "--wait")
    assert waited.code == 0, waited.err
    assert "kept" in in_kafka(by_hand, "kafka-topics", "--list").out.splitlines()


@pytest.mark.release
def test_down_removes_containers_and_network_and_keeps_the_data(project: Bench) -> None:
    """`docker compose down`, and the next `up` has the topic of the one before."""
    own_copy(project)
    assert project.docker("compose", "up", "-d", "--wait").code == 0
    made = in_kafka(project, "kafka-topics", "--create", "--topic", "test-topic")
    assert made.code == 0, made.out + made.err
    label = {"label": f"com.docker.compose.project={project.path.name}"}
    assert project.engine.networks.list(filters=label)
    assert project.docker("compose", "down").code == 0
    assert not project.containers
    assert not project.engine.networks.list(filters=label)
    assert project.docker("compose", "up", "-d", "--wait").code == 0
    assert in_kafka(project, "kafka-topics", "--list").out.split() == ["test-topic"]
