"""The fixtures and markers of the plugin, in runs of pytest on one cluster."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from tests.integration.plugin.conftest import Inner

_CLUSTER = """
    import time

    from confluent_kafka.admin import AdminClient


    def test_cluster(kafka_cluster, kafka_bootstrap_servers, kafka_client_config):
        assert kafka_cluster.bootstrap_servers == kafka_bootstrap_servers
        assert kafka_client_config["bootstrap.servers"] == kafka_bootstrap_servers
        assert kafka_cluster.kafka_version.startswith("3.9.")
        assert (kafka_cluster.brokers, kafka_cluster.runtime) == (1, "embedded")
        assert kafka_cluster.mode == "zookeeper"
        assert kafka_cluster.project.is_dir()
        assert kafka_bootstrap_servers in str(kafka_cluster)


    def test_groups_are_prepared(kafka_admin):
        deadline = time.monotonic() + 60
        while "__consumer_offsets" not in kafka_admin.list_topics(timeout=10).topics:
            assert time.monotonic() < deadline, "nothing asks for a coordinator"
            time.sleep(0.05)


    def test_admin(kafka_admin, kafka_cluster):
        assert isinstance(kafka_admin, AdminClient)
        assert kafka_admin.list_topics(timeout=10).cluster_id == kafka_cluster.cluster_id


    def test_aiokafka(kafka_client_config_aiokafka, kafka_bootstrap_servers):
        assert kafka_client_config_aiokafka == {"bootstrap_servers": kafka_bootstrap_servers}
