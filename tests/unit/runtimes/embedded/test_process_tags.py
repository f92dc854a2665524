from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Found, Identity
from kafka_tasks.model.role import Role
from kafka_tasks.model.security import Security
from kafka_tasks.project.state import ServiceRecord
from kafka_tasks.runtimes.embedded import process_tags
from tests.unit.recorded import cluster_record, ports_of

HERE = Path("/some/project")


def _running(monkeypatch: pytest.MonkeyPatch, *commands: list[str]) -> list[str]:
    """Let these command lines run; returns what the process table is searched for."""
    asked: list[str] = []

    def find(argument: str) -> Iterator[Found]:
        asked.append(argument)
        for number, command in enumerate(commands, start=70):
            yield Found(Identity(number, 1.5, f"digest-{number}"), ("java", *command))

    monkeypatch.setattr(processes, "find", find)
    monkeypatch.setattr(processes, "is_running", lambda identity: True)
    return asked


def test_a_lost_record_is_made_from_the_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    """One broker tells of the whole cluster: its other services, their ports and its versions."""
    record = cluster_record(brokers=3, port=20000, zookeeper_port=20010)
    record = record.with_service(
        ServiceRecord(name="kafka-2", role=Role.BROKER, port=20001, token="t")
    )
    service = record.service("kafka-2")
    assert service is not None
    asked = _running(monkeypatch, process_tags.arguments(HERE, record, service))
    found, strays = process_tags.with_strays(HERE, None, "embedded")
    assert found is not None
    assert strays == ("kafka-2",)
    assert ports_of(found) == (3, 20000, 20010)
    assert (found.version, found.kafka_version) == ("7.9.6", "3.9.1")
    assert [(each.name, each.pid) for each in found.started] == [("kafka-2", 70)]
    assert asked == [f"-Dkafka.tasks.project={HERE}"]


@pytest.mark.parametrize(
    "security",
    [None, Security("tls"), Security("scram", acl=True, hosts=("kafka.test", "*.other.test"))],
)
def test_the_tags_tell_how_a_cluster_is_secured(
    monkeypatch: pytest.MonkeyPatch, security: Security | None
) -> None:
    """With the port of INTERNAL, where kafka-tasks connects; a lost kind would mean plaintext."""
    broker = ServiceRecord(name="kafka", role=Role.BROKER, port=9, internal_port=19, token="t")
    record = msgspec.structs.replace(cluster_record(), security=security).with_service(broker)
    _running(monkeypatch, process_tags.arguments(HERE, record, broker))
    found, _ = process_tags.with_strays(HERE, None, "embedded")
    assert found is not None and found.security == security
    assert found.topology.internal == record.topology.internal


def test_a_process_of_the_version_before_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the first broker's port and that of ZooKeeper instead of every service."""
    _running(
        monkeypatch,
        [
            *(f"-Dkafka.tasks.project={HERE}", "-Dkafka.tasks.service=kafka"),
            *("-Dkafka.tasks.port=20000", "-Dkafka.tasks.first=20000"),
            *("-Dkafka.tasks.keeper=20010", "-Dkafka.tasks.version=7.8.0"),
            *("-Dkafka.tasks.kafka=3.8.1", "-Dkafka.tasks.token=t"),
        ],
    )
    found, strays = process_tags.with_strays(HERE, None, "embedded")
    assert found is not None
    assert strays == ("kafka",)
    assert ports_of(found) == (1, 20000, 20010)
    assert (found.version, found.kafka_version) == ("7.8.0", "3.8.1")


def test_processes_of_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a directory below this one, of no service of ours, or without a port."""
    mine = f"-Dkafka.tasks.project={HERE}"
    _running(
        monkeypatch,
        [f"{mine}/below", "-Dkafka.tasks.service=kafka", "-Dkafka.tasks.port=1"],
        [mine, "-Dkafka.tasks.service=kafka-ui", "-Dkafka.tasks.port=1"],
        [mine, "-Dkafka.tasks.service=kafka", "-Dkafka.tasks.port=x"],
        [mine, "-Dkafka.tasks.service=kafka"],
    )
    assert process_tags.with_strays(HERE, None, "embedded") == (None, ())


def test_a_recorded_process_is_no_stray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record stays as it is."""
    record = cluster_record().with_service(
        ServiceRecord(
            name="kafka",
            role=Role.BROKER,
            port=9092,
            token="t",
            pid=70,
            started_s=1.5,
            command="digest-70",
        )
    )
    service = record.service("kafka")
    assert service is not None
    _running(monkeypatch, process_tags.arguments(HERE, record, service))
    assert process_tags.with_strays(HERE, record, "embedded") == (record, ())
