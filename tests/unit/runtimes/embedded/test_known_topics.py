from __future__ import annotations

import base64
from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.model.topology import Topology, kraft_cluster
from kafka_tasks.runtimes.embedded import known_topics
from kafka_tasks.runtimes.embedded.known_topics import require_known

ONE = kraft_cluster(1)
LOG = "__cluster_metadata-0/00000000000000000000.log"


def _id(name: str) -> bytes:
    return name.encode().ljust(16, b"\xff")


def _partition(data: Path, name: str, service: str = "kafka") -> None:
    """A partition's directory, as a broker makes it."""
    directory = data / service / name
    directory.mkdir(parents=True)
    text = base64.urlsafe_b64encode(_id(name.rpartition("-")[0])).decode().rstrip("=")
    (directory / "partition.metadata").write_text(f"version: 0\ntopic_id: {text}")


def _metadata(data: Path, *topics: str, service: str = "kafka", name: str = LOG) -> None:
    """A log or a checkpoint with these topics in it."""
    path = data / service / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"before" + b"".join(map(_id, topics)) + b"after")


CHECKPOINT = "__cluster_metadata-0/00000000000000000100-0000000003.checkpoint"


@pytest.mark.parametrize("name", [LOG, CHECKPOINT])
def test_topics_that_the_metadata_has_are_fine(tmp_path: Path, name: str) -> None:
    """In the log or in a checkpoint."""
    _metadata(tmp_path)
    _metadata(tmp_path, "a", "b-c", name=name)
    for partition in ("a-0", "a-1", "b-c-0"):
        _partition(tmp_path, partition)
    require_known(tmp_path, ONE)


def test_a_topic_that_no_voter_knows_is_refused(tmp_path: Path) -> None:
    """With its name, the log and its size; what else is there does not matter."""
    _metadata(tmp_path, "a")
    for partition in ("a-0", "lost-0", "lost-1"):
        _partition(tmp_path, partition)
    with pytest.raises(InvalidInput) as caught:
        require_known(tmp_path, ONE)
    assert "has lost a topic whose records are on the disk (lost)" in caught.value.message
    assert f"{tmp_path / 'kafka' / LOG}: 27 bytes" in caught.value.evidence
    assert "kafka.snapshot.list" in (caught.value.hint or "")


def test_a_log_without_its_beginning_is_not_judged(tmp_path: Path) -> None:
    """A topic that was deleted while its broker was away is in no checkpoint."""
    _metadata(tmp_path, "a", name=CHECKPOINT)
    _metadata(tmp_path, "a", name="__cluster_metadata-0/00000000000000000100.log")
    for partition in ("a-0", "deleted-0"):
        _partition(tmp_path, partition)
    require_known(tmp_path, ONE)


def test_many_topics_are_counted(tmp_path: Path) -> None:
    """A controller whose data was deleted begins with an empty log."""
    topology = kraft_cluster(1, controllers=1)
    _metadata(tmp_path, *"abcdefg", service="kafka")
    for name in "abcdefg":
        _partition(tmp_path, f"{name}-0")
    with pytest.raises(InvalidInput, match=r"lost 7 topics .* \(a, b, c, d, e, …\)"):
        require_known(tmp_path, topology)
    _metadata(tmp_path, *"abcdefg", service="controller")
    require_known(tmp_path, topology)


@pytest.mark.parametrize("topology", [kraft_cluster(3)])
def test_one_voter_that_knows_is_enough(tmp_path: Path, topology: Topology) -> None:
    """The others get it from there."""
    _metadata(tmp_path, service="kafka")
    _metadata(tmp_path, "a", service="kafka-3")
    _partition(tmp_path, "a-0", service="kafka-2")
    require_known(tmp_path, topology)


@pytest.mark.parametrize(
    "name", ["a-0.0123-delete", "a-0.0123-stray", "a-0.0123-future", "__cluster_metadata-0", "a"]
)
def test_what_is_no_partition_is_not_judged(tmp_path: Path, name: str) -> None:
    """Directories that are on their way out have a suffix."""
    _metadata(tmp_path)
    (tmp_path / "kafka" / name).mkdir(exist_ok=True)
    (tmp_path / "kafka" / name / "partition.metadata").write_text(f"topic_id: {'A' * 22}")
    require_known(tmp_path, ONE)


@pytest.mark.parametrize("content", ["", "version: 0\n", "topic_id: short", "topic_id: ä"])
def test_a_partition_without_an_id_is_not_judged(tmp_path: Path, content: str) -> None:
    """Kafka 2 wrote none."""
    _metadata(tmp_path)
    _partition(tmp_path, "a-0")
    (tmp_path / "kafka" / "a-0" / "partition.metadata").write_text(content, encoding="utf-8")
    require_known(tmp_path, ONE)


def test_a_log_that_takes_long_to_read_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start is faster than that."""
    monkeypatch.setattr(known_topics, "_LIMIT", 10)
    _metadata(tmp_path)
    _partition(tmp_path, "a-0")
    require_known(tmp_path, ONE)
