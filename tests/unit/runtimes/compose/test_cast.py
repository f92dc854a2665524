"""Compose files as people write them: which services are the cluster, under whatever names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ServiceRecord
from kafka_tasks.runtimes.compose import cast, command, compose_file, containers
from kafka_tasks.settings import Settings, load
from tests.unit.recorded import cluster_record
from tests.unit.runtimes.compose.engine import container
from tests.unit.runtimes.compose.long_form import written_out

CONNECT = {"KAFKA_ZOOKEEPER_CONNECT": "zk:2181"}
ZK = {"image": "cp-zookeeper:7.6.0", "environment": {"ZOOKEEPER_CLIENT_PORT": 2181}}


def _broker(number: int | None = None, port: int | None = None, **more: Any) -> dict[str, Any]:
    told: dict[str, object] = dict(CONNECT)
    if number is not None:
        told["KAFKA_BROKER_ID"] = number
    if port is not None:
        told["KAFKA_ADVERTISED_LISTENERS"] = f"IN://me:29092,OUT://localhost:{port}"
        more["ports"] = [f"{port}:{port}"]
    return {"image": "confluentinc/cp-kafka:7.6.0", "environment": told, **more}


def _node(number: int, roles: str, image: str = "apache/kafka:4.1.0", prefix: str = "") -> Any:
    told = {"NODE_ID": number, "PROCESS_ROLES": roles, "LISTENERS": "C://:9093"}
    return {"image": image, "environment": {f"KAFKA_{prefix}{k}": v for k, v in told.items()}}


def _cast(**services: dict[str, Any]) -> Topology:
    import yaml

    config = written_out(yaml.safe_dump({"services": services}, sort_keys=False))
    return compose_file.published(cast.of_config(config), config)


def _told(found: Topology) -> dict[str, tuple[str, int, int]]:
    return {each.name: (str(each.role), each.number, each.node_id) for each in found}


FILES: dict[str, tuple[dict[str, Any], dict[str, tuple[str, int, int]]]] = {
    "broker and zk, and what stands beside them": (
        {
            "broker": _broker(1),
            "zk": ZK,
            "init": {"image": "cp-kafka:7.6.0", "command": "kafka-topics --create --topic a"},
            "init-with-variables": _broker(1, command="bash -c 'cub kafka-ready -b broker:9092'"),
            "ui": {"image": "x/kafka-ui", "environment": {"KAFKA_CLUSTERS_0_ZOOKEEPER": "zk:2181"}},
            "registry": {"image": "cp-schema-registry:7.6.0"},
            "app": {"image": "me/app", "environment": CONNECT},
        },
        {"zk": ("zookeeper", 1, 1), "broker": ("broker", 1, 1)},
    ),
    "kafka1 to kafka3 and zoo1": (
        {
            "kafka3": _broker(3),
            "kafka1": _broker(1),
            "zoo1": {"image": "zookeeper:3.8", "environment": {"ZOO_MY_ID": 1}},
            "kafka2": _broker(2),
        },
        {
            "zoo1": ("zookeeper", 1, 1),
            "kafka1": ("broker", 1, 1),
            "kafka2": ("broker", 2, 2),
            "kafka3": ("broker", 3, 3),
        },
    ),
    "ids from 0 or 101": (
        {"zk": ZK, "b": _broker(102), "a": _broker(101), "first": _broker(0)},
        {
            "zk": ("zookeeper", 1, 1),
            "first": ("broker", 1, 0),
            "a": ("broker", 2, 101),
            "b": ("broker", 3, 102),
        },
    ),
    "no ids, so that the order of the file counts": (
        {"zk": ZK, "right": _broker(), "left": _broker()},
        {"zk": ("zookeeper", 1, 1), "right": ("broker", 1, 1), "left": ("broker", 2, 2)},
    ),
    "one node in KRaft mode, and a forgotten ZooKeeper": (
        {"broker": _node(1, "broker,controller"), "zookeeper": ZK},
        {"broker": ("combined", 1, 1)},
    ),
    "an image that has its configuration": (
        {"server": {"image": "apache/kafka:latest", "ports": ["9092:9092"]}},
        {"server": ("combined", 1, 1)},
    ),
    "bitnami's names": (
        {"kafka-0": _node(0, "controller,broker", "bitnami/kafka:3.6", "CFG_")},
        {"kafka-0": ("combined", 1, 0)},
    ),
    "bitnami's ZooKeeper": (
        {
            "keeper": {"image": "bitnami/zookeeper:3.8"},
            "node": {
                "image": "docker.io/bitnami/kafka:3.2",
                "environment": {"KAFKA_CFG_ZOOKEEPER_CONNECT": "keeper:2181"},
            },
        },
        {"keeper": ("zookeeper", 1, 1), "node": ("broker", 1, 1)},
    ),
    "controllers and brokers apart": (
        {
            "c1": _node(1, "controller"),
            "b4": _node(4, "broker"),
            "b5": _node(5, "broker"),
        },
        {"c1": ("controller", 1, 1), "b4": ("broker", 1, 4), "b5": ("broker", 2, 5)},
    ),
    "images of one's own, by variables and by label": (
        {
            "queue": {"build": {}, "environment": {**CONNECT, "KAFKA_LISTENERS": "A://:1"}},
            "state": {"build": {}, "labels": {"kafka-tasks.role": "zookeeper"}},
        },
        {"state": ("zookeeper", 1, 1), "queue": ("broker", 1, 1)},
    ),
    "our names, by whatever image": (
        {"zookeeper": {"image": "z"}, "kafka": {"image": "k"}, "kafka-2": {"image": "k"}},
        {
            "zookeeper": ("zookeeper", 1, 1),
            "kafka": ("broker", 1, 1),
            "kafka-2": ("broker", 2, 2),
        },
    ),
    "a label that leaves one out": (
        {"zk": ZK, "a": _broker(1), "b": _broker(1, labels={"kafka-tasks.role": "none"})},
        {"zk": ("zookeeper", 1, 1), "a": ("broker", 1, 1)},
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_the_cast_of_a_file(name: str) -> None:
    """Roles by image, variables and label; numbers by ids; the names stay the file's."""
    services, expected = FILES[name]
    assert _told(_cast(**services)) == expected


