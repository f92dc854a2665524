"""The cluster's checks, on clusters in memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import zookeeper
from kafka_tasks.diagnosis import cluster, last_failure
from kafka_tasks.diagnosis.registrations import _Asked, registrations
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.finding import Finding
from kafka_tasks.model.role import Role
from kafka_tasks.model.topic import PartitionState, TopicState
from kafka_tasks.model.topology import Topology, zookeeper_cluster
from kafka_tasks.probes import readiness
from kafka_tasks.runtimes import roles
from tests.unit.diagnosis.conftest import MakeExam
from tests.unit.fakes import topic


def ids(findings: object) -> list[tuple[str, str]]:
    """Return id and level of each finding."""
    return [(found.id, found.level) for found in findings]  # type: ignore[attr-defined]


def test_partitions_without_leader_or_replicas() -> None:
    """Leaderless is an error, too few in sync a warning, both with the partition's name."""
    lagging = TopicState("b", (PartitionState(0, 1, (1, 2), (1,)),))
    found = list(cluster.partition_findings({"a": topic("a", leader=None), "b": lagging}))
    assert ids(found) == [("leaderless", "error"), ("under-replicated", "warning")]
    assert found[0].evidence == ("a-0",)
    assert found[1].evidence == ("b-0: replicas 1,2, in sync 1",)
    assert ids(cluster.partition_findings({"a": topic("a")})) == [("partitions", "ok")]


