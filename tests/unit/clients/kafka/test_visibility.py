"""What a user is told of topics and groups that lists leave out."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation

from kafka_tasks.clients.kafka import visibility
from kafka_tasks.clients.kafka.visibility import Sight
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology, zookeeper_cluster

_REMOTE = Cluster(Path(), "remote", Topology(), (Address("k", 9092),), 1)
_ALICE = replace(_REMOTE, client={"sasl.username": "alice"})
_EVERY = (
    *(AclOperation.CREATE, AclOperation.ALTER, AclOperation.DESCRIBE),
    *(AclOperation.CLUSTER_ACTION, AclOperation.DESCRIBE_CONFIGS),
    *(AclOperation.ALTER_CONFIGS, AclOperation.IDEMPOTENT_WRITE),
)


class _Admin:
    """A connection of a user with these rights on the cluster."""

    def __init__(self, cluster: Cluster, told: Any) -> None:
        self.cluster, self.client, self._told = cluster, self, told

    def limit(self, asked_s: float | None, usual_s: float) -> float:
        """Return the usual one."""
        return usual_s

    def describe_cluster(self, **asked: object) -> Future[Any]:
        """Tell the rights, or fail."""
        assert asked["include_authorized_operations"]
        return _answered(self._told)

    def describe_topics(self, wanted: TopicCollection, **_: object) -> dict[str, Future[Any]]:
        """Tell of each topic what is told of all."""
        return {name: _answered(self._told) for name in wanted.topic_names}


def _answered(told: Any) -> Future[Any]:
    future: Future[Any] = Future()
    if isinstance(told, KafkaException):
        future.set_exception(told)
    else:
        future.set_result(told)
    return future


def _sight(cluster: Cluster, operations: Any) -> Sight:
    told = operations
    if not isinstance(operations, KafkaException):
        told = SimpleNamespace(authorized_operations=operations)
    return Sight(_Admin(cluster, told))  # type: ignore[arg-type]


def test_a_user_without_rights_on_the_cluster_sees_a_part() -> None:
    """Both sentences name the user and the right."""
    sight = _sight(_ALICE, None)
    for noun, said in (("Topics", sight.hidden_topics()), ("Groups", sight.hidden_groups())):
        assert said == f"{noun} on which user alice lacks the right DESCRIBE are not listed."
    assert "the user of this connection" in str(_sight(_REMOTE, None).hidden_groups())


def test_describe_on_the_cluster_shows_all_groups() -> None:
    """Topics have rights of their own."""
    sight = _sight(_ALICE, [AclOperation.DESCRIBE])
    assert sight.hidden_groups() is None
    assert sight.hidden_topics() is not None


@pytest.mark.parametrize(
    ("cluster", "told"),
    [
        (_ALICE, _EVERY),
        (_ALICE, KafkaException(KafkaError(KafkaError._TIMED_OUT))),
        (replace(_ALICE, topology=zookeeper_cluster(1)), None),
    ],
)
def test_nothing_is_said_without_evidence(cluster: Cluster, told: Any) -> None:
    """All rights, no answer, and a cluster that is started here."""
    sight = _sight(cluster, told)
    assert (sight.hidden_topics(), sight.hidden_groups()) == (None, None)


@pytest.mark.parametrize(
    ("code", "hidden"),
    [
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, {"a", "b"}),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, set()),
    ],
)
def test_a_topic_that_may_not_be_described_may_exist(code: int, hidden: set[str]) -> None:
    """One that is unknown does not exist."""
    admin: Any = _Admin(_ALICE, KafkaException(KafkaError(code)))
    assert visibility.hidden_topics(admin, ["b", "a"]) == hidden
    ours = replace(_ALICE, topology=zookeeper_cluster(1))
    assert visibility.hidden_topics(_Admin(ours, None), ["a"]) == frozenset()  # type: ignore[arg-type]
