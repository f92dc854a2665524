from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import Interrupted, InvalidInput, MachineError, Refused, SnapshotDamaged
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.events import Event
from kafka_tasks.project import choices, restoring, written_by
from kafka_tasks.snapshots import snapshot_file
from kafka_tasks.snapshots.manifest import Damaged
from kafka_tasks.snapshots.restore import require_fitting, restore
from kafka_tasks.snapshots.snapshot_file import Snapshot
from kafka_tasks.testing import FakeData, FakeRuntime
from tests.unit.snapshots.conftest import CONTENT, described, files

OTHER = {"kafka/other-0/x": b"other"}


@pytest.fixture(autouse=True)
def _others_data(runtime: FakeRuntime) -> None:
    runtime.files.there = dict(OTHER)


def test_an_empty_project_gets_the_data(
    session: Session, runtime: FakeRuntime, snapshot: Snapshot
) -> None:
    """Nothing is asked, nothing is started, and what a start would be is written down."""
    runtime.files.there = {}
    found = restore(session, snapshot)
    assert (found.replaced, found.restarted) == (False, False)
    assert runtime.files.there == CONTENT
    assert runtime.calls == ["data", "expect 1"]
    assert restoring.read(session.project) is None


def test_data_that_is_there_goes_only_where_that_was_confirmed(
    session: Session, runtime: FakeRuntime, snapshot: Snapshot
) -> None:
    """Else it is refused, and there."""
    with pytest.raises(Refused, match="would be replaced"):
        restore(session, snapshot)
    assert runtime.files.there == OTHER
    assert restore(session, snapshot, confirmed=True).replaced is True
    assert runtime.files.there == CONTENT


def test_a_running_cluster_is_stopped_and_started(
    session: Session, runtime: FakeRuntime, snapshot: Snapshot, started: Callable[[], None]
) -> None:
    """Around the change of its data."""
    started()
    assert restore(session, snapshot, confirmed=True).restarted is True
    assert runtime.calls == [
        *("data", "stop zookeeper,kafka", "data"),
        *("expect 1", "start", "prepare"),
    ]


@pytest.mark.parametrize(
    ("changes", "words", "hint"),
    [
        ({"kafka_version": "3.8.1", "version": "7.8.2"}, "has Kafka 3.8 (", "=7.8.2 into .env"),
        (
            {"kafka_version": "3.10.1", "version": "7.10.3"},
            "which is older: it may not read all of the data",
            "=7.10.3 into .env",
        ),
        ({"brokers": 3}, "has 3 brokers, and this project has 1 broker", "--brokers 3"),
    ],
)
def test_what_does_not_fit_is_refused(
    session: Session, tmp_path: Path, changes: dict[str, Any], words: str, hint: str
) -> None:
    """The hint has what would make it fit."""
    path = tmp_path / "other.tar.gz"
    snapshot_file.write(path, files(CONTENT), lambda _: described(**changes))
    with pytest.raises(InvalidInput) as refused:
        require_fitting(session, str(path))
    assert words in refused.value.message
    assert hint in (refused.value.hint or "")


def test_another_patch_of_the_same_line_fits(session: Session, tmp_path: Path) -> None:
    """3.9.0 has the same formats as 3.9.1."""
    path = tmp_path / "other.tar.gz"
    snapshot_file.write(path, files(CONTENT), lambda _: described(kafka_version="3.9.0"))
    assert require_fitting(session, str(path)).manifest.kafka_version == "3.9.0"


def test_the_project_knows_what_wrote_the_restored_data(
    session: Session, tmp_path: Path, runtime: FakeRuntime
) -> None:
    """A later start is judged by the snapshot's version, not by the replaced data's."""
    path = tmp_path / "other.tar.gz"
    changes = {"kafka_version": "3.9.0", "version": "7.9.0"}
    snapshot_file.write(path, files(CONTENT), lambda _: described(**changes))
    restore(session, require_fitting(session, str(path)), confirmed=True)
    found = written_by.read(session.project, "fake")
    assert found is not None and (found.version, found.kafka_version) == ("7.9.0", "3.9.0")


def test_combined_nodes_are_as_many_as_in_the_snapshot(session: Session, tmp_path: Path) -> None:
    """No setting says it: a cluster that grew from one broker has one voter."""
    chosen = replace(session.settings, version="4.4.0", brokers=3)
    path = tmp_path / "grown.tar.gz"
    grown = {"version": "4.4.0", "kafka_version": "4.4.0", "mode": "kraft", "brokers": 3}
    meta = {"kafka-3/meta.properties": CONTENT["kafka/meta.properties"]}
    snapshot_file.write(path, files(meta), lambda _: described(combined=1, **grown))
    found = require_fitting(replace(session, settings=chosen), str(path))
    assert [each.name for each in found.manifest.topology.voters] == ["kafka"]
    dedicated = replace(session, settings=replace(chosen, controllers=1))
    with pytest.raises(InvalidInput, match=r"has the voters kafka .* has the voters controller "):
        require_fitting(dedicated, str(path))


def test_another_mode_is_refused(session: Session, tmp_path: Path) -> None:
    """The same Kafka runs in both, and reads the other's data in neither."""
    said = r"was saved in KRaft mode, and this project is in ZooKeeper mode, which cannot read"
    path = tmp_path / "kraft.tar.gz"
    meta = {"kafka/meta.properties": CONTENT["kafka/meta.properties"]}
    snapshot_file.write(path, files(meta), lambda _: described(mode="kraft"))
    with pytest.raises(InvalidInput, match=said) as no:
        require_fitting(session, str(path))
    assert "KAFKA_TASKS_VERSION=7.9.6 and KAFKA_TASKS_MODE=kraft" in (no.value.hint or "")