"""

_TOPICS = """
    import re
    import unittest

    import pytest

    SEEN = set()


    def partitions(admin, name):
        found = admin.list_topics(name, timeout=10).topics[name].partitions
        return {number: each.leader for number, each in found.items()}


    @pytest.mark.parametrize("word", ["a", "ü.x_y", "z" * 400])
    def test_fresh(word, kafka_topic, kafka_admin):
        assert isinstance(kafka_topic, str)
        assert re.fullmatch("[A-Za-z0-9-]{1,249}", kafka_topic)
        assert partitions(kafka_admin, kafka_topic) == {0: 1}
        assert kafka_topic not in SEEN
        SEEN.add(kafka_topic)


    def test_factory(kafka_topic_factory, kafka_admin):
        one = kafka_topic_factory(partitions=3, config={"cleanup.policy": "compact"})
        two = kafka_topic_factory()
        assert one != two
        assert partitions(kafka_admin, one) == {0: 1, 1: 1, 2: 1}


    def test_names(kafka_name, kafka_group):
        assert kafka_name.startswith("test-names-")
        assert kafka_name != kafka_group


    @pytest.mark.kafka_topics("orders:3", "audit")
    def test_marked(kafka_records, kafka_admin):
        assert set(partitions(kafka_admin, "orders")) == {0, 1, 2}
        kafka_records.send("audit", "seen")


    @pytest.mark.kafka_topics("audit")
    def test_marked_again(kafka_records, kafka_consumer):
        assert kafka_records.all("audit") == []
        kafka_records.send("audit", "again")
        assert kafka_consumer.poll(10).value() == b"again"


    def test_clean(kafka_clean, kafka_admin, kafka_topic):
        mine = [each for each in kafka_admin.list_topics(timeout=10).topics if each[0] != "_"]
        assert mine == [kafka_topic]


    class TestCase(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def given(self, kafka_topic, kafka_records):
            self.topic, self.records = kafka_topic, kafka_records

        def test_in_a_class(self):
            self.records.send(self.topic, "x")
            assert [each.value for each in self.records.take(self.topic)] == [b"x"]


    def test_without_kafka():
        pass
"""

_CLIENTS = """
    from confluent_kafka import TopicPartition


    def test_producer(kafka_topic, kafka_producer, kafka_consumer):
        heard = []
        kafka_producer.produce(
            kafka_topic, b"v", b"k", headers=[("h", b"1")], on_delivery=lambda *a: heard.append(a)
        )
        assert kafka_producer.flush(10) == 0
        assert heard[0][0] is None
        found = kafka_consumer.poll(10)
        assert (found.key(), found.value(), found.headers()) == (b"k", b"v", [("h", b"1")])


    def test_transaction(kafka_topic, kafka_producer_factory, kafka_consumer_factory):
        producer = kafka_producer_factory(transactional=True)
        producer.begin_transaction()
        producer.produce(kafka_topic, "withdrawn")
        producer.flush(10)
        producer.abort_transaction()
        producer.begin_transaction()
        producer.produce(kafka_topic, "committed")
        producer.commit_transaction()
        consumer = kafka_consumer_factory(kafka_topic)
        assert consumer.poll(10).value() == b"committed"


    def test_latest(kafka_topic, kafka_records, kafka_consumer_factory):
        kafka_records.send(kafka_topic, "before")
        consumer = kafka_consumer_factory(kafka_topic, config={"auto.offset.reset": "latest"})
        kafka_records.send(kafka_topic, "after")
        assert consumer.poll(10).value() == b"after"


    def test_group(kafka_topic_factory, kafka_group, kafka_records, kafka_consumer_factory):
        topic = kafka_topic_factory(partitions=2)
        one = kafka_consumer_factory(topic, group=kafka_group)
        assert len(one.assignment()) == 2
        kafka_records.send(topic, ["a", "b"])
        came = {one.poll(10).value() for _ in range(2)}
        assert came == {b"a", b"b"}
        one.commit(asynchronous=False)
        places = [TopicPartition(topic, number) for number in range(2)]
        assert sum(max(0, each.offset) for each in one.committed(places, 10)) == 2


    def test_two_members(kafka_topic_factory, kafka_group, kafka_consumer_factory):
        topic = kafka_topic_factory(partitions=2)
        one = kafka_consumer_factory(topic, group=kafka_group)
        two = kafka_consumer_factory(topic, group=kafka_group)
        assert len(two.assignment()) == 1


    def test_records(kafka_topic_factory, kafka_records):
        from kafka_tasks.pytest_factories import Record

        topic = kafka_topic_factory(partitions=2)
        record = Record(b"v", key=b"k", headers=(("h", None),), partition=1)
        sent = kafka_records.send(topic, record)
        assert [(each.partition, each.offset) for each in sent] == [(1, 0)]
        (found,) = kafka_records.take(topic)
        assert (found.key, found.value, found.headers) == (b"k", b"v", (("h", None),))
        assert found.timestamp > 1_600_000_000_000
        kafka_records.send(topic, None)
        assert [each.value for each in kafka_records.take(topic)] == [None]
        assert len(kafka_records.all(topic)) == 2


    def test_json(kafka_topic, kafka_records):
        kafka_records.send(kafka_topic, [{"id": 1}, {"id": 2}], values="json")
        found = kafka_records.take(kafka_topic, 2, values="json")
        assert [each.value for each in found] == [{"id": 1}, {"id": 2}]
"""


def test_each_fixture_gives_what_it_says(inner: Inner) -> None:
    """Cluster, topics, names, clients and records, in one run; what uses them has the mark."""
    inner.write(test_cluster=_CLUSTER, test_topics=_TOPICS, test_clients=_CLIENTS)
    inner.run_on_kept("--import-mode=importlib", "-x").assert_outcomes(passed=21)
    unmarked = inner.run_on_kept("-m", "not kafka")
    unmarked.assert_outcomes(passed=1, deselected=20)


_FAILING = """
    import pytest


    def produced(producer, topic):
        producer.produce(topic, b"x" * 600)


    def test_lost(kafka_topic_factory, kafka_producer):
        produced(kafka_producer, kafka_topic_factory(config={"max.message.bytes": 500}))


    def test_allowed(kafka_topic_factory, kafka_producer_factory):
        producer = kafka_producer_factory(undelivered_ok=True)
        produced(producer, kafka_topic_factory(config={"max.message.bytes": 500}))


    def test_too_few(kafka_topic, kafka_records):
        kafka_records.send(kafka_topic, "only one")
        kafka_records.take(kafka_topic, 2, timeout=1)


    def test_plain(kafka_topic, kafka_consumer_factory, kafka_group, kafka_records):
        kafka_consumer_factory(kafka_topic, group=kafka_group)
        kafka_records.send(kafka_topic, "x")
        assert False


    @pytest.mark.kafka(broker=3)
    def test_unknown_argument(kafka_topic):
        pass
"""


def test_a_failure_shows_what_kafka_says(inner: Inner, tmp_path: Path) -> None:
    """A lost record fails its test; log, topics and groups are in the report and in JUnit."""
    inner.write(test_failing=_FAILING.replace("@pytest.mark.kafka(broker=3)", ""))
    junit = tmp_path / "junit.xml"
    result = inner.run_on_kept(f"--junitxml={junit}")
    result.assert_outcomes(passed=2, failed=3)
    result.stdout.fnmatch_lines(
        [
            "*_ test_lost _*",
            "*A record was not delivered.",
            "*record 1 to test-lost-*: *Message size too large*",
            "*Hint: kafka_producer_factory(undelivered_ok=True) allows it",
            "*_ test_too_few _*",
            "*kafka_records.take(kafka_topic, 2, timeout=1)",
            "*1 of 2 records came from test-too-few-* within 1 s.",
            "*_ test_plain _*",
            "*Captured log of Kafka: kafka -*",
            "*INFO [[]GroupCoordinator 1[]]: * test-plain-group-*",
            "*Captured log of Kafka: topics -*",
            "test-plain-*  offsets 0: 0..1",
            "*Captured log of Kafka: groups -*",
            "test-plain-group-*  stable, lag *",
        ],
        consecutive=False,
    )
    said = result.stdout.str()
    assert "Traceback" not in said
    # The servers' start and the topics of other tests.
    assert "Created log for partition" not in said
    assert "Captured log of Kafka: topics" in junit.read_text(encoding="utf-8")


def test_a_marker_with_an_unknown_argument_is_a_sentence(inner: Inner) -> None:
    """The collection names the argument and what it is near to, and starts nothing."""
    inner.write(test_failing=_FAILING)
    result = inner.run()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*@pytest.mark.kafka has no argument 'broker', which is near brokers.", "*Hint: allowed*"]
    )
    assert "Traceback" not in result.stdout.str()


def test_the_first_test_of_init_passes(inner: Inner) -> None:
    """The starter that kafka.init writes is a test that passes as it is."""
    starter = files("kafka_tasks.starters").joinpath("test_kafka.py.txt")
    inner.write(test_kafka=starter.read_text(encoding="utf-8"))
    inner.run_on_kept().assert_outcomes(passed=1)
