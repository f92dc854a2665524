from __future__ import annotations

import shutil

import pytest

from kafka_tasks.errors import InvalidInput, SnapshotDamaged, SnapshotMissing
from kafka_tasks.project.directory import Project
from kafka_tasks.snapshots import store
from kafka_tasks.snapshots.snapshot_file import Snapshot


@pytest.fixture
def stored(project: Project, snapshot: Snapshot) -> Project:
    """Return a project with the snapshot `base` and a damaged one."""
    folder = store.make_folder(project)
    shutil.copy(snapshot.path, folder / "base.tar.gz")
    (folder / "torn.tar.gz").write_bytes(snapshot.path.read_bytes()[:200])
    return project


@pytest.mark.parametrize(
    "name", ["", ".", "..", "-x", ".x", "a/b", "a b", "x" * 101, "a.tar.gz", "a\n", "ü"]
)
def test_what_is_no_name_is_refused(project: Project, name: str) -> None:
    """A name is one plain file name, whatever the system would allow."""
    with pytest.raises(InvalidInput, match="not a name"):
        store.path_of(project, name)


@pytest.mark.parametrize("name", ["a", "before-upgrade_2.1", "_x", "1", "x" * 100])
def test_names_become_files(project: Project, name: str) -> None:
    """A name is found as NAME.tar.gz."""
    assert store.path_of(project, name) == project.state / "snapshots" / f"{name}.tar.gz"


def test_whole_and_damaged_are_listed(stored: Project) -> None:
    """The damaged one says why, and nothing else is known of it."""
    base, torn = (found.seen for found in store.every(stored))
    assert (base.name, base.problem, base.cluster_id, base.files) == ("base", None, "the-id", 5)
    assert (torn.name, torn.bytes, torn.cluster_id) == ("torn", 200, None)
    assert torn.problem == "it ends within its manifest"


def test_drafts_and_other_files_are_not_listed(stored: Project) -> None:
    """Only what is called like a snapshot is shown."""
    folder = store.folder(stored)
    (folder / ".new.tar.gz.body").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"")
    (folder / "folder.tar.gz").mkdir()
    assert [path.name for path in store.paths(stored)] == ["base.tar.gz", "torn.tar.gz"]


def test_a_project_without_the_folder_has_none(project: Project) -> None:
    """Nothing is made by looking."""
    assert store.every(project) == []
    assert not store.folder(project).exists()


def test_making_the_folder_clears_up_after_a_killed_save(stored: Project) -> None:
    """Drafts go, snapshots stay."""
    folder = store.folder(stored)
    for part in ("body", "draft"):
        (folder / f".half.tar.gz.{part}").write_bytes(b"x")
    store.make_folder(stored)
    assert [path.name for path in sorted(folder.iterdir())] == ["base.tar.gz", "torn.tar.gz"]
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_path_is_found_and_goes_by_its_name(stored: Project, snapshot: Snapshot) -> None:
    """A file elsewhere may be named instead, and may have been renamed."""
    elsewhere = snapshot.path.rename(snapshot.path.with_name("other.tar.gz"))
    assert store.find_undamaged(stored, str(elsewhere)).seen().name == "other"


def test_what_is_missing_or_damaged_is_an_error(stored: Project) -> None:
    """With the nearest name, or with what is wrong."""
    with pytest.raises(SnapshotMissing) as missing:
        store.find_undamaged(stored, "bass")
    assert missing.value.hint == "did you mean base?"
    with pytest.raises(SnapshotMissing):
        store.find_undamaged(stored, "./base.tar.gz")
    with pytest.raises(SnapshotDamaged, match="torn is damaged: it ends within its manifest"):
        store.find_undamaged(stored, "torn")
