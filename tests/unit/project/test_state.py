from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kafka_tasks.errors import MachineError
from kafka_tasks.model.address import Address
from kafka_tasks.model.role import Role
from kafka_tasks.project import choices, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from tests.unit.recorded import cluster_record


def _record() -> ClusterRecord:
    started = ServiceRecord(name="kafka", role=Role.BROKER, port=9092, token="t")
    record = cluster_record(auto_ports=("port",), fingerprint={"heap": "512m"})
    record = record.with_service(started)
    return msgspec.structs.replace(record, changed_at=1.0)


SERVICE = {"name": "kafka", "role": "broker", "port": 1, "token": ""}
# What the version before wrote: a count of brokers and two ports beside the services.
OLD: dict[str, Any] = {
    "schema": 1,
    "runtime": "embedded",
    "wanted": "running",
    "version": "7.9.6",
    "kafka_version": "3.9.1",
    "brokers": 2,
    "port": 20000,
    "zookeeper_port": 20010,
    "changed_at": 5.0,
    "services": [
        {
            "name": "zookeeper",
            "port": 20010,
            "token": "z",
            "pid": 12,
            "started_s": 3.5,
            "command": "c0ffee",
        },
        {
            "name": "kafka",
            "port": 20000,
            "token": "k",
            "pid": None,
            "started_s": None,
            "command": None,
        },
    ],
    "auto_ports": ["port", "zookeeper_port"],
    "fingerprint": {"brokers": "2"},
    "compose_project": None,
}


def _with_checksum(document: dict[str, Any]) -> bytes:
    """Return a record as the version before wrote it."""
    digest = hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()
    return msgspec.json.encode({**document, "checksum": digest})


def test_what_is_written_is_read_again(project: Project) -> None:
    """A record survives the file, and the file is the owner's alone."""
    state.write(project, _record())
    assert state.read(project) == _record()
    assert (project.state / "state.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in project.state.glob("*.new")] == []


def test_nothing_written_is_nothing_read(project: Project) -> None:
    """A project without a record, or one that is forgotten, has none."""
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) is None
    state.write(project, _record())
    state.forget(project)
    state.forget(project)
    assert state.read(project) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\x00\xff",
        b"[]",
        b'{"schema": 3}',
        msgspec.json.encode(_record())[:-20],
        msgspec.json.encode(_record()).replace(b'"running"', b'"dancing"'),
        msgspec.json.encode(_record()).replace(b'"port":9092', b'"port":"9092"'),
    ],
)
def test_an_unreadable_record_is_set_aside_and_kept(project: Project, content: bytes) -> None:
    """A damaged file reads as none, is moved away once, and is never deleted."""
    path = project.state / "state.json"
    path.write_bytes(content)
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) == project.state / "state.json.corrupt"
    assert not path.exists()
    assert (project.state / "state.json.corrupt").read_bytes() == content


def test_a_directory_in_its_place_is_set_aside(project: Project) -> None:
    """What a mount point or a careless copy leaves there would stop every start."""
    path = project.state / "state.json"
    path.mkdir()
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) == project.state / "state.json.corrupt"
    assert not path.exists()
    state.write(project, _record())


@pytest.mark.parametrize(("old", "new"), [(b"9092", b"9093"), (b'"kafka"', b'"kafka-2"')])
def test_a_record_that_was_changed_is_unreadable(project: Project, old: bytes, new: bytes) -> None:
    """A digit that flipped reads as JSON all the same; its checksum tells."""
    state.write(project, _record())
    path = project.state / "state.json"
    path.write_bytes(path.read_bytes().replace(old, new))
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) is not None


def test_a_record_of_an_earlier_version_is_read(project: Project) -> None:
    """Without a checksum it is taken as it is."""
    (project.state / "state.json").write_bytes(msgspec.json.encode(_record()))
    assert state.read(project) == _record()


def test_a_record_of_schema_1_is_upgraded(project: Project) -> None:
    """Every service has a role and a port; what was started is known, the rest is planned."""
    (project.state / "state.json").write_bytes(_with_checksum(OLD))
    found = state.read(project)
    assert found is not None
    assert [(each.name, each.role, each.port) for each in found.services] == [
        ("zookeeper", Role.ZOOKEEPER, 20010),
        ("kafka", Role.BROKER, 20000),
        ("kafka-2", Role.BROKER, 20001),
    ]
    assert [each.name for each in found.started] == ["zookeeper", "kafka"]
    zookeeper = found.service("zookeeper")
    assert zookeeper is not None
    assert (zookeeper.pid, zookeeper.started_s, zookeeper.command) == (12, 3.5, "c0ffee")
    assert (found.changed_at, found.auto_ports) == (5.0, ("port", "zookeeper_port"))
    assert found.topology.zookeeper_connect == "localhost:20010"
    assert choices.remembered(project) == {
        "brokers": 2,
        "version": "7.9.6",
        "recorded_mode": "zookeeper",
    }
    state.write(project, found)
    assert state.read(project) == found


