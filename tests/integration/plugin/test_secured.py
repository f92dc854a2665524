"""The fixtures of the plugin on secured clusters, in runs of pytest that share them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.plugin.conftest import Inner, deleted_in_the_end

_ALL = """
    import asyncio
    import json
    from pathlib import Path

    import pytest
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
    from confluent_kafka import Consumer, Producer

    pytestmark = pytest.mark.kafka(version="4.4", secure="scram", acl=True)


    def test_clients_are_admin(
        kafka_topic, kafka_producer, kafka_consumer, kafka_records, kafka_admin, kafka_client_config
    ):
        assert kafka_client_config["sasl.username"] == "admin"
        kafka_producer.produce(kafka_topic, b"v")
        assert kafka_consumer.poll(30).value() == b"v"
        assert [each.value for each in kafka_records.take(kafka_topic)] == [b"v"]
        assert kafka_topic in kafka_admin.list_topics(timeout=30).topics


    def test_factories_are_admin(
        kafka_topic_factory, kafka_group, kafka_producer_factory, kafka_consumer_factory
    ):
        topic = kafka_topic_factory(partitions=2, config={"cleanup.policy": "compact"})
        producer = kafka_producer_factory(transactional=True)
        producer.begin_transaction()
        producer.produce(topic, b"committed", b"k")
        producer.commit_transaction()
        assert kafka_consumer_factory(topic, group=kafka_group).poll(30).value() == b"committed"


    def test_clean(kafka_clean, kafka_admin, kafka_topic):
        mine = [each for each in kafka_admin.list_topics(timeout=30).topics if each[0] != "_"]
        assert mine == [kafka_topic]


    @pytest.mark.kafka_topics("orders")
    def test_aiokafka(kafka_client_config_aiokafka):
        async def there_and_back(config):
            async with AIOKafkaProducer(**config) as producer:
                await producer.send_and_wait("orders", b"x")
            async with AIOKafkaConsumer("orders", auto_offset_reset="earliest", **config) as found:
                return (await found.getone()).value

        assert asyncio.run(there_and_back(kafka_client_config_aiokafka)) == b"x"


    @pytest.mark.parametrize(
        ("fault", "finding"),
        [
            ("password", "log-in-refused"),
            ("authority", "authority-unknown"),
            ("host", "certificate-host"),
            ("expired", "certificate-expired"),
        ],
    )
    def test_refused(kafka_refused, kafka_refusal, fault, finding):
        assert kafka_refusal(kafka_refused(fault)) == finding


    @pytest.mark.kafka_topics("ledger")
    @pytest.mark.parametrize("granted", [False, True, False])
    def test_granted_for_one_test(kafka_grant, kafka_user, granted):
        if granted:
            kafka_grant("alice", "write", "ledger")
        errors = []
        producer = Producer(kafka_user("alice"))
        producer.produce("ledger", b"x", on_delivery=lambda error, _: errors.append(error))
        assert producer.flush(30) == 0
        assert [error and error.name() for error in errors] == [
            None if granted else "TOPIC_AUTHORIZATION_FAILED"
        ]


    def test_granted_with_a_group(kafka_grant, kafka_user, kafka_topic, kafka_group, kafka_records):
        kafka_grant("bob", "read", kafka_topic, group=kafka_group)
        kafka_records.send(kafka_topic, "x")
        mine = {"group.id": kafka_group, "auto.offset.reset": "earliest"}
        consumer = Consumer(kafka_user("bob") | mine)
        consumer.subscribe([kafka_topic])
        assert consumer.poll(30).value() == b"x"
        consumer.close()


    def test_sentences(
        kafka_user, kafka_grant, kafka_refused, kafka_refusal, kafka_client_config
    ):
        with pytest.raises(pytest.fail.Exception, match="There is no user 'carol' here"):
            kafka_user("carol")
        with pytest.raises(pytest.fail.Exception, match="did you mean write"):
            kafka_grant("alice", "wirte", "ledger")
        with pytest.raises(pytest.fail.Exception, match='secure="mtls"'):
            kafka_refused("expired-client")
        with pytest.raises(pytest.fail.Exception, match="The connection is accepted"):
            kafka_refusal(kafka_client_config)


    def test_alice_is_noted(kafka_user):
        Path("alice.json").write_text(json.dumps(kafka_user("alice")))


    @pytest.mark.kafka(version="4.4", secure="mtls")
    class TestByCertificate:
        def test_clients(self, kafka_topic, kafka_records, kafka_client_config):
            assert "sasl.username" not in kafka_client_config
            kafka_records.send(kafka_topic, "x")
            assert len(kafka_records.all(kafka_topic)) == 1

        def test_refused(self, kafka_refused, kafka_refusal):
            found = kafka_refusal(kafka_refused("expired-client"))
            assert found == "client-certificate-expired"
"""

_AS_ALICE = """
    def test_topic(kafka_topic):
        pass
"""


@pytest.fixture
def root(
    warm_kafka_4: Path, environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """The root of runs that share secured clusters, which are deleted in the end."""
    yield from deleted_in_the_end(tmp_path_factory.mktemp("secured").resolve(), environ)


def test_fixtures_work_on_secured_clusters(
    inner: Inner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One cluster for each shape; a client that may create no topic is told of the right."""
    inner.write(test_all=_ALL)
    inner.run_on_kept(root=root).assert_outcomes(passed=16)
    alice = json.loads((inner.pytester.path / "alice.json").read_text(encoding="utf-8"))
    for name in ("security.protocol", "sasl.mechanism", "sasl.username", "sasl.password"):
        monkeypatch.setenv(f"KAFKA_TASKS_{name.upper().replace('.', '_')}", alice[name])
    monkeypatch.setenv("KAFKA_TASKS_SSL_CA_LOCATION", alice["ssl.ca.location"])
    inner.write(test_all=_AS_ALICE)
    denied = inner.run(f"--kafka-bootstrap-servers={alice['bootstrap.servers']}")
    denied.assert_outcomes(errors=1)
    denied.stdout.fnmatch_lines(
        [
            "*User alice lacks the right CREATE on topic test-topic-*.",
            "*Hint: an administrator can grant CREATE on all topics; *",
        ]
    )
    said = denied.stdout.str()
    assert "Traceback" not in said and alice["sasl.password"] not in said
