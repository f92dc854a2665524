"""Topics are created as requested."""

from __future__ import annotations

from kafka_tasks.acceptance.conftest import NewTopic
from kafka_tasks.acceptance.criteria import proves
from kafka_tasks.clients.kafka.admin import Admin


@proves("topic-created")
def test_topic_is_created_as_asked_for(admin: Admin, new_topic: NewTopic) -> None:
    """A new topic has its partitions, leaders and settings, and all replicas are in sync."""
    replicas = min(3, len(admin.look(5.0).brokers))
    name = new_topic(partitions=3, replication_factor=replicas, config={"retention.ms": "3600000"})
    topic = admin.describe(name)
    assert topic is not None, f"{name} was created and is not there"
    assert len(topic.partitions) == topic.leaders == 3
    assert topic.replication_factor == replicas
    assert all(set(p.isr) == set(p.replicas) for p in topic.partitions)
    assert topic.config["retention.ms"].value == "3600000"