def _of_ensemble(number: int) -> dict[str, Any]:
    servers = " ".join(f"server.{each}=zoo{each}:2888:3888;2181" for each in (1, 2, 3))
    return {"image": "zookeeper:3.9", "environment": {"ZOO_MY_ID": number, "ZOO_SERVERS": servers}}


@pytest.mark.parametrize(
    ("services", "said", "seen"),
    [
        (
            {"zk": ZK, "a": _broker(1), "b": _broker(1)},
            "Several services of the Compose file have the id 1: a and b",
            "b: broker, image confluentinc/cp-kafka:7.6.0, id 1",
        ),
        (
            {"zoo1": ZK, "zoo2": ZK, "a": _broker(1)},
            "which service of the Compose file is ZooKeeper: zoo1, zoo2",
            "zoo1: zookeeper, image cp-zookeeper:7.6.0",
        ),
        (
            {"zk": ZK, "old": _broker(1), "new": _node(2, "broker,controller")},
            r"mode of the cluster \(ZooKeeper or KRaft\): old, new",
            "new: combined, image apache/kafka:4.1.0, id 2",
        ),
        (
            {f"zoo{number}": _of_ensemble(number) for number in range(1, 7)},
            "has 6 ZooKeeper servers, and kafka-tasks runs up to 5",
            "zoo6: zookeeper, image zookeeper:3.9",
        ),
        (
            {f"n{number}": _node(number, "broker,controller") for number in range(1, 6)},
            "has 5 controllers, and kafka-tasks runs up to 3",
            "n1: combined, image apache/kafka:4.1.0, id 1",
        ),
    ],
    ids=["one id twice", "two ZooKeepers", "both modes", "six ZooKeepers", "five voters"],
)
def test_what_cannot_be_told_is_refused(services: dict[str, Any], said: str, seen: str) -> None:
    """With what was seen, and the label to write."""
    with pytest.raises(InvalidInput, match=said) as caught:
        _cast(**services)
    assert seen in caught.value.evidence
    assert "labels: {kafka-tasks.role: none}" in (caught.value.hint or "")


def test_a_label_that_means_nothing() -> None:
    """It is refused, with the words that it may have."""
    with pytest.raises(InvalidInput, match="of zk is 'zoo'") as caught:
        _cast(zk={**ZK, "labels": {"kafka-tasks.role": "zoo"}})
    assert caught.value.hint == "write one of zookeeper, controller, combined, broker, none"


def test_the_ports_are_those_of_the_file() -> None:
    """A ZooKeeper whose port is not published cannot be reached from here."""
    found = _cast(zk=ZK, broker=_broker(1, 19092))
    assert [each.port for each in found] == [None, 19092]
    keeper = {**ZK, "environment": {"ZOOKEEPER_CLIENT_PORT": 22181}, "ports": ["32181:22181"]}
    assert [each.port for each in _cast(zk=keeper, broker=_broker(1, 19092))] == [32181, 19092]


def test_what_a_record_keeps(project: Project) -> None:
    """Name, number, id and missing ports come back as they were."""
    found = _cast(zk=ZK, b=_broker(102, 19094), a=_broker(101, 19092))
    records = tuple(map(ServiceRecord.of, found))
    state.write(project, cluster_record(runtime="compose", services=records))
    again = state.read(project)
    assert again is not None and again.topology == found
    assert [each.places for each in found.brokers] == [("kafka",), ("kafka-2",)]