def test_a_record_of_schema_1_without_services_is_upgraded(project: Project) -> None:
    """Containers were not listed: they are planned at the ports of the record."""
    compose = {**OLD, "runtime": "compose", "services": [], "compose_project": "shop"}
    (project.state / "state.json").write_bytes(_with_checksum(compose))
    found = state.read(project)
    assert found is not None
    assert found.started == ()
    assert found.topology.bootstrap == (Address("localhost", 20000), Address("localhost", 20001))
    assert found.compose_project == "shop"


@pytest.mark.parametrize(
    "changes",
    [
        {"brokers": 10},
        {"brokers": 0},
        {"port": 65536},
        {"port": "9092"},
        {"zookeeper_port": None},
        {"services": [{"name": "kafka-x", "port": 1, "token": ""}]},
    ],
)
def test_a_damaged_record_of_schema_1_is_set_aside(
    project: Project, changes: dict[str, Any]
) -> None:
    """An old record is checked as strictly as a new one, its checksum aside."""
    path = project.state / "state.json"
    path.write_bytes(_with_checksum({**OLD, **changes}))
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) == path.with_name("state.json.corrupt")


def test_a_good_record_stays_where_it_is(project: Project) -> None:
    """A readable record is not set aside."""
    state.write(project, _record())
    assert state.set_aside_if_corrupt(project) is None
    assert state.read(project) == _record()


def test_a_failed_write_keeps_the_old_record(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the new record cannot be put in place, the old one holds and no draft is left."""
    state.write(project, _record())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(MachineError, match="No space left on device"):
        state.write(project, msgspec.structs.replace(_record(), version="7.5.0"))
    assert state.read(project) == _record()
    assert [path.name for path in project.state.glob("*.new")] == []


def test_services_are_put_in_order_and_replaced() -> None:
    """ZooKeeper stands first, and a service is recorded once."""
    record = _record()
    for name, role, port in (
        ("kafka-2", Role.BROKER, 9093),
        ("zookeeper", Role.ZOOKEEPER, 2181),
        ("kafka", Role.BROKER, 9192),
    ):
        record = record.with_service(ServiceRecord(name=name, role=role, port=port, token=name))
    assert [(entry.name, entry.port) for entry in record.services] == [
        ("zookeeper", 2181),
        ("kafka", 9192),
        ("kafka-2", 9093),
    ]
    assert record.service("kafka-3") is None


def test_a_project_that_is_gone_has_no_record(tmp_path: Path) -> None:
    """Reading the state of a directory that does not exist is none, not an error."""
    assert state.read(Project(tmp_path / "gone")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"kafka_version": "\x1b[31m"},
        {"services": [{**SERVICE, "name": "kafka-10"}]},
        {"services": [{**SERVICE, "name": "../kafka", "number": 1}]},
        {"services": [{**SERVICE, "name": "broker", "number": 0}]},
        {"services": [{**SERVICE, "name": "broker", "number": 1, "id": -1}]},
        {"services": [{**SERVICE, "role": "registry"}]},
        {"services": [{**SERVICE, "port": 65536}]},
        {"services": [{**SERVICE, "port": -1}]},
        {"services": [{**SERVICE, "pid": -1}]},
        {"services": [{**SERVICE, "pid": 2**40}]},
    ],
)
def test_a_record_that_nobody_wrote_is_set_aside(project: Project, changes: dict[str, Any]) -> None:
    """Numbers and names that this package never writes are damage, and heal like it."""
    state.write(project, _record())
    path = project.state / state.FILE
    document = {**json.loads(path.read_bytes()), **changes}
    del document["checksum"]
    path.write_text(json.dumps(document))
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) == path.with_name("state.json.corrupt")


@pytest.mark.parametrize(
    "content", [b'{"a":' * 50_000 + b"1" + b"}" * 50_000, b'{"runtime": "\xff"}']
)
def test_a_record_that_no_json_reader_takes_is_set_aside(project: Project, content: bytes) -> None:
    """Depth and bytes that are no text are damage, too."""
    path = project.state / state.FILE
    path.write_bytes(content)
    assert state.read(project) is None
    assert state.set_aside_if_corrupt(project) is not None
    assert not path.exists()
