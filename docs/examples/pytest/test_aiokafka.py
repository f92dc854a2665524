"""aiokafka on the cluster of the test run."""

import asyncio

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


async def there_and_back(config, topic):
    """Send one record and wait for it."""
    async with AIOKafkaProducer(**config) as producer:
        await producer.send_and_wait(topic, b"order 1")
    async with AIOKafkaConsumer(topic, auto_offset_reset="earliest", **config) as consumer:
        return await consumer.getone()


def test_a_record_comes_back(kafka_client_config_aiokafka, kafka_topic):
    """The fixture gives the arguments of aiokafka's clients."""
    record = asyncio.run(there_and_back(kafka_client_config_aiokafka, kafka_topic))
    assert record.value == b"order 1"
