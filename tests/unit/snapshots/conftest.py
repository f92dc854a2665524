"""A snapshot of a small cluster, and its parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.probes import readiness
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project.directory import Project
from kafka_tasks.snapshots import snapshot_file
from kafka_tasks.snapshots.snapshot_file import Snapshot
from kafka_tasks.testing import FakeRuntime

META = b"#\nversion=0\nbroker.id=1\ncluster.id=the-id\n"
CONTENT = {
    "zookeeper/version-2/snapshot.0": b"snap",
    "zookeeper-log/version-2/log.1": b"l" + bytes(3000),
    "kafka/meta.properties": META,
    f"kafka/{'t' * 200}-0/00000000000000000000.log": b"records" * 100,
    "kafka/orders-0/00000000000000000000.index": b"",
}


def files(content: dict[str, bytes]) -> Iterator[DataFile]:
    """Yield files as a runtime does."""
    for name, data in content.items():
        yield DataFile(name, len(data), 1_700_000_000, [data[:5], data[5:]])


def described(_: object = None, **changes: Any) -> dict[str, Any]:
    """Return the fields of a manifest except its files."""
    said: dict[str, Any] = {
        "name": "base",
        "taken_at": 1_700_000_000.5,
        "version": "7.9.6",
        "kafka_version": "3.9.1",
        "runtime": "fake",
        "brokers": 1,
        "broker_ids": {"kafka": 1},
        "cluster_id": "the-id",
    }
    return {**said, **changes}


def content_of(snapshot: Snapshot) -> dict[str, bytes]:
    """Return the content of every file of a snapshot, by name."""
    return {file.name: b"".join(file.chunks) for file in snapshot_file.files(snapshot)}


@pytest.fixture
def snapshot(tmp_path: Path) -> Snapshot:
    """Write an undamaged snapshot."""
    return snapshot_file.write(tmp_path / "base.tar.gz", files(CONTENT), described)


@pytest.fixture
def runtime(project: Project, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    """Return a stopped runtime with data."""
    monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(),))
    found = FakeRuntime(project.path)
    found.files.there = dict(CONTENT)
    return found


@pytest.fixture
def started(session: Session, runtime: FakeRuntime) -> Callable[[], None]:
    """Return a function that starts the cluster and clears the recorded calls."""

    def start() -> None:
        up(session)
        runtime.calls.clear()

    return start
