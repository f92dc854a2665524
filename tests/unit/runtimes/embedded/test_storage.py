from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.topology import Topology, kraft_cluster, zookeeper_cluster
from kafka_tasks.runtimes import node_data
from kafka_tasks.runtimes.embedded import storage
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.storage import Storage

NAME = "__cluster_metadata-0/0.checkpoint"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """The calls of Kafka's tool, which writes what the real one does."""
    found: list[Sequence[str]] = []

    def run(arguments: Sequence[str], *, cwd: Path, **_: object) -> processes.Completed:
        found.append(arguments)
        data = cwd / "data"
        (data / NAME).parent.mkdir(parents=True)
        (data / NAME).write_bytes(b"levels")
        (data / node_data.META).write_text("version=1\n")
        return processes.Completed(0, "Formatting")

    monkeypatch.setattr(processes, "run", run)
    return found


@pytest.fixture
def store(tmp_path: Path) -> Storage:
    """The storage of one project, with a cache of its own."""
    (tmp_path / "data").mkdir()
    java = Java(Path("/java"), "17", "test")
    archives = Archives(tmp_path / "archives", java, (Path("/a.jar"),), ("kafka",))
    return Storage(tmp_path / "data", tmp_path / "cache", archives, "4.4.0")


def _format(store: Storage, topology: Topology) -> None:
    store.format(topology, storage.check(store.data, topology))


def test_each_node_gets_its_ids_and_the_same_checkpoint(
    store: Storage, runs: list[Sequence[str]]
) -> None:
    """The tool runs once for all nodes, and not at all once the cache has what it makes."""
    three = kraft_cluster(3)
    _format(store, three)
    seen = storage.check(store.data, three)
    assert [each.node_id for each in seen.values()] == [1, 2, 3]
    (cluster_id,) = {each.cluster_id for each in seen.values()}
    assert cluster_id is not None
    assert re.fullmatch(r"[\w-]{22}", cluster_id)
    assert (store.data / "kafka-2" / NAME).read_bytes() == b"levels"
    four = kraft_cluster(4, combined=3)
    _format(store, four)
    assert storage.check(store.data, four)["kafka-4"].cluster_id == cluster_id
    assert len(runs) == 1


def test_data_of_another_cluster_than_before_is_refused(
    store: Storage, runs: list[Sequence[str]]
) -> None:
    """One node alone would start with it, whatever it is."""
    one = kraft_cluster(1)
    found = store.format(one, {})
    assert found is not None
    assert storage.check(store.data, one, found)["kafka"].cluster_id == found
    assert store.format(one, storage.check(store.data, one)) == found
    with pytest.raises(InvalidInput, match=f"belongs to the cluster {found}, .* cluster other"):
        storage.check(store.data, one, "other")


def test_a_damaged_checkpoint_is_made_again(store: Storage, runs: list[Sequence[str]]) -> None:
    """A flipped byte in the cache never reaches a data directory."""
    _format(store, kraft_cluster(1))
    kept = store.cache / "formats" / "kafka-4.4.0" / NAME
    kept.write_bytes(b"lexels")
    _format(store, kraft_cluster(2, combined=1))
    assert len(runs) == 2
    assert (store.data / "kafka-2" / NAME).read_bytes() == b"levels"
    assert kept.read_bytes() == b"levels"


def test_zookeeper_mode_formats_nothing(store: Storage, runs: list[Sequence[str]]) -> None:
    """Its brokers write their ids themselves."""
    _format(store, zookeeper_cluster(1))
    assert (runs, list(store.data.iterdir())) == ([], [])


def test_a_tool_that_fails_is_shown(store: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its last lines are the evidence, and no half directory stays."""
    failed = processes.Completed(1, "one\ntwo\nError: no")
    monkeypatch.setattr(processes, "run", lambda *_, **__: failed)
    with pytest.raises(MachineError, match="exit code 1") as caught:
        _format(store, kraft_cluster(1))
    assert caught.value.evidence[-1] == "Error: no"
    assert list(store.data.iterdir()) == []


def _node(store: Storage, name: str, text: str, voters: str = "") -> None:
    folder = store.data / name
    (folder / "__cluster_metadata-0").mkdir(parents=True)
    (folder / node_data.META).write_text(text)
    if voters:
        (folder / "__cluster_metadata-0" / "quorum-state").write_text(voters)


@pytest.mark.parametrize(
    ("text", "voters", "said"),
    [
        ("version=1\ncluster.id=a\nnode.id=7\n", "", "belongs to node 7, and kafka is node 1"),
        (
            "version=1\ncluster.id=a\nnode.id=1\n",
            '{"currentVoters":[{"voterId":1},{"voterId":2},{"voterId":3}],"data_version":0}',
            "has the voters 1, 2, 3, and these settings have 1",
        ),
    ],
)
def test_data_that_cannot_be_started_is_refused(
    store: Storage, text: str, voters: str, said: str
) -> None:
    """Another node's data, and another quorum's."""
    _node(store, "kafka", text, voters)
    with pytest.raises(InvalidInput, match=said):
        storage.check(store.data, kraft_cluster(1))


def test_nodes_of_two_clusters_are_refused(store: Storage) -> None:
    """Each directory is shown with its cluster's id."""
    _node(store, "kafka", "version=1\ncluster.id=a\nnode.id=1\n")
    _node(store, "kafka-2", "version=1\ncluster.id=b\nnode.id=2\n")
    with pytest.raises(InvalidInput, match="different clusters") as caught:
        storage.check(store.data, kraft_cluster(2))
    assert len(caught.value.evidence) == 2


def test_data_without_ids_is_not_formatted_over(store: Storage) -> None:
    """A directory with records in it and no meta.properties keeps its records."""
    (store.data / "kafka" / "orders-0").mkdir(parents=True)
    with pytest.raises(InvalidInput, match=r"has no meta\.properties"):
        storage.check(store.data, kraft_cluster(1))


def test_a_torn_quorum_state_says_nothing(store: Storage) -> None:
    """Kafka judges it, and doctor shows its log."""
    _node(store, "kafka", "version=1\ncluster.id=a\nnode.id=1\n", '{"currentVoters":[{')
    assert storage.check(store.data, kraft_cluster(1))["kafka"].voters is None
