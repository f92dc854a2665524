"""A Compose file of one's own: other names, other ids, a neighbour, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator

import docker
import pytest

from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import KAFKA_IMAGE, Bench, make_project, named

# The packaged file under other names: the images' own start would take ten seconds more.
_CHANGES = (
    ("\n  zookeeper:\n    image", "\n  zk:\n    image"),
    ("    zookeeper:\n      condition", "    zk:\n      condition"),
    ("KAFKA_ZOOKEEPER_CONNECT: zookeeper:", "KAFKA_ZOOKEEPER_CONNECT: zk:"),
    ('    ports: ["127.0.0.1:${KAFKA_TASKS_ZOOKEEPER_PORT:-2181}:2181"]\n', ""),
    ("\n  kafka:\n    <<: *broker", "\n  broker:\n    <<: *broker"),
    ("KAFKA_BROKER_ID: 1\n", "KAFKA_BROKER_ID: 7\n"),
    ("CONTAINER://kafka:29092", "CONTAINER://broker:29092"),
    ("\nnetworks:\n", "{tool}\nnetworks:\n"),
)
_TOOL = f"""
  make-topics:
    image: {KAFKA_IMAGE}
    command: [kafka-topics, --bootstrap-server, "broker:29092", --create, --topic, orders]
"""


@pytest.fixture(scope="module")
def own(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project with such a file whose cluster runs."""
    bench = make_project(tmp_path_factory.mktemp(named("own")), engine)
    text = packaged().read_text()
    for old, new in _CHANGES:
        assert old in text
        text = text.replace(old, new.replace("{tool}", _TOOL))
    (bench.path / "docker-compose.yml").write_text(text)
    try:
        started = bench.run("up", timeout=240)
        assert started.code == 0, started.err
        yield bench
    finally:
        bench.clean()


def test_names_and_roles_are_those_of_the_file(own: Bench) -> None:
    """ZooKeeper's port is not published; the tool beside it is no broker, and is not started."""
    found = own.run("status", "-o", "json").json
    told = [(each["name"], each["role"], each["address"]) for each in found["services"]]
    assert told == [("zk", "zookeeper", None), ("broker", "broker", f"localhost:{own.port()}")]
    assert (found["state"], found["mode"]) == ("ready", "zookeeper")
    assert set(own.containers) == {"zk", "broker"}


def test_a_topic_and_the_log_of_a_service(own: Bench) -> None:
    """Records go in and out; the log is asked for by the file's name."""
    assert own.run("topic").code == 0
    logged = own.run("logs", "--service", "broker", "--tail", "400")
    assert logged.code == 0 and "started (kafka.server.KafkaServer)" in logged.out
    assert own.run("logs", "--service", "kafka").code == 3


def test_doctor_knows_its_ids_and_its_ports(own: Bench) -> None:
    """Broker 7 is the one that is registered, and ports that the file does not publish are free."""
    examined = own.run("doctor", "-o", "json")
    errors = [each["id"] for each in examined.json["findings"] if each["level"] == "error"]
    assert errors == [], examined.out


def test_one_service_is_restarted_and_all_stop(own: Bench) -> None:
    """By the file's names; the data is there again."""
    restarted = own.run("restart", "--service", "broker", "-o", "json", timeout=240)
    assert restarted.code == 0, restarted.err
    assert "test-topic" in own.run("topic.list").out
    stopped = own.run("down")
    assert (stopped.code, stopped.out.strip()) == (0, "Stopped broker, zk. Data kept.")
