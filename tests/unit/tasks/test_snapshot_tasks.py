from __future__ import annotations

import pytest

from kafka_tasks.project.directory import Project
from kafka_tasks.snapshots import store
from kafka_tasks.testing import FakeRuntime
from tests.unit.snapshots.conftest import CONTENT
from tests.unit.tasks.conftest import Run


@pytest.fixture
def saved(run: Run, runtime: FakeRuntime) -> Run:
    """A stopped cluster with data and the snapshot `base`."""
    runtime.files.there = dict(CONTENT)
    assert run("snapshot.save base").code == 0
    runtime.calls.clear()
    return run


def test_save_restore_list_delete(saved: Run, runtime: FakeRuntime, project: Project) -> None:
    """The whole life of a snapshot, as documents."""
    listed = saved("snapshot.list -o json").document["snapshots"]
    assert [(s["name"], s["cluster_id"], s["files"]) for s in listed] == [("base", "the-id", 5)]
    assert saved("down --wipe --yes").out.endswith("Data deleted; the snapshots are kept.\n")
    restored = saved("snapshot.restore base -o json").document
    assert (restored["replaced"], restored["restarted"]) == (False, False)
    assert runtime.files.there == CONTENT
    assert saved("snapshot.delete base --yes -o json").document == {"schema": 1, "deleted": "base"}
    assert store.paths(project) == []


def test_what_would_be_lost_needs_a_yes(saved: Run, runtime: FakeRuntime, project: Project) -> None:
    """Replacing a snapshot, replacing data and deleting a snapshot are refused without: exit 6."""
    for line in ("snapshot.save base", "snapshot.restore base", "snapshot.delete base"):
        ran = saved(f"{line} -o json")
        error = ran.document["error"]
        assert (ran.code, error["code"], line in error["hint"]) == (6, "refused", True)
    assert runtime.calls == []
    assert len(store.paths(project)) == 1


def test_dry_says_and_does_nothing(saved: Run, runtime: FakeRuntime, project: Project) -> None:
    """With what is stopped and started around it."""
    saved("up")
    runtime.calls.clear()
    around = "would stop kafka, zookeeper, {}, and start them again\n"
    there = store.folder(project)
    write = saved("--dry snapshot.save other")
    assert write.out == around.format(f"write {there}/other.tar.gz")
    replace = saved("--dry snapshot.restore base")
    assert replace.out == around.format(
        f"replace the data in {project.path} with {there}/base.tar.gz"
    )
    assert saved("--dry snapshot.delete base").out == f"would delete {there}/base.tar.gz\n"
    assert runtime.calls == []
    assert len(store.paths(project)) == 1


def test_names_and_files_that_are_none(saved: Run) -> None:
    """A bad name is exit 3, one that is not there exit 1, a damaged one exit 3."""
    for line, code, word in (
        ("snapshot.save ../x", 3, "invalid"),
        ("snapshot.restore nothing", 1, "snapshot-missing"),
        ("snapshot.delete nothing --yes", 1, "snapshot-missing"),
    ):
        ran = saved(f"{line} -o json")
        assert (ran.code, ran.document["error"]["code"]) == (code, word)


def test_a_damaged_snapshot_is_shown_and_can_be_deleted(saved: Run, project: Project) -> None:
    """It is never restored."""
    path = store.path_of(project, "base")
    path.write_bytes(path.read_bytes()[:-1])
    assert "base is damaged: it has" in saved("snapshot.list").out
    ran = saved("snapshot.restore base --yes -o json")
    assert (ran.code, ran.document["error"]["code"]) == (3, "snapshot-damaged")
    assert saved("snapshot.delete base --yes").out == "Deleted base.\n"
