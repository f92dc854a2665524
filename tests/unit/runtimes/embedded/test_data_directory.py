from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_tasks.errors import MachineError
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded.data_directory import EmbeddedData

WRITTEN = {
    "zookeeper/version-2/snapshot.0": b"snapshot",
    "zookeeper/version-2/log.1f": b"log",
    "kafka/meta.properties": b"broker.id=1",
    "kafka/orders-0/0.log": b"records",
    "kafka/.lock": b"",
    "kafka-2/meta.properties": b"broker.id=2",
}
NEW = {"zookeeper/version-2/snapshot.5": b"s", "zookeeper-log/version-2/log.6": b"l"}


@pytest.fixture
def root(project: Project) -> Path:
    """A state directory with data."""
    for name, content in WRITTEN.items():
        path = project.state / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        os.utime(path, (1000, 1000))
    return project.state


def there(root: Path) -> dict[str, bytes]:
    """The data as it lies there."""
    data = root / "data"
    return {
        path.relative_to(data).as_posix(): path.read_bytes()
        for path in data.rglob("*")
        if path.is_file()
    }


def incoming(content: dict[str, bytes]) -> Iterator[DataFile]:
    """Files to be staged."""
    for name, data in content.items():
        yield DataFile(name, len(data), 5000, [data[:1], data[1:]])


def test_files_go_by_the_names_of_both_runtimes(root: Path) -> None:
    """ZooKeeper's logs apart from its snapshots; no locks, and no broker that is not meant."""
    found = {f.name: b"".join(f.chunks) for f in EmbeddedData(root, zookeeper_cluster(1)).files()}
    assert found == {
        "zookeeper/version-2/snapshot.0": b"snapshot",
        "zookeeper-log/version-2/log.1f": b"log",
        "kafka/meta.properties": b"broker.id=1",
        "kafka/orders-0/0.log": b"records",
    }
    assert list(found)[:2] == ["zookeeper/version-2/snapshot.0", "zookeeper-log/version-2/log.1f"]
    two = [f.name for f in EmbeddedData(root, zookeeper_cluster(2)).files()]
    assert two[-1] == "kafka-2/meta.properties"


def test_a_link_in_the_data_is_refused(root: Path) -> None:
    """A server made none, so what it leads to is somebody else's."""
    (root / "data" / "kafka" / "link").symlink_to("/etc/passwd")
    with pytest.raises(MachineError, match="not a plain file"):
        list(EmbeddedData(root, zookeeper_cluster(1)).files())


def test_an_empty_directory_is_no_data(project: Project) -> None:
    """Nor is a broker's lock."""
    data = EmbeddedData(project.state, zookeeper_cluster(1))
    assert data.exists() is False
    (project.state / "data" / "kafka").mkdir()
    (project.state / "data" / "kafka" / ".lock").touch()
    assert data.exists() is False
    (project.state / "data" / "kafka" / "meta.properties").touch()
    assert data.exists() is True


def test_staged_files_do_not_count_until_they_are_swapped_in(root: Path) -> None:
    """Then they are all there is, with their times."""
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    assert there(root) == WRITTEN
    data.swap()
    path = root / "data" / "zookeeper" / "version-2"
    assert there(root) == {
        "zookeeper/version-2/snapshot.5": b"s",
        "zookeeper/version-2/log.6": b"l",
    }
    assert {file.stat().st_mtime for file in path.iterdir()} == {5000}
    assert {entry.name for entry in root.iterdir() if entry.name.startswith("data")} == {"data"}
    data.swap()
    assert len(there(root)) == 2


def test_restored_files_are_their_owners_alone(root: Path) -> None:
    """As those are that the servers write themselves."""
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    data.swap()
    found = [root / "data", *(root / "data").rglob("*")]
    assert len(found) == 5
    assert all(path.stat().st_mode & 0o077 == 0 for path in found)


def test_discarding_keeps_what_is_there(root: Path) -> None:
    """What was staged is gone; without any, nothing happens."""
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    data.discard()
    data.discard()
    assert there(root) == WRITTEN
    assert not (root / "data.new").exists()


@pytest.mark.parametrize("renames", [0, 1])
def test_a_swap_that_was_killed_goes_on(
    root: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    """Also after its first rename, when taking the lock has made the directory anew."""
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    rename, done = Path.rename, 0

    def killed(self: Path, target: Path) -> Path:
        nonlocal done
        if done == renames:
            raise KeyboardInterrupt
        done += 1
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", killed)
        with pytest.raises(KeyboardInterrupt):
            data.swap()
    Project(root.parent).make_state()
    data.swap()
    assert len(there(root)) == 2
    assert not (root / "data.old").exists()


def test_what_an_earlier_swap_left_does_not_matter(root: Path) -> None:
    """Old data that was not deleted to its end is not taken for the data of now."""
    (root / "data.old").mkdir()
    (root / "data.old" / "remainder").touch()
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    data.swap()
    assert len(there(root)) == 2
    assert not (root / "data.old").exists()


def test_data_on_another_disk_is_replaced_there(root: Path, tmp_path: Path) -> None:
    """A link to it stays one, and the rename does not leave that disk."""
    elsewhere = tmp_path / "big-disk" / "data"
    elsewhere.parent.mkdir()
    (root / "data").rename(elsewhere)
    (root / "data").symlink_to(elsewhere)
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage(incoming(NEW))
    data.swap()
    assert (root / "data").is_symlink()
    assert len(there(root)) == 2
    assert [path.name for path in elsewhere.parent.iterdir()] == ["data"]


def test_a_mount_of_its_own_is_refused_before_anything_is_written(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot be renamed, and half of a swap would be worse than none."""
    monkeypatch.setattr(os.path, "ismount", lambda _: True)
    with pytest.raises(MachineError, match="a mount of its own"):
        EmbeddedData(root, zookeeper_cluster(1)).stage(incoming(NEW))
    assert there(root) == WRITTEN


def test_zeros_take_no_room(root: Path) -> None:
    """A preallocated log is as sparse as it was."""
    size = 32 << 20
    chunks = [b"x" * 100, *[bytes(1 << 20)] * 31, bytes((1 << 20) - 100)]
    data = EmbeddedData(root, zookeeper_cluster(1))
    data.stage([DataFile("zookeeper-log/version-2/log.1", size, 0, chunks)])
    data.swap()
    path = root / "data" / "zookeeper" / "version-2" / "log.1"
    assert path.stat().st_size == size
    assert path.read_bytes() == b"".join(chunks)
    assert data.allocated() < size / 4