def test_containers_of_such_a_file() -> None:
    """By hand they are known by what they are; a record says which number each has."""
    told = {**CONNECT, "KAFKA_BROKER_ID": "3"}
    there = {
        "kafka3": container("kafka3", image="cp-kafka:7.6.0", environment=told),
        "zoo1": container("zoo1", image="zookeeper:3.8", ports={2181: 2181}),
    }
    assert _told(containers.topology(there)) == {
        "zoo1": ("zookeeper", 1, 1),
        "kafka3": ("broker", 1, 3),
    }
    known = _cast(zoo1=ZK, kafka1=_broker(1), kafka2=_broker(2), kafka3=_broker(3))
    assert _told(containers.topology(there, known))["kafka3"] == ("broker", 3, 3)


# -- the settings ---------------------------------------------------------------------------------


def _fitted(
    project: Project, monkeypatch: pytest.MonkeyPatch, services: dict[str, Any], **environ: str
) -> Settings:
    """Return the settings of a project with such a file."""
    import yaml

    def config(self: command.Project, *, profile: str | None = None) -> dict[str, Any]:
        def chosen(entry: dict[str, Any]) -> bool:
            wanted = entry.get("profiles") or self.profiles
            return "*" in self.profiles or bool(set(wanted) & set(self.profiles))

        kept = {name: entry for name, entry in services.items() if chosen(entry)}
        return written_out(yaml.safe_dump({"services": kept}, sort_keys=False))

    monkeypatch.setattr(command.Project, "config", config)
    (project.path / "compose.yaml").write_text(
        yaml.safe_dump({"services": services}, sort_keys=False)
    )
    told = {f"KAFKA_TASKS_{name}": text for name, text in environ.items()}
    return compose_file.fitted(load(project.path, environ=told))


def test_the_file_decides_brokers_and_mode(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a word in the settings."""
    found = _fitted(project, monkeypatch, {"zk": ZK, "a": _broker(1), "b": _broker(2)})
    assert (found.topology.names, found.brokers) == (("zk", "a", "b"), 2)
    assert found.resolved_mode == "zookeeper"
    alone = _fitted(project, monkeypatch, {"server": _node(1, "broker,controller")})
    assert (alone.topology.names, alone.resolved_mode) == (("server",), "kraft")


def test_fewer_brokers_than_the_file_has(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first ones are taken; more than it has are refused."""
    services = {"zk": ZK, "a": _broker(1), "b": _broker(2)}
    found = _fitted(project, monkeypatch, services, BROKERS="1")
    assert found.topology.names == ("zk", "a")
    with pytest.raises(InvalidInput, match=r"has 2 of the 3 brokers .* asked for: a, b") as caught:
        _fitted(project, monkeypatch, services, BROKERS="3")
    assert "--brokers 2" in (caught.value.hint or "")


def test_profiles_of_the_user(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that .env chooses count; where they leave no cluster, every service is looked at."""
    services = {
        "zk": {**ZK, "profiles": ["old"]},
        "a": _broker(1, profiles=["old"]),
        "server": {**_node(1, "broker,controller"), "profiles": ["new"]},
    }
    (project.path / ".env").write_text("COMPOSE_PROFILES=new\n")
    assert _fitted(project, monkeypatch, services).topology.names == ("server",)
    (project.path / ".env").write_text("")
    del services["server"]
    found = _fitted(project, monkeypatch, services)
    assert found.topology.names == ("zk", "a")
    path = project.path / "compose.yaml"
    assert compose_file.profiles_for(found, path, found.topology) == ("*",)


def test_a_mode_that_was_asked_for(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the other one is left alone, and named it is refused."""
    services = {"zk": ZK, "a": _broker(1)}
    found = _fitted(project, monkeypatch, services, MODE="kraft")
    assert found.services is None
    with pytest.raises(InvalidInput, match="has a service zk, and KRaft mode has none"):
        _fitted(project, monkeypatch, services, MODE="kraft", COMPOSE_FILE="compose.yaml")
    assert compose_file.choose(found).path == compose_file.packaged("kraft")
    assert not Path(project.path / "docker-compose.yml").exists()


@pytest.mark.parametrize("by_label", [False, True])
def test_an_ensemble_of_zookeeper(by_label: bool) -> None:
    """Its servers name each other, or each has the label; they start before the broker."""
    label = {"labels": {"kafka-tasks.role": "zookeeper"}}
    one = [{**ZK, **label} if by_label else _of_ensemble(number) for number in (1, 2, 3)]
    found = _cast(a=_broker(1), **{f"zoo{number}": each for number, each in enumerate(one, 1)})
    assert [each.name for each in found.start_waves[0]] == ["zoo1", "zoo2", "zoo3"]
    assert [each.our_name for each in found.coordinators] == [
        "zookeeper",
        "zookeeper-2",
        "zookeeper-3",
    ]
    assert not found.is_coordinated({"zoo1", "a"})
    assert found.is_coordinated({"zoo1", "zoo3"})
