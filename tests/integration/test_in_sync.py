"""After a restart, every write with acks=all is accepted; a refused one is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from confluent_kafka import KafkaError, Producer

from tests.integration.answers import call, inside

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


def _refused(bootstrap: str, topic: str, records: int) -> list[str]:
    """Send records, each tried once; return the errors."""
    errors: list[str] = []
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "retries": 0})

    def told(error: KafkaError | None, _: object) -> None:
        if error is not None:
            errors.append(error.name())

    for number in range(records):
        producer.produce(topic, f"{number}", partition=number % 3, on_delivery=told)
        producer.flush(30)
    return errors


def _layers(document: dict[str, Any]) -> list[str]:
    return [mark["layer"] for mark in document["timeline"]]


def test_a_restart_returns_when_replicas_are_in_sync(running_three: Sandbox) -> None:
    """Meanwhile writes are refused by name, and after it none of them is."""
    flags = ["--partitions", "3", "--replication-factor", "3", "--config", "min.insync.replicas=3"]
    assert running_three.run("topic.create", "strict", *flags).code == 0
    lines = running_three.path / "strict.jsonl"
    lines.write_text('{"value": "v"}\n')
    restarting = running_three.begin("restart", "--service", "kafka-2", "-o", "json")
    said = [""]
    with inside(running_three):
        while restarting.poll() is None and "NOT_ENOUGH_REPLICAS" not in said[-1]:
            answer = call("produce", "strict", "--file", str(lines), "--timeout", "1")
            assert answer.code in (0, 5), answer
            said.append(answer.err)
    out, err = restarting.communicate(timeout=120)
    assert restarting.returncode == 0, out + err
    assert "NOT_ENOUGH_REPLICAS: strict-" in said[-1] and "of 3 replicas in sync" in said[-1], said
    assert "MSG_TIMED_OUT" not in said[-1]
    found = json.loads(out)
    assert _refused(found["bootstrap_servers"], "strict", 60) == []
    assert _layers(found)[-2:] == ["replicas", "advertised"]


def test_wait_asks_for_replicas_where_that_is_wanted(running_three: Sandbox) -> None:
    """Without the flag it is enough that the cluster is ready."""
    asked = running_three.run("wait", "--in-sync", "--timeout", "30", "-o", "json")
    assert asked.code == 0, asked.out + asked.err
    assert "replicas" in _layers(asked.document)
    assert "replicas" not in _layers(running_three.run("wait", "-o", "json").document)
