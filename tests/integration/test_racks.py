"""Three brokers of Kafka 4 in two racks: placement by rack, fetching from the closest replica."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.conftest import Sandbox, eventually
from tests.tiers import telling

RACKS = {1: "a", 2: "b", 3: "a"}


@pytest.fixture(scope="module")
def racked(warm_kafka_4: Path, new_project: Callable[..., Sandbox]) -> Sandbox:
    """Brokers 1 and 3 are in rack a, broker 2 is in rack b."""
    sandbox = new_project("racked")
    sandbox.environ.update(
        KAFKA_TASKS_VERSION="4.4", KAFKA_TASKS_BROKERS="3", KAFKA_TASKS_RACKS="a,b"
    )
    sandbox.environ["BOOTSTRAP"] = sandbox.up()["bootstrap_servers"]
    return sandbox


@pytest.fixture(scope="module")
def admin(racked: Sandbox) -> Iterator[AdminClient]:
    """A client that can say on which brokers a new topic lies."""
    with AdminClient({"bootstrap.servers": racked.environ["BOOTSTRAP"]}) as client:
        yield client


def _create(admin: AdminClient, name: str, *replicas: list[int]) -> None:
    asked = NewTopic(name, num_partitions=len(replicas), replica_assignment=[*replicas])
    admin.create_topics([asked])[name].result(timeout=20)


def _replicas(admin: AdminClient, name: str) -> list[list[int]]:
    found = admin.list_topics(name, timeout=10).topics[name].partitions
    return [list(at.replicas) for _, at in sorted(found.items())]


def test_replicas_are_planned_and_moved_apart(racked: Sandbox, admin: AdminClient) -> None:
    """Two of three partitions have both replicas in rack a, until apply spreads them."""
    _create(admin, "apart", [1, 3], [1, 2], [3, 1])
    spec = {"placement": {"rack": "spread"}}
    topics = [{"name": "apart", **spec}, {"name": "new", "replication_factor": 3, **spec}]
    (racked.path / "topics.yaml").write_text(yaml.safe_dump({"topics": topics}))
    done = racked.run("topic.plan", "-o", "json")
    assert done.code == 0, done.err
    apart, new = done.document["changes"]
    assert apart["action"] == "update"
    assert apart["fields"] == [
        {"field": "placement.rack", "from": "2 of 3 partitions uneven", "to": "spread"}
    ]
    assert new["action"] == "create"
    assert "new has 3 replicas in 2 racks (a, b)" in done.err
    applied = racked.run("topic.apply", "-o", "json")
    assert applied.code == 0, applied.err
    found = _replicas(admin, "apart")
    assert [each[0] for each in found] == [1, 1, 3]
    assert all({RACKS[broker] for broker in each} == {"a", "b"} for each in found)
    again = racked.run("topic.plan", "--detailed-exitcode")
    assert again.code == 0, again.out


class _Reader:
    """A consumer of one partition that tells which broker it fetches from."""

    def __init__(self, bootstrap: str, topic: str, **settings: str) -> None:
        self._topic, self.source, self.read = topic, -1, 0
        self._client = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "readers",
                "enable.auto.commit": False,
                "statistics.interval.ms": 50,
                "stats_cb": self._look,
                **settings,
            }
        )
        self._client.assign([TopicPartition(topic, 0, 0)])

    def _look(self, text: str) -> None:
        partitions: dict[str, Any] = json.loads(text)["topics"].get(self._topic, {})
        self.source = partitions.get("partitions", {}).get("0", {}).get("broker", -1)

    def reads(self, count: int, source: int) -> None:
        """Read on until there were so many records and that broker is the source."""

        def there() -> bool:
            message = self._client.poll(0.1)
            self.read += message is not None and message.error() is None
            return self.read >= count and self.source == source

        eventually(there, f"{count} records from broker {source}, not {self.source}", 20)

    def close(self) -> None:
        self._client.close()


@pytest.mark.parametrize(
    ("settings", "source"),
    telling([({"client.rack": "b"}, 2), ({}, 1)], ({"client.rack": "b"}, 2)),
)
def test_a_consumer_fetches_from_the_replica_in_its_rack(
    racked: Sandbox, admin: AdminClient, settings: dict[str, str], source: int
) -> None:
    """Without a rack it fetches from the leader; records that come later take the same way."""
    name, bootstrap = f"closest-{source}", racked.environ["BOOTSTRAP"]
    _create(admin, name, [1, 2])
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    reader = _Reader(bootstrap, name, **settings)
    try:
        for total in (50, 100):
            for number in range(50):
                producer.produce(name, str(number))
            assert producer.flush(20) == 0
            reader.reads(total, source)
    finally:
        reader.close()
