from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.data_files import DataFile
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.runtimes.compose import command
from kafka_tasks.runtimes.compose.volumes import _DISCARD, _SWAP, STAGING, ComposeData
from tests.unit.runtimes.compose.engine import container

PLACES = {
    "id-shop-zookeeper": ("/var/lib/zookeeper/data", "/var/lib/zookeeper/log"),
    "id-shop-kafka": ("/var/lib/kafka/data",),
}


@dataclass
class Volumes:
    """In place of an engine: its containers' directories are real ones below `root`."""

    root: Path
    written: list[tuple[str, str]] = field(default_factory=list)

    def directory(self, identifier: str, path: str) -> Path:
        """Where a container's directory is for real."""
        return self.root / identifier / path.strip("/")

    def read_directory(self, identifier: str, path: str) -> Iterator[bytes]:
        """As the engine does."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
            tar.add(self.directory(identifier, path), path.rpartition("/")[2])
        data = out.getvalue()
        for begin in range(0, len(data), 700):
            yield data[begin : begin + 700]

    def read_file(self, identifier: str, path: str) -> bytes | None:
        """As the engine does."""
        found = self.directory(identifier, path)
        return found.read_bytes() if found.is_file() else None

    def write_directory(self, identifier: str, path: str, chunks: Iterable[bytes]) -> None:
        """As the engine does, and noted."""
        self.written.append((identifier, path))
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            tar.extractall(self.directory(identifier, path), filter="fully_trusted")


@pytest.fixture
def volumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Volumes:
    """ZooKeeper's two directories and a broker's, with what servers have left."""
    found = Volumes(tmp_path)
    for identifier, paths in PLACES.items():
        for path in paths:
            found.directory(identifier, path).mkdir(parents=True)
    zookeeper, kafka = (found.root / identifier for identifier in PLACES)
    for written, content in (
        (zookeeper / "var/lib/zookeeper/data/version-2/snapshot.0", b"snap"),
        (zookeeper / "var/lib/zookeeper/log/version-2/log.1", b"log"),
        (kafka / "var/lib/kafka/data/meta.properties", b"meta"),
        (kafka / "var/lib/kafka/data/.lock", b""),
        (kafka / f"var/lib/kafka/data/{'t' * 150}-0/0.log", b"records" * 300),
    ):
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_bytes(content)

    def beside(
        identifier: str, image: str, user: str, name: str, script: str, *places: str
    ) -> None:
        here = [str(found.directory(identifier, place)) for place in places]
        subprocess.run(["bash", "-c", script, "bash", *here], check=True)

    def ask(
        identifier: str, image: str, user: str, name: str, script: str, *places: str
    ) -> list[str]:
        here = [str(found.directory(identifier, place)) for place in places]
        done = subprocess.run(["bash", "-c", script, "bash", *here], capture_output=True, text=True)
        return done.stdout.splitlines()

    monkeypatch.setattr(command, "run_beside", beside)
    monkeypatch.setattr(command, "ask_beside", ask)
    return found


def data_of(volumes: Volumes, **changes: Any) -> ComposeData:
    """The cluster's files on these volumes."""
    engine: Any = volumes
    there = {"zookeeper": container("zookeeper"), "kafka": container("kafka", **changes)}
    return ComposeData(engine, zookeeper_cluster(1), there)


def content(volumes: Volumes) -> dict[str, bytes]:
    """Every file, by its logical name."""
    return {file.name: b"".join(file.chunks) for file in data_of(volumes).files()}


BEFORE = {
    "zookeeper/version-2/snapshot.0": b"snap",
    "zookeeper-log/version-2/log.1": b"log",
    "kafka/meta.properties": b"meta",
    f"kafka/{'t' * 150}-0/0.log": b"records" * 300,
}
AFTER = {
    "zookeeper/version-2/snapshot.9": b"9",
    "kafka/meta.properties": b"other",
    f"kafka/{'n' * 200}-0/00000000000000000000.log": b"new" * 1000,
}


def incoming(files: dict[str, bytes]) -> Iterator[DataFile]:
    """Files to be staged."""
    for name, data in files.items():
        yield DataFile(name, len(data), 5000, [data[:1], data[1:]])


def test_files_go_by_the_names_of_both_runtimes(volumes: Volumes) -> None:
    """Place by place, without locks."""
    found = content(volumes)
    assert found == BEFORE
    places = [name.split("/")[0] for name in found]
    assert places == ["zookeeper", "zookeeper-log", "kafka", "kafka"]


