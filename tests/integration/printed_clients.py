"""Clients that connect with exactly what `env` prints, and send a record and take it back."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from contextlib import closing
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka import Consumer, Producer, TopicPartition
from kafka import KafkaConsumer, KafkaProducer

from tests.integration.answers import call, inside
from tests.integration.conftest import Sandbox
from tests.integration.test_verbs_and_groups import TOPICS, java

_LIMIT_S = 60
_VALUE = b"there and back"


def _config(text: str) -> dict[str, Any]:
    """Return what the printed program assigns."""
    namespace: dict[str, Any] = {}
    exec(text, namespace)
    found: dict[str, Any] = namespace["config"]
    return found


def confluent_kafka(_: Sandbox, text: str, topic: str) -> None:
    """The program for confluent-kafka."""
    config = _config(text)
    producer = Producer(config)
    producer.produce(topic, _VALUE)
    assert producer.flush(_LIMIT_S) == 0
    with closing(Consumer(config | {"group.id": topic})) as consumer:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found = consumer.poll(_LIMIT_S)
    assert found is not None and found.value() == _VALUE


def kafka_python(_: Sandbox, text: str, topic: str) -> None:
    """The program for aiokafka: the names are the same."""
    config = _config(text)
    with closing(KafkaProducer(**config)) as producer:
        producer.send(topic, _VALUE).get(timeout=_LIMIT_S)
    earliest = {"auto_offset_reset": "earliest", "consumer_timeout_ms": _LIMIT_S * 1000}
    with closing(KafkaConsumer(topic, **earliest, **config)) as consumer:
        assert next(consumer).value == _VALUE


def aiokafka(_: Sandbox, text: str, topic: str) -> None:
    """The program for aiokafka."""

    async def there_and_back(config: dict[str, Any]) -> Any:
        async with AIOKafkaProducer(**config) as producer:
            await producer.send_and_wait(topic, _VALUE)
        async with AIOKafkaConsumer(topic, auto_offset_reset="earliest", **config) as consumer:
            return (await consumer.getone()).value

    async def limited() -> Any:
        # The context of TLS is made within the loop, as a program would.
        return await asyncio.wait_for(there_and_back(_config(text)), _LIMIT_S)

    assert asyncio.run(limited()) == _VALUE


def java_tools(sandbox: Sandbox, text: str, topic: str) -> None:
    """Kafka's own tool with the properties file, PKCS#12 included: it sees the topic."""
    file = sandbox.path / "client.properties"
    file.write_text(text)
    shown = java(sandbox, TOPICS, "--command-config", str(file), "--describe", "--topic", topic)
    assert f"Topic: {topic}" in shown


def kcat(sandbox: Sandbox, text: str, topic: str) -> None:
    """kcat with the file of properties."""
    file = sandbox.path / "kcat.properties"
    file.write_text(text)

    def run(*arguments: str, given: bytes = b"") -> bytes:
        command = ["kcat", "-F", str(file), "-t", topic, *arguments]
        done = subprocess.run(
            command, input=given, capture_output=True, timeout=_LIMIT_S, check=True
        )
        return done.stdout

    run("-P", given=_VALUE)
    assert run("-C", "-e", "-q").strip() == _VALUE


# Client → the format of `env`, and a use of what it prints.
CLIENTS: dict[str, tuple[str, Callable[[Sandbox, str, str], None]]] = {
    "confluent-kafka": ("python", confluent_kafka),
    "kafka-python": ("aiokafka", kafka_python),
    "aiokafka": ("aiokafka", aiokafka),
    "java": ("java", java_tools),
    "kcat": ("kcat", kcat),
}


def connects(sandbox: Sandbox, client: str, *user: str) -> None:
    """Have a client connect as this user, and use a topic that it has for itself."""
    form, use = CLIENTS[client]
    topic = f"by-{client}"
    with inside(sandbox):
        made = call("topic.create", topic)
        assert made.code == 0, made.err
        printed = call("env", *user, "--format", form, "--show-secrets")
    assert printed.code == 0, printed.err
    use(sandbox, printed.out, topic)
