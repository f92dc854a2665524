"""The Python clients that are no wrapper of librdkafka, on Kafka 4: aiokafka and kafka-python."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin import NewTopic as AioNewTopic
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic

from tests.integration.conftest import Sandbox, eventually

_LIMIT_S = 40.0


@pytest.fixture(scope="module")
def bootstrap(running_kafka_4: Sandbox) -> str:
    """The address of a broker of Kafka 4.4 that the modules share."""
    document = running_kafka_4.run("env", "-o", "json").document
    return str(document["bootstrap_servers"])


@pytest.fixture(scope="module")
def admin(bootstrap: str) -> Iterator[Any]:
    """kafka-python's own admin client."""
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as client:
        yield client


def _run(do: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run to the end, or fail after the limit."""
    asyncio.run(asyncio.wait_for(do(), _LIMIT_S))


def test_kafka_python_administers_topics(admin: Any) -> None:
    """Created with a setting, listed, described and deleted."""
    settings = {"retention.ms": "5000000"}
    admin.create_topics([NewTopic("kp-admin", 3, 1, topic_configs=settings)])
    eventually(lambda: "kp-admin" in admin.list_topics(), "the topic is listed")
    (described,) = admin.describe_topics(["kp-admin"])
    assert len(described["partitions"]) == 3
    admin.delete_topics(["kp-admin"])
    eventually(lambda: "kp-admin" not in admin.list_topics(), "the topic is deleted")


def test_kafka_python_produces_and_a_group_consumes(bootstrap: str, admin: Any) -> None:
    """Every record once; a second consumer of the group continues where the first committed."""
    admin.create_topics([NewTopic("kp-records", 2, 1)], wait_for_metadata=True)
    with closing(KafkaProducer(bootstrap_servers=bootstrap, acks="all")) as producer:
        sent = [producer.send("kp-records", key=b"%d" % n, value=b"v%d" % n) for n in range(40)]
        assert {future.get(timeout=20).topic for future in sent} == {"kp-records"}
    options = {"group_id": "kp-group", "auto_offset_reset": "earliest", "enable_auto_commit": False}
    seen: list[bytes] = []
    for total in (25, 40):
        consumer = KafkaConsumer("kp-records", bootstrap_servers=bootstrap, **options)
        with closing(consumer):
            # Else kafka-python 3.0.12 may join without metadata, and then keeps no partition.
            assert consumer.partitions_for_topic("kp-records") == {0, 1}

            def read(consumer: Any = consumer, total: int = total) -> bool:
                polled = consumer.poll(timeout_ms=200, max_records=total - len(seen))
                seen.extend(record.value for records in polled.values() for record in records)
                return len(seen) == total

            eventually(read, f"{total} records are read")
            consumer.commit()
    assert sorted(seen) == sorted(b"v%d" % n for n in range(40))


def test_aiokafka_administers_topics(bootstrap: str) -> None:
    """Created with a setting, listed, described and deleted."""

    async def use() -> None:
        client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
        await client.start()
        try:
            settings = {"retention.ms": "5000000"}
            await client.create_topics([AioNewTopic("aio-admin", 3, 1, topic_configs=settings)])
            while "aio-admin" not in await client.list_topics():
                await asyncio.sleep(0.05)
            (described,) = await client.describe_topics(["aio-admin"])
            assert len(described["partitions"]) == 3
            await client.delete_topics(["aio-admin"])
            while "aio-admin" in await client.list_topics():
                await asyncio.sleep(0.05)
        finally:
            await client.close()

    _run(use)


def test_aiokafka_commits_and_aborts_transactions(bootstrap: str, admin: Any) -> None:
    """A group that reads committed records sees one transaction; its offsets are in the second."""
    asked = [NewTopic("aio-in", 1, 1), NewTopic("aio-out", 1, 1)]
    admin.create_topics(asked, wait_for_metadata=True)
    first = TopicPartition("aio-in", 0)

    async def use() -> None:
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, transactional_id="aio-tx")
        consumer = AIOKafkaConsumer(
            *("aio-in", "aio-out"),
            bootstrap_servers=bootstrap,
            group_id="aio-group",
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
        )
        await producer.start()
        await consumer.start()
        try:
            async with producer.transaction():
                for number in range(3):
                    await producer.send_and_wait("aio-in", b"kept %d" % number)
            with pytest.raises(ZeroDivisionError):
                async with producer.transaction():
                    await producer.send_and_wait("aio-in", b"aborted")
                    raise ZeroDivisionError
            async with producer.transaction():
                await producer.send_and_wait("aio-out", b"result")
                await producer.send_offsets_to_transaction({first: 3}, "aio-group")
            seen = [(await consumer.getone()).value for _ in range(4)]
            assert sorted(seen) == [b"kept 0", b"kept 1", b"kept 2", b"result"]
            assert await consumer.committed(first) == 3
        finally:
            await consumer.stop()
            await producer.stop()

    _run(use)
