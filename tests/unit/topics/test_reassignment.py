from __future__ import annotations

import json
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients.kafka.changes import Outcomes
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotPermitted
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topic import PartitionState
from kafka_tasks.model.topology import Topology
from kafka_tasks.retry import Deadline
from kafka_tasks.topics import reassignment
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.observe import Observed
from tests.unit.fakes import FakeAdmin, topic


@dataclass
class FakeReplicas:
    """Moves what it is asked for when it has been looked at so often; errors come first."""

    admin: FakeAdmin
    looks: int = 2
    refuses: KafkaTasksError | None = None
    loses: list[KafkaTasksError] = field(default_factory=list)
    asked: Any = None
    not_now: list[KafkaTasksError] = field(default_factory=list)

    def __call__(self, _: Cluster) -> FakeReplicas:
        """The connection to a cluster."""
        return self

    def __enter__(self) -> FakeReplicas:
        return self

    def __exit__(self, *_: object) -> None: ...

    def move(self, assignment: Any) -> Outcomes:
        """Accept all of it."""
        if self.refuses is not None:
            raise self.refuses
        self.asked = assignment
        if self.not_now:
            return dict.fromkeys(assignment, self.not_now.pop(0))
        return dict.fromkeys(assignment)

    def moving(self) -> dict[str, set[int]]:
        """Everything, until it is done."""
        if self.loses:
            raise self.loses.pop(0)
        self.looks -= 1
        if self.looks > 0:
            return {name: set(at) for name, at in self.asked.items()}
        for name, at in self.asked.items():
            partitions = tuple(PartitionState(n, nodes[0], nodes, nodes) for n, nodes in at.items())
            self.admin.there[name] = replace(self.admin.there[name], partitions=partitions)
        return {}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    """Somewhere."""
    return Cluster(tmp_path, "remote", Topology(), (Address("k", 9092),), 3)


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> FakeReplicas:
    """A cluster with one topic of two partitions on one broker."""
    found = FakeReplicas(FakeAdmin(there={"t": topic("t", 2)}))
    monkeypatch.setattr(reassignment, "Replicas", found)
    return found


def _moved(replicas: FakeReplicas, cluster: Cluster, seconds: float) -> Outcomes:
    assignment: dict[str, dict[int, tuple[int, ...]]] = {"t": {0: (1, 2), 1: (1, 3)}}
    admin: Any = replicas.admin
    return reassignment.move(cluster, admin, assignment, Deadline.after(seconds), Recorder())


def test_a_controller_that_changes_is_asked_again(replicas: FakeReplicas, cluster: Cluster) -> None:
    """NOT_CONTROLLER passes; where it stays, it is the outcome of the topic."""
    replicas.not_now = [BrokerUnreachable("not the controller") for _ in range(3)]
    assert _moved(replicas, cluster, 5.0) == {"t": None}
    replicas.not_now = [BrokerUnreachable("not the controller") for _ in range(10**4)]
    assert isinstance(_moved(replicas, cluster, 1.0)["t"], BrokerUnreachable)


def test_a_movement_is_over_when_all_is_in_sync(replicas: FakeReplicas, cluster: Cluster) -> None:
    """It is asked for once, and then looked at."""
    assert _moved(replicas, cluster, 10) == {"t": None}
    assert [at.isr for at in replicas.admin.there["t"].partitions] == [(1, 2), (1, 3)]


def test_a_move_is_over_when_every_broker_shows_it(
    replicas: FakeReplicas, cluster: Cluster
) -> None:
    """The next command may ask the broker that hears of it last."""
    before = dict(replicas.admin.there)
    replicas.admin.lagging = [before, before, before]
    assert _moved(replicas, cluster, 10) == {"t": None}
    assert not replicas.admin.lagging


def test_a_broker_that_goes_away_meanwhile_is_waited_for(
    replicas: FakeReplicas, cluster: Cluster
) -> None:
    """What was asked for goes on without us: losing sight of it is no failure."""
    replicas.loses = [BrokerUnreachable("No broker answered."), ClusterError("Failed.")]
    assert _moved(replicas, cluster, 10) == {"t": None}