def test_a_newer_metadata_version_is_refused(session: Session, tmp_path: Path) -> None:
    """Whatever Kafka the manifest names: a node of this line would not start on it."""
    path = tmp_path / "newer.tar.gz"
    kraft = {"version": "4.3.1", "kafka_version": "4.3.1", "mode": "kraft"}
    meta = {"kafka/meta.properties": CONTENT["kafka/meta.properties"]}
    mine = replace(session, settings=replace(session.settings, version="4.3.1"))
    for found, fits in (("4.3-IV0", True), ("4.1-IV1", True), ("4.4-IV0", False)):
        describe = partial(described, metadata_version=found, **kraft)
        snapshot_file.write(path, files(meta), describe)
        if fits:
            assert require_fitting(mine, str(path)).manifest.metadata_version == found
            continue
        with pytest.raises(
            InvalidInput, match=r"has metadata.version 4.4-IV0, and this .* 4.3"
        ) as no:
            require_fitting(mine, str(path))
        assert "KAFKA_TASKS_VERSION=4.4 into .env" in (no.value.hint or "")
        assert no.value.evidence[0].endswith("mode kraft, metadata.version 4.4-IV0")


def test_a_broker_with_another_id_is_refused(
    session: Session, runtime: FakeRuntime, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would not start on the data of another broker."""
    monkeypatch.setattr(FakeData, "broker_ids", lambda _: {"kafka": 7})
    with pytest.raises(
        InvalidInput, match="data of broker 1 for kafka, and kafka is broker 7 here"
    ):
        restore(session, snapshot, confirmed=True)
    assert runtime.files.there == OTHER


def test_a_full_disk_is_noticed_first(
    session: Session,
    runtime: FakeRuntime,
    snapshot: Snapshot,
    started: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before anything is stopped or written."""
    started()
    monkeypatch.setattr(FakeData, "room", lambda _: 1000)
    with pytest.raises(MachineError, match="too full to restore base"):
        restore(session, snapshot, confirmed=True)
    assert runtime.files.there == OTHER
    assert runtime.calls == ["data"]


def test_damage_that_is_found_while_unpacking_undoes_it(
    session: Session,
    runtime: FakeRuntime,
    snapshot: Snapshot,
    started: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The old data is there, the cluster runs again, and no recovery is pending."""
    started()

    def torn(_: Snapshot) -> Iterable[DataFile]:
        yield from files({"kafka/a-0/x": b"1"})
        raise Damaged("its end is missing")

    monkeypatch.setattr(snapshot_file, "files", torn)
    with pytest.raises(SnapshotDamaged, match="base is damaged: its end is missing"):
        restore(session, snapshot, confirmed=True)
    assert runtime.files == FakeData(there=OTHER)
    assert all(service.alive for service in runtime.observe().services)
    assert restoring.read(session.project) is None


def test_ctrl_c_while_staging_keeps_the_old_data(
    session: Session, runtime: FakeRuntime, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And says so."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeData, "stage", interrupted)
    with pytest.raises(Interrupted, match="the old data is unchanged, and the cluster is stopped"):
        restore(session, snapshot, confirmed=True)
    assert runtime.files.there == OTHER
    assert restoring.read(session.project) is None


def _begun(session: Session, *, committed: bool) -> None:
    begun = restoring.Restoring(name="base", runtime="fake", brokers=1, committed=committed)
    restoring.write(session.project, begun)


def test_up_undoes_a_restore_that_was_not_complete(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """What a kill left staged goes, and the old data runs."""
    runtime.files.staged = {"kafka/half-0/x": b"half"}
    _begun(session, committed=False)
    up(session)
    assert runtime.files == FakeData(there=OTHER)
    assert any(event.text.startswith("undoing the restore of base") for event in heard)
    assert runtime.calls == ["data", "start", "prepare"]


def test_up_finishes_a_restore_that_was_complete(
    session: Session, runtime: FakeRuntime, heard: list[Event]
) -> None:
    """What is staged is all of it, so it is what counts."""
    runtime.files.staged = dict(CONTENT)
    _begun(session, committed=True)
    up(session)
    assert runtime.files == FakeData(there=CONTENT)
    assert any(event.text.startswith("finishing the restore of base") for event in heard)
    assert restoring.read(session.project) is None


def test_a_complete_restore_decides_how_many_brokers_there_are(session: Session) -> None:
    """Also where nobody says so, and the command that did was killed."""
    begun = restoring.Restoring(name="base", runtime="fake", brokers=3)
    restoring.write(session.project, begun)
    assert choices.remembered(session.project) == {}
    restoring.write(session.project, begun.complete())
    assert choices.remembered(session.project) == {"brokers": 3, "recorded_mode": "zookeeper"}


def test_the_runtime_of_the_restore_recovers_it(
    session: Session, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start on another runtime does not leave the first one's data half-way."""
    from kafka_tasks.runtimes import registry

    other = FakeRuntime(session.project.path, name="other")
    monkeypatch.setattr(registry, "make", lambda name, *_: {"fake": runtime}[name])
    runtime.files.staged = dict(CONTENT)
    _begun(session, committed=True)
    up(replace(session, runtime=other))
    assert runtime.files.there == CONTENT
    assert other.calls == ["start", "prepare"]