def test_a_registration_that_outlives_its_broker(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead broker has the time until its session expires; a missing one is an error."""
    exam = make_exam()
    assert exam.session is not None
    exam.session.servers().start(exam.settings, ["zookeeper"])
    exam.services = exam.session.observe().services
    listed = {1: ("PLAINTEXT://localhost:9092",)}
    monkeypatch.setattr(zookeeper, "registered_brokers", lambda *_: listed)
    monkeypatch.setattr(zookeeper, "session_left_s", lambda *_: 4.2)
    (found,) = registrations(exam)
    assert (found.id, found.level) == ("broker-still-registered", "warning")
    assert "in 4 s or less" in found.title


def test_a_server_that_is_alone_has_lost_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brokers may be registered with another server: only the missing ensemble is reported."""
    single = zookeeper_cluster(1).at((2181, 9092))
    more = [replace(single.services[0], name=name, number=at) for at, name in ((1, "a"), (2, "b"))]
    topology = Topology((*more, *single.services[1:]))
    found = Cluster(Path(), "compose", topology, (), 1)
    asked = _Asked(roles.of(Role.ZOOKEEPER), roles.coordinators(found)[0])
    monkeypatch.setattr(zookeeper, "mode", lambda *_: "follower")
    assert asked.alone(topology) is None
    monkeypatch.setattr(zookeeper, "mode", lambda *_: "standalone")
    alone = asked.alone(topology)
    assert alone is not None and alone.id == "ensemble-not-formed"
    assert alone.title == "a runs alone, although it belongs to the ensemble a, b."
    assert asked.alone(single) is None


@pytest.mark.parametrize(
    ("killed", "said"),
    [
        (["kafka-2"], []),
        (["kafka-2", "kafka-3"], ["The quorum has no majority: 1 of 3 controllers run."]),
    ],
)
def test_a_quorum_without_a_majority(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, killed: list[str], said: list[str]
) -> None:
    """It explains why nothing can be changed; what a broker remembers is not reported as fine."""
    exam = make_exam(version="4.4.0", brokers=3)
    assert exam.session is not None
    runtime: Any = exam.session.runtime
    runtime.start(exam.settings)
    for name in killed:
        runtime.kill(name)
    exam.services = runtime.observe().services
    monkeypatch.setattr(readiness, "glance", lambda *_: readiness.Glance({}, "process", "dead"))
    found = list(cluster.readiness(exam))
    assert [each.title for each in found if each.id == "quorum-lost"] == said
    assert len([each for each in found if each.id == "service-dead"]) == len(killed)
    if said:
        assert [*registrations(exam), *cluster._partitions(exam)] == []


def test_how_the_last_start_failed(make_exam: MakeExam) -> None:
    """A failed start is reported while nothing runs; what is checked each time is a warning."""
    exam = make_exam()
    taken = Finding("port-taken", "error", "Taken.", service="tool", exit_code=4)
    died = Finding("disk-full", "error", "Full.", service="kafka", exit_code=4)
    last_failure.remember(exam.project, "up", "It failed.", (taken, died))
    found = list(cluster.readiness(exam))
    assert ids(found) == [
        ("last-start-failed", "warning"),
        ("port-taken", "warning"),
        ("disk-full", "error"),
    ]
    assert "kafka.up failed at" in found[0].title


@pytest.mark.parametrize(
    ("said", "evidence", "cause"),
    [
        (["INFO a", "INFO b"], ("INFO b",), "killed from outside"),
        (["ERROR why", "INFO b"], ("ERROR why", "INFO b"), "its last lines give the reason"),
        ([], (), "killed from outside"),
    ],
    ids=["quiet", "loud", "no log"],
)
def test_what_the_log_of_a_dead_service_tells(
    make_exam: MakeExam,
    monkeypatch: pytest.MonkeyPatch,
    said: list[str],
    evidence: tuple[str, ...],
    cause: str,
) -> None:
    """The finding quotes lines with an error; without one, the last line."""
    exam = make_exam(logs={"kafka": said})
    assert exam.session is not None
    runtime: Any = exam.session.runtime
    runtime.start(exam.settings)
    runtime.kill("kafka")
    exam.services = runtime.observe().services
    monkeypatch.setattr(readiness, "glance", lambda *_: readiness.Glance({}, "process", "dead"))
    (dead,) = [found for found in cluster.readiness(exam) if found.id == "service-dead"]
    assert (dead.service, dead.evidence) == ("kafka", evidence)
    assert dead.cause is not None and cause in dead.cause


def test_while_it_is_starting_nothing_is_wrong(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rung that does not hold yet, while another command works on it, is no error."""
    exam = make_exam()
    assert exam.session is not None
    exam.session.servers().start(exam.settings)
    exam.services = exam.session.observe().services
    exam.held = True
    glance = readiness.Glance({}, "broker", "no answer")
    monkeypatch.setattr(readiness, "glance", lambda *_: glance)
    assert ids(cluster.readiness(exam)) == [("lock-held", "info"), ("starting", "info")]
    exam.held = False
    assert ("not-ready", "error") in ids(cluster.readiness(exam))


def test_a_signature_in_a_ready_cluster(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a ready cluster only a signature that lingers is reported, as a warning."""
    lines = [
        "Replication factor: 3 larger than available brokers: 1.",
        "KeeperErrorCode = NodeExists",
    ]
    exam = make_exam(runtime="compose", logs={"kafka": lines})
    assert exam.session is not None
    exam.session.servers().start(exam.settings)
    exam.services = exam.session.observe().services
    monkeypatch.setattr(readiness, "glance", lambda *_: readiness.Glance({}))
    assert ids(cluster.readiness(exam)) == [("ready", "ok"), ("replication-factor", "warning")]


@pytest.mark.parametrize(("secure", "is_told"), [("scram", False), ("none", True)])
def test_a_client_that_was_refused_is_no_failure_of_a_secured_cluster(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, secure: str, is_told: bool
) -> None:
    """`verify` makes such lines itself; a broker that dies later did not die of them."""
    refused = (
        "[2026-11-29 04:06:31,000] INFO [SocketServer listenerType=ZK_BROKER, nodeId=2] Failed "
        "authentication with /172.18.0.1 (channelId=172.18.0.2:9092-172.18.0.1:60214-0-2) "
        "(Authentication failed during authentication due to invalid credentials with SASL "
        "mechanism SCRAM-SHA-512) (org.apache.kafka.common.network.Selector)"
    )
    exam = make_exam(runtime="compose", logs={"kafka": [refused]}, secure=secure)
    assert exam.session is not None
    exam.session.servers().start(exam.settings)
    exam.services = exam.session.observe().services
    glance = readiness.Glance({}, "broker", "no answer")
    monkeypatch.setattr(readiness, "glance", lambda *_: glance)
    told = {"The user or the password is wrong."} & {
        found.title for found in cluster.readiness(exam)
    }
    assert bool(told) is is_told


def test_how_long_a_session_lives() -> None:
    """ZooKeeper's dump is read by session, whatever else it says."""
    dump = (
        "SessionTracker dump:\nSession Sets (2)/(3):\n"
        "1 expire at Thu Jan 01 00:33:20 UTC 1970:\n\t0x100000000000000\n"
        "2 expire at Thu Jan 01 00:33:24 UTC 1970:\n\t0x100000000000001\n\t0x100000000000002\n"
        "ephemeral nodes dump:\nSessions with Ephemerals (1):\n0x100000000000000:\n"
        "\t/brokers/ids/1\n"
    )
    ends = zookeeper._session_ends(dump)
    assert set(ends) == {0x100000000000000 + n for n in range(3)}
    assert ends[0x100000000000001] - ends[0x100000000000000] == 4
    assert zookeeper._session_ends("garbage\n\t0x1\n") == {}
