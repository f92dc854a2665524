"""Files in KRaft mode whose nodes find no quorum; each fault was seen with the images of 4.3."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
import yaml

from kafka_tasks.model.topology import kraft_cluster
from kafka_tasks.runtimes.compose import file_problems
from kafka_tasks.runtimes.compose.problems import ConfiguredFile
from tests.unit.runtimes.compose.long_form import written_out

_MAP = "IN:PLAINTEXT,OUT:PLAINTEXT,CONTROLLER:PLAINTEXT"


def _file(
    brokers: int = 1, prefix: str = "KAFKA_", changes: Mapping[str, str] = MappingProxyType({})
) -> ConfiguredFile:
    """Return a file of combined nodes with these variables changed in each."""
    services = {}
    topology = kraft_cluster(brokers)
    voters = ",".join(f"{each.node_id}@{each.name}:29093" for each in topology.services)
    for each in topology.services:
        port = 9091 + each.number
        told = {
            "NODE_ID": each.node_id,
            "PROCESS_ROLES": "broker,controller",
            "CONTROLLER_QUORUM_VOTERS": voters,
            "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
            "LISTENERS": f"IN://:29092,OUT://:{port},CONTROLLER://:29093",
            "ADVERTISED_LISTENERS": f"IN://{each.name}:29092,OUT://localhost:{port}",
            "INTER_BROKER_LISTENER_NAME": "IN",
            "LISTENER_SECURITY_PROTOCOL_MAP": _MAP,
            **changes,
        }
        image = "bitnami/kafka:3.9.0" if prefix == "KAFKA_CFG_" else "cp-kafka:8.0.0"
        services[each.name] = {
            "image": image,
            "ports": [f"{port}:{port}"],
            "environment": {
                "CLUSTER_ID": "4L6g3nShT-eMCtK--X86sw",
                **{f"{prefix}{name}": str(value) for name, value in told.items()},
            },
        }
    return ConfiguredFile(written_out(yaml.safe_dump({"services": services})), topology)


@pytest.mark.parametrize("prefix", ["KAFKA_", "KAFKA_CFG_"])
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"CONTROLLER_QUORUM_VOTERS": "1@kafka-0:29093"},
            "KAFKA_CONTROLLER_QUORUM_VOTERS has 1@kafka-0:29093, and no service is called kafka-0",
        ),
        (
            {"CONTROLLER_QUORUM_VOTERS": "7@kafka:29093"},
            "KAFKA_CONTROLLER_QUORUM_VOTERS has no voter 1, which is this controller's own id",
        ),
        (
            {"CONTROLLER_QUORUM_VOTERS": "1@kafka:9093"},
            "KAFKA_CONTROLLER_QUORUM_VOTERS has 1@kafka:9093, and kafka listens for controllers on "
            "port 29093",
        ),
        (
            {"CONTROLLER_QUORUM_VOTERS": "kafka:29093"},
            "KAFKA_CONTROLLER_QUORUM_VOTERS has kafka:29093, and Kafka reads id@host:port alone",
        ),
        (
            {"CONTROLLER_LISTENER_NAMES": "controller"},
            "KAFKA_LISTENERS has no listener controller, where controllers are reached; Kafka "
            "reads the names there in upper case, and this one as it is",
        ),
        (
            {"LISTENERS": "IN://:29092,OUT://:9092"},
            "KAFKA_LISTENERS has no listener CONTROLLER, where controllers are reached",
        ),
    ],
)
def test_a_quorum_that_cannot_form_is_named(
    changes: dict[str, str], said: str, prefix: str
) -> None:
    """Before anything starts, with the value that works."""
    (found,) = file_problems.problems(_file(1, prefix, changes))
    assert (found.fatal, found.text) == (True, said.replace("KAFKA_", prefix))
    if found.id == "voters-differ":
        assert found.fix == f"set {prefix}CONTROLLER_QUORUM_VOTERS: 1@kafka:29093"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"CONTROLLER_QUORUM_VOTERS": "1@localhost:29093"},
        {"CONTROLLER_QUORUM_VOTERS": "1@127.0.0.1:29093"},
        {"CONTROLLER_QUORUM_VOTERS": "1@kafka.example.org:29093"},
        {"CONTROLLER_QUORUM_VOTERS": "", "CONTROLLER_QUORUM_BOOTSTRAP_SERVERS": "kafka:29093"},
    ],
)
def test_a_quorum_that_may_form_is_left_alone(changes: dict[str, str]) -> None:
    """What the file does not show, such as a name in DNS, is no fault."""
    assert file_problems.problems(_file(changes=changes)) == ()


def test_three_nodes_find_each_other() -> None:
    """One wrong port is found in each of them, and the fix has all three."""
    assert file_problems.problems(_file(3)) == ()
    voters = "1@kafka:29093,2@kafka-2:29093,3@kafka-3:29094"
    wrong = _file(3, changes={"CONTROLLER_QUORUM_VOTERS": voters})
    found: list[Any] = list(file_problems.problems(wrong))
    assert [each.service for each in found] == ["kafka", "kafka-2", "kafka-3"]
    assert found[0].fix.endswith("1@kafka:29093,2@kafka-2:29093,3@kafka-3:29093")
