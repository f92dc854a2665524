"""What only the cluster can decide is said, and never vetoed here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kafka_tasks.model import topology
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.topics import observe
from kafka_tasks.topics.model import Doubt, TopicSpec, WantedTopics
from kafka_tasks.topics.observe import Observed

UNKNOWN = Doubt("vendor.tier", "topics.yaml:3", "Kafka has no topic setting vendor.tier")
ODD = Doubt("segment.bytes", "topics.yaml:4", "segment.bytes is 5; it starts at 14")
ODD_SAID = "topics.yaml:4: segment.bytes is 5; it starts at 14; the cluster decides"
OURS = Cluster(Path(), "embedded", topology.zookeeper_cluster(2), (), 2)
REMOTE = Cluster(Path(), "remote", topology.Topology(), (), 1)


@pytest.mark.parametrize(
    ("cluster", "absent"),
    [(OURS, 0), (replace(OURS, topology=topology.kraft_cluster(3), brokers=3), 2), (REMOTE, None)],
)
def test_a_registered_broker_may_have_replicas(cluster: Cluster, absent: int | None) -> None:
    """In ZooKeeper mode only those that run; of a remote cluster it is not known."""
    assert observe.absent_brokers(cluster, 1) == absent


def _remarks(cluster: Cluster, settings: frozenset[str] | None, *specs: TopicSpec) -> list[str]:
    wanted = WantedTopics(specs, (), (UNKNOWN, ODD))
    return list(observe.remarks(wanted, Observed("id", (1, 2), {}, settings), cluster))


def test_a_setting_that_the_cluster_shows_is_no_doubt() -> None:
    """Its own description is the authority, and a value is for the broker to judge."""
    assert _remarks(REMOTE, frozenset({"vendor.tier"})) == [ODD_SAID]
    near = _remarks(REMOTE, frozenset({"vendor.tiers"}))
    assert near[0] == (
        "topics.yaml:3: this cluster has no topic setting vendor.tier; did you mean vendor.tiers?; "
        "the cluster decides"
    )
    assert _remarks(REMOTE, None)[0].startswith("topics.yaml:3: Kafka has no topic setting")


def test_a_topic_that_may_be_hidden_is_a_remark() -> None:
    """A plan would create it, or call it absent, although it may exist."""
    alice = replace(REMOTE, client={"sasl.username": "alice"})
    seen = Observed("id", (1,), {}, hidden=frozenset({"x"}))
    wanted = WantedTopics((TopicSpec("x", absent=True),), ())
    assert list(observe.remarks(wanted, seen, alice)) == [
        "x: user alice may not see whether it exists (DESCRIBE); the cluster decides"
    ]


def test_more_replicas_than_brokers_are_a_remark_of_a_remote_cluster() -> None:
    """On ours it is known, and the plan says so."""
    spec = TopicSpec("x", replication_factor=3)
    assert _remarks(REMOTE, None, spec)[-1] == (
        "x: a replication factor of 3 is larger than the number of brokers that answer (2); "
        "the cluster decides"
    )
    assert _remarks(OURS, None, spec)[-1] == ODD_SAID
