from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.clients import machine
from kafka_tasks.errors import (
    Interrupted,
    InvalidInput,
    MachineError,
    NotReady,
    Refused,
)
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.events import Event
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.snapshots import snapshot_file, store
from kafka_tasks.snapshots.save import save
from kafka_tasks.testing import FakeRuntime
from tests.unit.snapshots.conftest import CONTENT, content_of


def test_a_stopped_cluster_is_saved_and_stays_stopped(
    session: Session, runtime: FakeRuntime
) -> None:
    """Everything is in it, with what the brokers say of themselves; nothing is started."""
    found = save(session, "base")
    assert found.restarted is False
    assert content_of(found.snapshot) == CONTENT
    manifest = found.snapshot.manifest
    assert (manifest.name, manifest.cluster_id, manifest.broker_ids) == (
        "base",
        "the-id",
        {"kafka": 1},
    )
    assert runtime.calls == ["data"]


def test_a_running_cluster_is_stopped_saved_and_started(
    session: Session, runtime: FakeRuntime, started: Callable[[], None], heard: list[Event]
) -> None:
    """In that order, and it is said."""
    started()
    assert save(session, "base").restarted is True
    assert runtime.calls == ["data", "stop zookeeper,kafka", "data", "start", "prepare"]
    notices = [event.text for event in heard if event.kind == "notice"]
    assert "stopping the cluster to save base; it is started again afterwards" in notices


def test_a_name_that_is_taken_is_refused_before_anything_stops(
    session: Session, runtime: FakeRuntime, started: Callable[[], None]
) -> None:
    """Unless it is to be replaced."""
    save(session, "base")
    runtime.files.there["kafka/new-0/x"] = b"new"
    started()
    with pytest.raises(Refused, match="Snapshot base exists"):
        save(session, "base")
    assert runtime.calls == []
    assert "kafka/new-0/x" in content_of(save(session, "base", replacing=True).snapshot)


def test_without_data_there_is_nothing_to_save(session: Session, runtime: FakeRuntime) -> None:
    """Neither in an empty project nor where no broker got as far as its meta.properties."""
    runtime.files.there = {"zookeeper/version-2/snapshot.0": b"x"}
    with pytest.raises(NotReady, match="no cluster was ever ready"):
        save(session, "base")
    runtime.files.there = {}
    with pytest.raises(NotReady, match="no cluster was ever ready"):
        save(session, "base")
    assert store.paths(session.project) == []


def test_half_a_cluster_is_not_saved(
    session: Session, runtime: FakeRuntime, started: Callable[[], None]
) -> None:
    """A broker that died has to come back first; so has one that was killed before a stop."""
    started()
    runtime.kill("kafka")
    with pytest.raises(
        NotReady, match="kafka is not running: its data on the disk may be incomplete"
    ):
        save(session, "base")
    runtime.stop()
    with pytest.raises(NotReady, match="A broker was killed"):
        save(session, "base")
    assert "start" not in runtime.calls


def test_a_broker_that_had_to_be_killed_starts_again_and_is_not_saved(
    session: Session,
    runtime: FakeRuntime,
    started: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it left is not complete: the start repairs it, and the error says so."""
    started()
    stop = runtime.stop

    def hard(*arguments: Any, **options: Any) -> tuple[str, ...]:
        names = stop(*arguments, **options)
        runtime.kill("kafka")
        return names

    monkeypatch.setattr(runtime, "stop", hard)
    # The start after it waits for ZooKeeper to forget the broker.
    monkeypatch.setattr("kafka_tasks.lifecycle.start.clear_old_registrations", lambda *_: None)
    with pytest.raises(NotReady, match="A broker was killed"):
        save(session, "base")
    assert all(service.alive for service in runtime.observe().services)
    assert store.paths(session.project) == []


@pytest.mark.parametrize(("running", "ends"), [(True, "runs."), (False, "is stopped.")])
def test_ctrl_c_says_what_became_of_it(
    session: Session,
    runtime: FakeRuntime,
    started: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    running: bool,
    ends: str,
) -> None:
    """Nothing was saved, and what ran runs again."""
    if running:
        started()
    monkeypatch.setattr(snapshot_file, "_info", _interrupt)
    with pytest.raises(Interrupted) as end:
        save(session, "base")
    assert end.value.message == f"Interrupted; nothing was saved, and the cluster {ends}"
    assert list(store.folder(session.project).iterdir()) == []


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_full_disk_is_noticed_before_and_meanwhile(
    session: Session,
    runtime: FakeRuntime,
    started: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Too little room is an error of the machine, and the cluster runs again."""
    started()
    free = iter([100, 1 << 40, 100])
    monkeypatch.setattr(machine, "free_bytes", lambda _: next(free))
    with pytest.raises(MachineError, match="too full for a snapshot"):
        save(session, "base")
    assert runtime.calls == ["data"]
    runtime.files.there["kafka/big-0/x"] = bytes(40 << 20)
    with pytest.raises(MachineError, match="too full for a snapshot"):
        save(session, "base")
    assert all(service.alive for service in runtime.observe().services)
    assert list(store.folder(session.project).iterdir()) == []


def test_somebody_elses_cluster_is_not_saved(session: Session, runtime: FakeRuntime) -> None:
    """What is not started from here is not stopped from here."""
    runtime.abilities = Abilities()
    with pytest.raises(InvalidInput, match="is a remote cluster"):
        save(session, "base")