def test_a_movement_that_takes_too_long_goes_on_in_the_cluster(
    replicas: FakeReplicas, cluster: Cluster
) -> None:
    """The failure says so."""
    replicas.looks = 1_000_000
    error = _moved(replicas, cluster, 1)["t"]
    assert isinstance(error, ClusterError)
    assert error.evidence == ("the cluster continues to move them",)


def test_what_cannot_be_moved_from_here_is_written_for_kafkas_own_tool(
    replicas: FakeReplicas, cluster: Cluster, tmp_path: Path
) -> None:
    """Each topic fails with the reason and the command, and the file has all partitions."""
    replicas.refuses = BrokerUnreachable("No broker answered: connect.", evidence=("timed out",))
    seen = Observed("id", (1, 2, 3), replicas.admin.there)
    move = reassignment.mover(cluster, replicas.admin, seen, Recorder(), tmp_path / "state")  # type: ignore[arg-type]
    error = move({"t": TopicSpec("t", replication_factor=2)}, {}, Deadline.after(1))["t"]
    assert isinstance(error, ClusterError)
    (path,) = (tmp_path / "state").glob("reassignment-*.json")
    assert error.evidence[:2] == ("No broker answered: connect.", "timed out")
    assert f"--bootstrap-server k:9092 --reassignment-json-file {path}" in error.evidence[2]
    wanted = json.loads(path.read_text())["partitions"]
    assert [(at["partition"], len(at["replicas"])) for at in wanted] == [(0, 2), (1, 2)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_kafkas_own_tool_is_given_the_log_in(
    replicas: FakeReplicas, cluster: Cluster, tmp_path: Path
) -> None:
    """The command makes a client file of a secured connection, and names it."""
    replicas.refuses = BrokerUnreachable("No broker answered: connect.")
    secured = replace(cluster, client={"security.protocol": "SSL"})
    seen = Observed("id", (1, 2, 3), replicas.admin.there)
    move = reassignment.mover(secured, replicas.admin, seen, Recorder(), tmp_path)  # type: ignore[arg-type]
    error = move({"t": TopicSpec("t", replication_factor=2)}, {}, Deadline.after(1))["t"]
    assert error is not None and error.hint is not None
    made, used = error.hint.split("; kafka-reassign-partitions ")
    assert made.endswith("invoke kafka.env --format java --show-secrets > client.properties)")
    assert "--command-config client.properties" in used


def test_a_lacking_right_is_one_sentence(
    replicas: FakeReplicas, cluster: Cluster, tmp_path: Path
) -> None:
    """Kafka's own tool would be refused, too: it is not named, and there is no file."""
    replicas.refuses = NotPermitted("User bob lacks the right ALTER on the cluster.")
    seen = Observed("id", (1, 2, 3), replicas.admin.there)
    move = reassignment.mover(cluster, replicas.admin, seen, Recorder(), tmp_path)  # type: ignore[arg-type]
    outcomes = move({"t": TopicSpec("t", replication_factor=2)}, {}, Deadline.after(1))
    assert outcomes == {"t": replicas.refuses}
    assert list(tmp_path.iterdir()) == []


def test_partitions_that_were_added_are_moved_too(
    replicas: FakeReplicas, cluster: Cluster, tmp_path: Path
) -> None:
    """Also where the broker that is asked next has not heard of them yet."""
    replicas.refuses = BrokerUnreachable("No broker answered: connect.")
    seen = Observed("id", (1, 2, 3), replicas.admin.there)
    move = reassignment.mover(cluster, replicas.admin, seen, Recorder(), tmp_path)  # type: ignore[arg-type]
    move({"t": TopicSpec("t", replication_factor=2)}, {"t": topic("t", 4)}, Deadline.after(1))
    (path,) = tmp_path.glob("reassignment-*.json")
    assert len(json.loads(path.read_text())["partitions"]) == 4
