from __future__ import annotations

from kafka_tasks.model.topic import PartitionState, TopicState
from tests.unit.fakes import topic


def test_a_topic_counts_its_leaders_and_replicas() -> None:
    """Leaders are counted, and the replication factor is the fewest replicas of a partition."""
    state = TopicState(
        "t",
        (
            PartitionState(0, 1, (1, 2, 3), (1, 2, 3)),
            PartitionState(1, None, (1, 2), ()),
        ),
    )
    assert (state.leaders, state.replication_factor) == (1, 2)
    assert TopicState("empty", ()).replication_factor == 0


def test_kafkas_own_topics_are_internal() -> None:
    """Two underscores in front mark a topic of Kafka itself."""
    assert topic("__consumer_offsets").internal
    assert not topic("_mine").internal
