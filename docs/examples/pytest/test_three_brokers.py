"""Clusters of another shape, beside that of the options."""

import pytest

from kafka_tasks.pytest_factories import cluster

newest = cluster(version="4.4", properties={"log.retention.ms": 600000})


@pytest.mark.kafka(brokers=3)
def test_a_topic_with_replicas(kafka_topic_factory, kafka_admin):
    """The marker gives this test, and its other fixtures, a cluster of three brokers."""
    topic = kafka_topic_factory(replication_factor=3)
    (partition,) = kafka_admin.list_topics(topic, timeout=10).topics[topic].partitions.values()
    assert len(partition.replicas) == 3


def test_the_newest_kafka(newest):
    """The factory made a fixture, whose value is the running cluster."""
    assert newest.kafka_version.startswith("4.4.")