def test_staged_files_are_not_read_and_do_not_count(volumes: Volumes) -> None:
    """Until they are swapped in; then nothing else is there, in any directory."""
    data = data_of(volumes)
    data.stage(incoming(AFTER))
    assert content(volumes) == BEFORE
    assert len(volumes.written) == 3
    data.swap()
    assert content(volumes) == AFTER
    data.swap()
    assert content(volumes) == AFTER
    assert not list(volumes.root.rglob(STAGING))


def test_discarding_leaves_nothing(volumes: Volumes) -> None:
    """In no directory."""
    data = data_of(volumes)
    data.stage(incoming(AFTER))
    data.discard()
    assert content(volumes) == BEFORE
    assert not list(volumes.root.rglob(STAGING))


def test_what_is_staged_belongs_to_the_servers_user(volumes: Volumes) -> None:
    """Owner and group are those of the directory, whoever runs this."""
    data_of(volumes).stage(incoming(AFTER))
    for staged in volumes.root.rglob(f"{STAGING}/new/**/*"):
        home = staged.stat()
        assert (home.st_uid, home.st_gid) == (
            volumes.root.stat().st_uid,
            volumes.root.stat().st_gid,
        )


def test_a_swap_that_ends_at_any_command_goes_on(volumes: Volumes, tmp_path: Path) -> None:
    """Run again, it has all of the new data and nothing of the old."""
    place = volumes.directory("id-shop-kafka", "/var/lib/kafka/data")
    stop = "i=0; step() { i=$((i + 1)); [ $i -lt $AT ] || exit 9; }; trap step DEBUG; "
    for at in range(1, 100):
        data_of(volumes).stage(incoming(AFTER))
        done = subprocess.run(
            ["bash", "-c", stop + _SWAP, "bash", str(place)],
            env={"AT": str(at), "PATH": "/bin"},
            check=False,
        )
        data_of(volumes).swap()
        assert content(volumes) == AFTER, f"ended at command {at}"
        if done.returncode == 0:
            break
        assert done.returncode == 9
    assert at > 15


def test_scripts_name_the_directory_that_brokers_refuse(volumes: Volumes) -> None:
    """A broker takes every directory of its data for a partition, and this cannot be one."""
    assert STAGING in _SWAP and STAGING in _DISCARD
    assert STAGING.startswith(".") and not STAGING[-1].isdecimal()


def test_several_log_directories_are_refused(volumes: Volumes) -> None:
    """Which file came from which would not be known."""
    data = data_of(volumes, environment={"KAFKA_LOG_DIRS": "/a,/b"})
    with pytest.raises(InvalidInput, match="several log directories"):
        list(data.files())


def test_another_log_directory_is_found(volumes: Volumes) -> None:
    """By the container's own variable."""
    old = volumes.directory("id-shop-kafka", "/var/lib/kafka/data")
    other = volumes.directory("id-shop-kafka", "/mnt/kafka")
    other.parent.mkdir(parents=True)
    old.rename(other)
    data = data_of(volumes, environment={"KAFKA_LOG_DIRS": "/mnt/kafka"})
    assert {f.name: b"".join(f.chunks) for f in data.files()} == BEFORE


def test_a_link_in_a_volume_is_refused(volumes: Volumes) -> None:
    """A server made none."""
    (volumes.directory("id-shop-kafka", "/var/lib/kafka/data") / "link").symlink_to("/etc/passwd")
    with pytest.raises(MachineError, match="not a plain file"):
        content(volumes)


def test_ids_come_from_the_compose_file(volumes: Volumes) -> None:
    """Where it has none, the data decides."""
    assert data_of(volumes).broker_ids() == {}
    assert data_of(volumes, environment={"KAFKA_BROKER_ID": "7"}).broker_ids() == {"kafka": 7}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the images have GNU's du and df")
def test_room_and_size_are_those_of_the_engines_disk(
    volumes: Volumes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of all directories, and what is free; unknown where one of them does not tell."""
    data = data_of(volumes)
    used, free = data.allocated(), data.room()
    assert used is not None and used >= len(b"records" * 300)
    numbers = os.statvfs(volumes.root)
    assert free is not None and 0 <= free <= numbers.f_blocks * numbers.f_frsize
    monkeypatch.setattr(command, "ask_beside", lambda *_: ["12"])
    assert (data.allocated(), data.room()) == (None, None)
    monkeypatch.setattr(command, "ask_beside", lambda *_: None)
    assert (data.allocated(), data.room()) == (None, None)


def test_the_identity_of_a_brokers_data(volumes: Volumes) -> None:
    """Its meta.properties, or None before the first start."""
    (broker,) = zookeeper_cluster(1).brokers
    assert data_of(volumes).meta(broker) == "meta"
    (volumes.root / "id-shop-kafka/var/lib/kafka/data/meta.properties").unlink()
    assert data_of(volumes).meta(broker) is None
