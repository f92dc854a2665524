"""Compose files of many kinds: what cannot work is named before a start, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.runtimes.compose import file_problems
from kafka_tasks.runtimes.compose.health_checks import tool_of
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem, Surroundings
from kafka_tasks.runtimes.compose.service_config import ConfiguredService
from tests.unit.runtimes.compose.long_form import written_out

FILES = yaml.safe_load((Path(__file__).parent / "files.yaml").read_text(encoding="utf-8"))
HERE = Surroundings(frozenset({"127.0.0.1", "10.0.0.9"}), frozenset({"localhost", "me"}))
KEEPER = {"image": "cp-zookeeper:7.4.0", "environment": {"ZOOKEEPER_CLIENT_PORT": 2181}}


def read(case: dict[str, Any]) -> ConfiguredFile:
    """Return the file of a case; whatever is not ZooKeeper is a broker."""
    document = {"services": {"zk": KEEPER, **case["text"]}, "networks": case.get("networks") or {}}
    keeper = Service("zk", Role.ZOOKEEPER, 1)
    brokers = [Service(name, Role.BROKER, 1) for name in case["text"] if name != "zk"]
    config = written_out(yaml.safe_dump(document))
    return ConfiguredFile(config, Topology((keeper, *brokers)), HERE)


@pytest.mark.parametrize("case", FILES, ids=lambda case: str(case["name"]))
def test_what_cannot_work_is_named(case: dict[str, Any]) -> None:
    """The first fatal problem is the right one; a file that can work has none."""
    found = file_problems.problems(read(case))
    fatal = [problem for problem in found if problem.fatal]
    assert next((problem.id for problem in fatal), None) == case["is"], list(map(str, found))
    assert case.get("says", "") in (str(fatal[0]) if fatal else "")
    assert [problem.id for problem in found if not problem.fatal] == case.get("also", [])
    assert all(problem.fix for problem in found)


def test_there_are_enough_files() -> None:
    """Each kind has several, and each file is another one."""
    assert len({str(case["text"]) for case in FILES}) == len(FILES) >= 40


def test_it_is_refused_in_one_sentence() -> None:
    """With the id of the finding and the fix; further problems are the evidence."""
    case = next(case for case in FILES if case["name"] == "ZooKeeper under a misspelt name")
    with pytest.raises(InvalidInput) as caught:
        file_problems.require_workable(read(case))
    error = caught.value
    assert error.message == (
        "The Compose file cannot work: kafka: KAFKA_ZOOKEEPER_CONNECT is not set; it has "
        "ZOOKEEPER_CONNECT."
    )
    assert error.finding == "variable-missing" and error.exit_code == 3
    assert error.hint == "rename ZOOKEEPER_CONNECT to KAFKA_ZOOKEEPER_CONNECT"


def named(name: str) -> Problem:
    """Return the first problem of the file of this name."""
    return file_problems.problems(read(next(case for case in FILES if case["name"] == name)))[0]


def test_names_of_other_images_say_what_they_become() -> None:
    """Each variable has its new name; topics become a topics.yaml."""
    fix = named("the names of bitnami's image").fix
    assert "KAFKA_CFG_ADVERTISED_LISTENERS becomes KAFKA_ADVERTISED_LISTENERS" in fix
    fix = named("the names of wurstmeister's image").fix
    assert "KAFKA_ADVERTISED_LISTENERS: PLAINTEXT://localhost:9092" in fix
    assert "{name: test, partitions: 3, replication_factor: 1}" in fix


def test_a_copied_block_has_its_own_address_as_fix() -> None:
    """The second broker is told to advertise its own name."""
    assert named("a copied block").fix == "advertise IN://kafka-2:29092 in kafka-2"


@pytest.mark.parametrize(
    ("check", "tool"),
    [
        ("kafka-topics --list", "kafka-topics"),
        ("bash -c 'cub kafka-ready -b localhost:9092 1 5'", "cub"),
        ("/usr/bin/zookeeper-shell localhost:2181 ls /", "zookeeper-shell"),
        ("nc -z localhost 9092 && kafka-cluster.sh cluster-id", "kafka-cluster"),
        ("pgrep -f kafka-topics", None),
        ("ls /opt/kafka/bin/kafka-topics.sh", None),
        ("curl -f http://kafka-topics-ui:8000", None),
        ("echo srvr | nc localhost 2181", None),
        ("", None),
    ],
)
def test_only_what_runs_a_tool_starts_a_jvm(check: str, tool: str | None) -> None:
    """A path, a pattern or a host name that has the word in it runs nothing."""
    assert tool_of(check) == tool


@pytest.mark.parametrize(
    ("image", "family", "version"),
    [
        ("confluentinc/cp-kafka:7.9.6", "confluent", (7, 9, 6)),
        ("registry.example.org:5000/mirror/cp-server:7.5.0@sha256:00", "confluent", (7, 5, 0)),
        ("bitnami/kafka", "bitnami", ()),
        ("docker.io/bitnamilegacy/zookeeper:3.9.3-debian-12-r22", "bitnami", (3, 9, 3)),
        ("wurstmeister/kafka:2.13-2.8.1", "wurstmeister", (2, 8, 1)),
        ("apache/kafka-native:4.0.0", "apache", (4, 0, 0)),
        ("zookeeper:3.4.9", "zookeeper", (3, 4, 9)),
        ("confluentinc/cp-kafka-connect:7.9.6", None, (7, 9, 6)),
        ("provectuslabs/kafka-ui:latest", None, ()),
        ("acme/zookeeper-ui:1", None, (1,)),
    ],
)
def test_an_image_has_a_family(image: str, family: str | None, version: tuple[int, ...]) -> None:
    """By its whole name, whatever registry it comes from; tools of Kafka are of none."""
    service = ConfiguredService("x", {"image": image})
    assert (service.family, service.version) == (family, version)
