"""A Compose file of one's own: other names, other ids, a neighbour, and what is done with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import docker
import pytest
import yaml

from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import KAFKA_IMAGE, Bench, make_project, named

_SERVERS = "zk1:2888:3888;zk2:2888:3888;zk3:2888:3888"
# The image's own start would take some seconds more.
_START = """
echo "$$ZOOKEEPER_SERVER_ID" >/var/lib/zookeeper/data/myid
{
  printf '%s\\n' dataDir=/var/lib/zookeeper/data dataLogDir=/var/lib/zookeeper/log
  printf '%s\\n' clientPort=2181 initLimit=5 syncLimit=2 admin.enableServer=false
  printf 'server.%s\\n' 1=zk1:2888:3888 2=zk2:2888:3888 3=zk3:2888:3888
} >/etc/kafka/zookeeper.properties
exec zookeeper-server-start /etc/kafka/zookeeper.properties
"""
_TOOL = {
    "image": KAFKA_IMAGE,
    "command": ["kafka-topics", "--bootstrap-server", "broker:29092", "--create", "--topic", "a"],
}


def _server(like: Mapping[str, Any], number: int) -> dict[str, Any]:
    """One ZooKeeper of three; the first alone publishes its port."""
    name = f"zk{number}"
    told = {"ZOOKEEPER_SERVER_ID": number, "ZOOKEEPER_SERVERS": _SERVERS}
    return {
        **like,
        "command": ["bash", "-c", _START],
        "environment": {**like["environment"], **told},
        "ports": like["ports"] if number == 1 else [],
        "volumes": [
            f"{name}-data:/var/lib/zookeeper/data",
            f"{name}-log:/var/lib/zookeeper/log",
        ],
    }


def _file() -> str:
    """The packaged services under other names, with an ensemble, and a tool beside them."""
    read = yaml.safe_load(packaged().read_text())
    like, broker = read["services"]["zookeeper"], read["services"]["kafka"]
    servers = {f"zk{number}": _server(like, number) for number in (1, 2, 3)}
    environment = broker["environment"]
    environment["KAFKA_BROKER_ID"] = 7
    environment["KAFKA_ZOOKEEPER_CONNECT"] = ",".join(f"{name}:2181" for name in servers)
    advertised = environment["KAFKA_ADVERTISED_LISTENERS"].replace("kafka:29092", "broker:29092")
    environment["KAFKA_ADVERTISED_LISTENERS"] = advertised
    broker["depends_on"] = {name: {"condition": "service_healthy"} for name in servers}
    mounted = (each["volumes"] for each in (*servers.values(), broker))
    volumes = {volume.partition(":")[0]: None for each in mounted for volume in each}
    services = {**servers, "broker": broker, "make-topics": _TOOL}
    return yaml.safe_dump({"services": services, "networks": read["networks"], "volumes": volumes})


@pytest.fixture(scope="module")
def own(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project with such a file whose cluster runs."""
    bench = make_project(tmp_path_factory.mktemp(named("own")), engine)
    (bench.path / "docker-compose.yml").write_text(_file())
    try:
        started = bench.run("up", timeout=240)
        assert started.code == 0, started.err
        yield bench
    finally:
        bench.clean()


def test_names_and_roles_are_those_of_the_file(own: Bench) -> None:
    """One ZooKeeper alone publishes its port; the tool beside them is not started."""
    found = own.run("status", "-o", "json").json
    told = [(each["name"], each["role"], each["address"]) for each in found["services"]]
    first = f"localhost:{own.port('KAFKA_TASKS_ZOOKEEPER_PORT')}"
    assert told == [
        ("zk1", "zookeeper", first),
        ("zk2", "zookeeper", None),
        ("zk3", "zookeeper", None),
        ("broker", "broker", f"localhost:{own.port()}"),
    ]
    assert (found["state"], found["mode"], found["zookeeper"]) == ("ready", "zookeeper", first)
    assert set(own.containers) == {"zk1", "zk2", "zk3", "broker"}


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


def test_a_lost_server_of_the_ensemble_is_started_again(own: Bench) -> None:
    """The other two serve the broker meanwhile."""
    assert own.docker("compose", "stop", "zk2").code == 0
    for _ in range(20):
        seen = own.run("status", "-o", "json")
        states = {each["name"]: each["state"] for each in seen.json["services"]}
        # If it was the leader, the others elect one first.
        if states["zk1"] == "ready":
            break
    assert (seen.code, seen.json["state"], states["zk2"]) == (5, "degraded", "failed")
    assert states["zk1"] == "ready", seen.out
    assert own.run("topic").code == 0
    assert own.run("up", "-o", "json").json["state"] == "ready"


def test_one_service_is_restarted_and_all_stop(own: Bench) -> None:
    """By the file's names; the data is there again."""
    restarted = own.run("restart", "--service", "broker", "-o", "json", timeout=240)
    assert restarted.code == 0, restarted.err
    assert "test-topic" in own.run("topic.list").out
    stopped = own.run("down")
    assert (stopped.code, stopped.out.strip()) == (0, "Stopped broker, zk3, zk2, zk1. Data kept.")


def test_the_networks_of_the_file_stay_for_its_other_services(own: Bench) -> None:
    """While one of them has a container, and no longer; that is said."""
    label = {"label": f"com.docker.compose.project={own.path.name}"}
    assert own.engine.networks.list(filters=label) == []
    assert own.run("up", timeout=240).code == 0
    assert own.docker("compose", "create", "make-topics").code == 0
    stopped = own.run("down")
    assert "the file's networks stay for make-topics" in stopped.err
    assert own.engine.networks.list(filters=label) != []
    assert own.docker("compose", "rm", "--force", "make-topics").code == 0
    assert own.run("down").code == 0
    assert own.engine.networks.list(filters=label) == []
