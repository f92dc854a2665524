from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kafka_tasks.errors import MachineError
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord, ServiceRecord


def _record() -> ClusterRecord:
    return ClusterRecord(
        runtime="embedded",
        wanted="running",
        version="7.9.6",
        kafka_version="3.9.1",
        brokers=1,
        port=9092,
        zookeeper_port=2181,
        changed_at=1.0,
        services=(ServiceRecord(name="kafka", port=9092, token="t"),),
        auto_ports=("port",),
        fingerprint={"heap": "512m"},
    )


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
        b'{"schema": 2}',
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


@pytest.mark.parametrize(("old", "new"), [(b"9092", b"9093"), (b'"brokers": 1', b'"brokers": 3')])
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
        state.write(project, msgspec.structs.replace(_record(), port=1))
    assert state.read(project) == _record()
    assert [path.name for path in project.state.glob("*.new")] == []


def test_services_are_put_in_order_and_replaced() -> None:
    """ZooKeeper stands first, and a service is recorded once."""
    record = _record()
    for name, port in (("kafka-2", 9093), ("zookeeper", 2181), ("kafka", 9192)):
        record = record.with_service(ServiceRecord(name=name, port=port, token=name))
    assert [(entry.name, entry.port) for entry in record.services] == [
        ("zookeeper", 2181),
        ("kafka", 9192),
        ("kafka-2", 9093),
    ]
    assert record.service("kafka-3") is None
    assert record.without_service("kafka").service("kafka") is None


def test_a_project_that_is_gone_has_no_record(tmp_path: Path) -> None:
    """Reading the state of a directory that does not exist is none, not an error."""
    assert state.read(Project(tmp_path / "gone")) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"brokers": 6},
        {"brokers": 0},
        {"port": 65536},
        {"port": -1},
        {"kafka_version": "\x1b[31m"},
        {"services": [{"name": "kafka-x", "port": 1, "token": ""}]},
        {"services": [{"name": "kafka", "port": 1, "token": "", "pid": -1}]},
        {"services": [{"name": "kafka", "port": 1, "token": "", "pid": 2**40}]},
    ],
)
def test_a_record_that_nobody_wrote_is_set_aside(project: Project, changes: dict[str, Any]) -> None:
    """Numbers and names that this package never writes are damage, and heal like it."""
    state.write(project, _record())
    path = project.state / state.FILE
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **changes}))
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
