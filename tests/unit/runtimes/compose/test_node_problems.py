"""Nodes in KRaft mode that cannot start; each was seen with the images, on the lines 3.5 to 4.4."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from kafka_tasks.errors import InvalidInput
from kafka_tasks.runtimes.compose import cast, file_problems
from kafka_tasks.runtimes.compose.problems import ConfiguredFile, Problem
from tests.unit.runtimes.compose.long_form import written_out

_ID = "4L6g3nShT-eMCtK--X86sw"
_MAP = "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT"
_BOTH = "IN://kafka:29092,OUT://localhost:9092"
_LISTENERS = "IN://:29092,OUT://:9092,CONTROLLER://:9093"


def _node(**changes: str | None) -> dict[str, Any]:
    """Return a combined node; a variable that is None is left out."""
    told = {
        "CLUSTER_ID": _ID,
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@kafka:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": _LISTENERS,
        "KAFKA_ADVERTISED_LISTENERS": _BOTH,
        "KAFKA_INTER_BROKER_LISTENER_NAME": "IN",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": _MAP,
        **changes,
    }
    environment = {name: value for name, value in told.items() if value is not None}
    return {"image": "confluentinc/cp-kafka:7.9.6", "environment": environment}


def _broker(**changes: str | None) -> dict[str, Any]:
    told = {"KAFKA_NODE_ID": "2", "KAFKA_PROCESS_ROLES": "broker"}
    return {
        **_node(**{**told, "KAFKA_LISTENERS": "IN://:29092,OUT://:9092", **changes}),
        "ports": ["9092:9092"],
    }


def _controller(**changes: str | None) -> dict[str, Any]:
    told = {
        "KAFKA_PROCESS_ROLES": "controller",
        "KAFKA_LISTENERS": "CONTROLLER://:9093",
        "KAFKA_ADVERTISED_LISTENERS": None,
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@controller:9093",
    }
    return _node(**{**told, **changes})


def _apart(controller: Mapping[str, Any], broker: Mapping[str, Any]) -> list[Problem]:
    services = {"controller": controller, "kafka": broker}
    told = {"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@controller:9093"}
    for each in services.values():
        if each["environment"].get("KAFKA_CONTROLLER_QUORUM_VOTERS") == "1@kafka:9093":
            each["environment"].update(told)
    return _problems(services)


def _problems(services: Mapping[str, Any]) -> list[Problem]:
    config = written_out(yaml.safe_dump({"services": services}))
    return list(file_problems.problems(ConfiguredFile(config, cast.of_config(config))))


def _alone(image: str = "confluentinc/cp-kafka:7.9.6", **changes: str | None) -> list[Problem]:
    return _problems({"kafka": {**_node(**changes), "image": image, "ports": ["9092:9092"]}})


OLD = "confluentinc/cp-kafka:7.5.3"
NEW = "confluentinc/cp-kafka:8.3.0"
APACHE = "apache/kafka:4.1.0"
WITH_CONTROLLER = f"{_BOTH},CONTROLLER://kafka:9093"
# The images, a change, the id and words of the one problem.
REFUSED: list[tuple[tuple[str, ...], dict[str, str | None], str, str]] = [
    ((OLD, NEW), {"CLUSTER_ID": None}, "variable-missing", "CLUSTER_ID is not set"),
    ((OLD, NEW), {"CLUSTER_ID": ""}, "variable-missing", "CLUSTER_ID is not set"),
    (
        (NEW,),
        {"CLUSTER_ID": None, "KAFKA_CLUSTER_ID": _ID},
        "variable-missing",
        "CLUSTER_ID is not set; it has KAFKA_CLUSTER_ID",
    ),
    ((OLD,), {"CLUSTER_ID": "my-cluster"}, "cluster-id-invalid", "takes only 16 bytes"),
    ((OLD, NEW, APACHE), {"KAFKA_NODE_ID": None}, "variable-missing", "KAFKA_NODE_ID is not set"),
    ((OLD, NEW, APACHE), {"KAFKA_BROKER_ID": "2"}, "node-id-wrong", "and KAFKA_BROKER_ID is 2"),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_CONTROLLER_LISTENER_NAMES": None},
        "variable-missing",
        "KAFKA_CONTROLLER_LISTENER_NAMES is not set",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_CONTROLLER_QUORUM_VOTERS": None},
        "variable-missing",
        "KAFKA_CONTROLLER_QUORUM_VOTERS is not set",
    ),
    (
        (OLD, "apache/kafka:3.8.0"),
        {"KAFKA_ADVERTISED_LISTENERS": WITH_CONTROLLER},
        "listeners-invalid",
        "Kafka before 3.9 refuses that",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "IN:PLAINTEXT,OUT:PLAINTEXT"},
        "listeners-invalid",
        "the listener CONTROLLER has no entry",
    ),
    (
        (NEW, APACHE),
        {
            "KAFKA_ADVERTISED_LISTENERS": WITH_CONTROLLER,
            "KAFKA_INTER_BROKER_LISTENER_NAME": "CONTROLLER",
        },
        "listeners-invalid",
        "INTER_BROKER_LISTENER_NAME is CONTROLLER, where controllers are reached",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_INTER_BROKER_LISTENER_NAME": "CONTROLLER"},
        "listeners-invalid",
        "INTER_BROKER_LISTENER_NAME is CONTROLLER, where controllers are reached",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_LISTENERS": "IN://:29092,OUT://:9092,CONTROLLER://localhost:9093"},
        "voters-differ",
        "kafka listens for controllers on localhost alone",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@:9093"},
        "voters-differ",
        "has 1@:9093, and Kafka reads id@host:port alone",
    ),
    (
        (OLD, NEW, APACHE),
        {"KAFKA_LISTENERS": None},
        "listeners-invalid",
        "has no listener CONTROLLER, where controllers are reached",
    ),
]


@pytest.mark.parametrize(
    ("image", "changes", "id_", "said"),
    [(image, *rest) for images, *rest in REFUSED for image in images],
)
def test_a_node_that_cannot_start(
    image: str, changes: dict[str, str | None], id_: str, said: str
) -> None:
    """It is refused before a start, with one cause and its fix."""
    (found,) = _alone(image, **changes)
    assert (found.id, found.fatal, bool(found.fix)) == (id_, True, True)
    assert said in found.text


@pytest.mark.parametrize(
    ("image", "changes"),
    [
        (OLD, {}),
        (APACHE, {}),
        (APACHE, {"CLUSTER_ID": None}),
        ("confluentinc/cp-kafka:7.7.0", {"CLUSTER_ID": "my-cluster"}),
        (NEW, {"CLUSTER_ID": "123e4567-e89b-12d3-a456-426614174000"}),
        ("confluentinc/cp-kafka:latest", {"CLUSTER_ID": "my-cluster"}),
        ("confluentinc/cp-kafka:7.9.6", {"KAFKA_ADVERTISED_LISTENERS": WITH_CONTROLLER}),
        (NEW, {"KAFKA_ADVERTISED_LISTENERS": WITH_CONTROLLER, "KAFKA_LISTENERS": None}),
        (NEW, {"KAFKA_NODE_ID": None, "KAFKA_BROKER_ID": "1"}),
        (OLD, {"KAFKA_PROCESS_ROLES": "broker, controller"}),
        (
            NEW,
            {
                "KAFKA_LISTENERS": "IN://:29092,OUT://:9092,CONTROLLER://localhost:9093",
                "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
            },
        ),
        (
            OLD,
            {
                "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
                "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
                "KAFKA_INTER_BROKER_LISTENER_NAME": None,
                "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": None,
            },
        ),
    ],
)
def test_a_node_that_starts(image: str, changes: dict[str, str | None]) -> None:
    """It is left alone: the same variable may be needed by one image or line alone."""
    assert _alone(image, **changes) == []


def test_what_a_command_or_a_mounted_file_may_say() -> None:
    """The rest of the configuration may be there."""
    node = {**_node(CLUSTER_ID=None, KAFKA_NODE_ID=None), "ports": ["9092:9092"]}
    made = "export CLUSTER_ID=$(kafka-storage random-uuid); /etc/confluent/docker/run"
    assert _problems({"kafka": {**node, "command": ["bash", "-c", made]}}) == []
    mounted = {"type": "bind", "source": "/a", "target": "/mnt/shared/config"}
    assert _problems({"kafka": {**node, "image": APACHE, "volumes": [mounted]}}) == []
    secrets = {"type": "bind", "source": "/a", "target": "/etc/kafka/secrets"}
    assert _problems({"kafka": {**node, "volumes": [secrets]}}) != []


@pytest.mark.parametrize(
    ("controller", "broker", "said"),
    [
        ({}, {}, None),
        ({}, {"CLUSTER_ID": "5L6g3nShT-eMCtK--X86sw"}, "kafka: CLUSTER_ID is 5L6g"),
        (
            {},
            {"KAFKA_CONTROLLER_QUORUM_VOTERS": "3@controller:9093"},
            "kafka: KAFKA_CONTROLLER_QUORUM_VOTERS has 3@controller:9093, and controller has the "
            "id 1",
        ),
        (
            {},
            {"KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "IN:PLAINTEXT,OUT:PLAINTEXT"},
            "kafka: the listener CONTROLLER has no entry",
        ),
        (
            {},
            {"KAFKA_LISTENERS": _LISTENERS},
            "kafka: KAFKA_LISTENERS has CONTROLLER, which is for controllers",
        ),
        (
            {"KAFKA_ADVERTISED_LISTENERS": "CONTROLLER://controller:9093"},
            {},
            "controller: KAFKA_ADVERTISED_LISTENERS is set, and the image refuses it",
        ),
        (
            {"KAFKA_LISTENERS": "CONTROLLER://:9093,IN://:29092"},
            {},
            "controller: KAFKA_LISTENERS has IN, which a controller has not",
        ),
        (
            {},
            {"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@controller:9093,4@kafka:9093"},
            "kafka: KAFKA_CONTROLLER_QUORUM_VOTERS has 4@kafka:9093, and kafka is no controller",
        ),
        (
            {},
            {"KAFKA_CONTROLLER_QUORUM_VOTERS": "1@controller:9093,2@controller:9093"},
            "kafka: it is no controller, and its id 2 is among the voters",
        ),
    ],
)
def test_nodes_apart(controller: dict[str, str], broker: dict[str, str], said: str | None) -> None:
    """Each node is compared with the other."""
    found = _apart(_controller(**controller), _broker(**broker))
    assert [str(each).startswith(said or "-") for each in found[:1]] == [True] * bool(said)


def test_ids_of_two_kinds_of_image() -> None:
    """Nodes without an id share the default of Apache's image."""
    apart = (_controller(CLUSTER_ID=None), _broker(CLUSTER_ID=None))
    assert _apart(*({**each, "image": APACHE} for each in apart)) == []
    one = (_controller(), _broker(CLUSTER_ID=None))
    (found,) = _apart(*({**each, "image": APACHE} for each in one))
    assert found.id == "cluster-ids-differ" and "the default of apache/kafka" in found.text


