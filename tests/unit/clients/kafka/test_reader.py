"""A reader while brokers restart: a topic is gone when the cluster says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from kafka_tasks.clients.kafka import reader as reader_module
from kafka_tasks.clients.kafka.answers import TopicsAnswer
from kafka_tasks.clients.kafka.reader import Reader
from kafka_tasks.errors import CannotConnect, ClusterError, NotPermitted, TopicMissing
from kafka_tasks.model.cluster import Cluster


class _Message:
    """A record of partition 0, or an error instead of one."""

    def __init__(self, error: int | None = None) -> None:
        self._error = None if error is None else KafkaError(error)

    def error(self) -> KafkaError | None:
        """Return the error."""
        return self._error

    def partition(self) -> int:
        """Return the partition."""
        return 0


class _Consumer:
    """A consumer that gives these messages, and of which the metadata has these partitions."""

    def __init__(self, *_: object, **__: object) -> None:
        self.given: list[_Message] = []
        self.partitions: list[dict[int, object]] = []

    def assign(self, _: object) -> None:
        """Begin."""

    def close(self) -> None:
        """End."""

    def consume(self, _: int, timeout: float) -> list[_Message]:
        """Return nothing at once."""
        return []

    def poll(self, _: float) -> _Message | None:
        """Return the next one."""
        return self.given.pop(0) if self.given else None

    def list_topics(self, topic: str, timeout: float) -> Any:
        """Return the metadata of the moment; the last one stays."""
        found = self.partitions.pop(0) if len(self.partitions) > 1 else self.partitions[0]
        error = None if found else KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        told = SimpleNamespace(topic=topic, partitions=found, error=error)
        return SimpleNamespace(cluster_id="c", controller_id=1, brokers={}, topics={topic: told})


class _Judge:
    """Doubts so many answers."""

    def __init__(self, doubts: int) -> None:
        self.left = doubts

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return why."""
        assert answer.lacking == {"t"} and not answer.whole
        self.left -= 1
        return "it is not shown yet" if self.left >= 0 else None


def _read(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    error: int,
    *partitions: int,
    doubts: int,
    number: int = 0,
) -> int:
    """Read two records of a partition with an error before them; return how many came."""
    monkeypatch.setattr(reader_module, "Consumer", _Consumer)
    with Reader(cluster, "t", {number: 0}, completeness=_Judge(doubts)) as reader:
        consumer: Any = reader._consumer
        consumer.given = [_Message(error)]
        consumer.partitions = [dict.fromkeys(range(count)) for count in partitions]
        for turn, batch in enumerate(reader.batches(2)):
            assert turn < 20
            if turn == 4:
                consumer.given = [_Message(), _Message()]
            del batch
        return reader.given


@pytest.mark.parametrize("error", [KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION])
def test_a_broker_that_does_not_know_the_topic_yet_ends_no_reading(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """The records that follow are read."""
    assert _read(cluster, monkeypatch, error, 0, 0, 1, doubts=9) == 2


def test_a_topic_that_is_gone_ends_it(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """As soon as nobody doubts it."""
    with pytest.raises(TopicMissing, match="t has been deleted meanwhile; 0 records"):
        _read(cluster, monkeypatch, KafkaError.UNKNOWN_TOPIC_OR_PART, 0, doubts=2)


def test_a_partition_that_is_not_there_ends_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The topic was made again with fewer of them."""
    with pytest.raises(ClusterError, match="consume from t"):
        _read(cluster, monkeypatch, KafkaError._UNKNOWN_PARTITION, 2, doubts=0, number=2)


def test_no_right_on_a_group_ends_no_reading(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader has no group: only the library asks for its coordinator."""
    refused = KafkaError.GROUP_AUTHORIZATION_FAILED
    assert _read(cluster, monkeypatch, refused, 1, doubts=0) == 2
    with pytest.raises(NotPermitted, match="READ on topic t"):
        _read(cluster, monkeypatch, KafkaError.TOPIC_AUTHORIZATION_FAILED, 1, doubts=0)


def test_a_password_that_was_changed_ends_it(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the second refusal in a row, which the library tells to nobody else."""
    monkeypatch.setattr(reader_module, "Consumer", _Consumer)
    refusal = KafkaError(KafkaError._AUTHENTICATION, "SASL authentication error: Invalid password")
    with Reader(cluster, "t", {0: 0}, completeness=_Judge(0)) as reader:
        consumer: Any = reader._consumer
        consumer.partitions = [{0: None}]
        batches = reader.batches()
        reader._failed(refusal)
        assert next(batches) == []
        consumer.given = [_Message()]
        assert len(next(batches)) == 1
        reader._failed(refusal)
        assert next(batches) == []
        reader._failed(refusal)
        with pytest.raises(CannotConnect, match="refuses the log-in: consume from t") as caught:
            next(batches)
    assert (caught.value.finding, caught.value.exit_code) == ("log-in-refused", 3)
    assert any("Invalid password" in line for line in caught.value.evidence)
