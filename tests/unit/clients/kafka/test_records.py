from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import KafkaError

from kafka_tasks.clients.kafka import reader, records, sender
from kafka_tasks.clients.kafka.records import Record
from kafka_tasks.errors import BrokerUnreachable, ClusterError, InvalidInput
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.testing import FakeClock


@dataclass
class Stored:
    """A record as the library shows it."""

    fields: dict[str, Any]

    def __getattr__(self, name: str) -> Callable[[], Any]:
        return lambda: self.fields.get(name)

    def timestamp(self) -> tuple[int, int]:
        """Its kind, and milliseconds."""
        return (1, self.fields["timestamp"]) if self.fields.get("timestamp") else (0, 0)


class Broker:
    """One partition in memory, behind a producer and a consumer; `refused` is the next error."""

    def __init__(self) -> None:
        self.log: list[Stored] = []
        self.properties: list[dict[str, Any]] = []
        self.refused: int | None = None
        self.silent = False
        self._reports: list[Callable[[], None]] = []
        self._next = 0

    def connected(self, _: object, properties: dict[str, Any]) -> Broker:
        """Take either client's place."""
        self.properties.append(properties)
        return self

    def __len__(self) -> int:
        return len(self._reports) + self.silent

    def produce(self, _: str, value: Any, key: Any, on_delivery: Any, **further: Any) -> None:
        """Take one record."""
        if self.silent:
            return
        if self.refused is not None:
            error, self.refused = KafkaError(self.refused), None
            self._reports.append(lambda: on_delivery(error, Stored({"value": value})))
            return
        at = {"partition": 0, "offset": len(self.log)}
        message = Stored({"value": value, "key": key, **further, **at})
        self.log.append(message)
        self._reports.append(lambda: on_delivery(None, Stored({**message.fields, "headers": None})))

    def poll(self, _: float) -> None:
        """Deliver the reports; there is no record to read."""
        reports, self._reports = self._reports, []
        for report in reports:
            report()

    def purge(self, **_: bool) -> None:
        """Nothing is queued."""

    def flush(self, _: float) -> int:
        """Return how many are left; the silent one keeps its record."""
        return len(self)

    def assign(self, places: Any) -> None:
        """Read from there."""
        self._next = places[0].offset

    def consume(self, most: int, timeout: float) -> list[Stored]:
        """Return records."""
        found = self.log[self._next : self._next + most]
        self._next += len(found)
        return found

    def list_topics(self, *_: object, **__: object) -> None:
        """Never asked here."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    """The broker that sender and reader talk to."""
    found = Broker()
    monkeypatch.setattr(sender, "connected", found.connected)
    monkeypatch.setattr(reader, "connected", found.connected)
    return found


def test_records_come_back_with_their_offsets(broker: Broker, cluster: Cluster) -> None:
    """As acknowledged without headers, as read with all that was sent."""
    given = [
        Record(b"one", key=b"k", headers=(("h", b"1"), ("h", None)), timestamp_ms=7),
        Record(None, partition=0),
    ]
    acknowledged = records.produce(cluster, "t", given)
    assert [(r.value, r.offset, r.headers) for r in acknowledged] == [
        (b"one", 0, ()),
        (None, 1, ()),
    ]
    back = list(records.read(cluster, "t", {0: 0}, count=2))
    assert [(r.value, r.key, r.headers, r.timestamp_ms, r.offset) for r in back] == [
        (b"one", b"k", (("h", b"1"), ("h", None)), 7, 0),
        (None, None, (), None, 1),
    ]


@pytest.mark.parametrize(("at_once", "idempotent", "linger"), [(False, True, 5), (True, False, 0)])
def test_few_records_wait_for_nothing(
    broker: Broker, cluster: Cluster, at_once: bool, idempotent: bool, linger: int
) -> None:
    """Neither for a batch nor for a producer id; acknowledged by all replicas either way."""
    records.produce(cluster, "t", [Record(b"v")], at_once=at_once)
    (properties,) = broker.properties
    assert (properties["enable.idempotence"], properties["linger.ms"]) == (idempotent, linger)
    assert (properties["acks"], properties["delivery.report.only.error"]) == ("all", False)


def test_a_refused_record_is_an_error(broker: Broker, cluster: Cluster) -> None:
    """With the translation of the first refusal."""
    broker.refused = KafkaError.TOPIC_EXCEPTION
    with pytest.raises(InvalidInput, match="produce to t"):
        records.produce(cluster, "t", [Record(b"a"), Record(b"b")])


def test_a_record_without_an_answer_is_unreachable(
    broker: Broker, cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The number of records that are missing is named."""
    broker.silent = True

    def poll(seconds: float) -> None:
        clock.sleep(seconds)

    monkeypatch.setattr(broker, "poll", poll)
    with pytest.raises(BrokerUnreachable, match="1 of 1 records to t were not acknowledged"):
        records.produce(cluster, "t", [Record(b"a")], timeout_s=2.0)


def test_a_canary_comes_back(broker: Broker, cluster: Cluster) -> None:
    """The very record that was sent, after others."""
    records.produce(cluster, "t", [Record(b"before")])
    assert records.roundtrip(cluster, "t") >= 0
    assert broker.log[-1].value().startswith(b"canary ")


def test_a_changed_canary_is_an_error(
    broker: Broker, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that returns another record is not proven."""
    produce = broker.produce

    def changed(topic: str, value: Any, key: Any, **further: Any) -> None:
        produce(topic, b"another", key, **further)

    monkeypatch.setattr(broker, "produce", changed)
    with pytest.raises(ClusterError, match="is not the one sent"):
        records.roundtrip(cluster, "t")


def test_a_canary_that_is_lost_is_an_error(
    broker: Broker, cluster: Cluster, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was acknowledged, and the time to read it has passed."""

    def nothing(_: int, timeout: float) -> list[Stored]:
        clock.sleep(1.0)
        return []

    monkeypatch.setattr(broker, "consume", nothing)
    with pytest.raises(ClusterError, match="acknowledged but did not come back within 3 s"):
        records.roundtrip(cluster, "t", timeout_s=3.0)