@pytest.mark.parametrize(
    ("told", "said", "hint"),
    [
        ("brokers,controller", "has 'brokers'", "write broker in KAFKA_PROCESS_ROLES"),
        ("BROKER", "has 'BROKER'", "write broker in KAFKA_PROCESS_ROLES"),
        ("broker;controller", "has 'broker;controller'", "in KAFKA_PROCESS_ROLES"),
        ("both", "has 'both'", "write broker,controller in KAFKA_PROCESS_ROLES"),
    ],
)
def test_roles_that_kafka_does_not_know(told: str, said: str, hint: str) -> None:
    """They are refused; no other file takes the place of this one."""
    with pytest.raises(InvalidInput, match=said) as caught:
        _alone(KAFKA_PROCESS_ROLES=told)
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("image", "changes", "said", "hint"),
    [
        (NEW, {}, "has no ZooKeeper mode", "set KAFKA_PROCESS_ROLES: broker,controller"),
        (
            NEW,
            {
                "KAFKA_ZOOKEEPER_CONNECT": "zookeeper:2181",
                "KAFKA_CONTROLLER_QUORUM_VOTERS": None,
            },
            "cp-kafka:8.3.0 has no ZooKeeper mode",
            "set KAFKA_PROCESS_ROLES",
        ),
        (OLD, {}, "it has KAFKA_CONTROLLER_QUORUM_VOTERS", "set KAFKA_PROCESS_ROLES"),
        (
            OLD,
            {"KAFKA_PROCESS_ROLE": "broker,controller"},
            "KAFKA_PROCESS_ROLES is not set",
            "rename KAFKA_PROCESS_ROLE to KAFKA_PROCESS_ROLES",
        ),
        (
            APACHE,
            {"KAFKA_CFG_PROCESS_ROLES": "broker,controller", "KAFKA_CFG_NODE_ID": "1"},
            "has no ZooKeeper mode",
            "KAFKA_CFG_PROCESS_ROLES becomes KAFKA_PROCESS_ROLES",
        ),
    ],
)
def test_a_node_without_roles(
    image: str, changes: dict[str, str | None], said: str, hint: str
) -> None:
    """Where its image or its voters ask for KRaft mode, it is no broker in ZooKeeper mode."""
    with pytest.raises(InvalidInput, match=said) as caught:
        _alone(image, **{"KAFKA_PROCESS_ROLES": None, **changes})
    assert hint in (caught.value.hint or "")


def test_variables_for_java_leave_an_image_its_configuration() -> None:
    """The image of Apache Kafka makes no properties of them, and keeps its own."""
    for name in ("KAFKA_HEAP_OPTS", "KAFKA_JMX_OPTS"):
        node = {"image": APACHE, "ports": ["9092:9092"], "environment": {name: "-Xmx256m"}}
        (found,) = cast.of_config(written_out(yaml.safe_dump({"services": {"kafka": node}})))
        assert str(found.role) == "combined"


def test_one_id_twice_has_a_free_one_as_its_fix() -> None:
    """The id that no other node has."""
    with pytest.raises(InvalidInput, match="have the id 1: kafka and kafka-2") as caught:
        _problems({"kafka": _node(), "kafka-2": _node(), "kafka-3": _node(KAFKA_NODE_ID="2")})
    assert (caught.value.hint or "").startswith("set KAFKA_NODE_ID: 3 at kafka-2; labels: ")
