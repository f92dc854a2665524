"""What clients rely on, against a producer and a group member that refuse as a broker does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka import assigned_consumer, guarantees
from kafka_tasks.clients.kafka.assigned_consumer import AssignedConsumer
from kafka_tasks.errors import BrokerUnreachable, ClusterError, KafkaTasksError, NotPermitted
from kafka_tasks.model.cluster import Cluster


class Library:
    """A producer whose records, and whose transactions, are refused with these codes."""

    def __init__(self, record: int | None = None, transaction: int | None = None) -> None:
        self.record = record
        self.transaction = transaction
        self.properties: dict[str, Any] = {}
        self.calls: list[str] = []

    def produce(self, _: str, value: bytes, *, on_delivery: Callable[..., None], **__: Any) -> None:
        """Answer at once."""
        self.calls.append(value.decode())
        on_delivery(None if self.record is None else KafkaError(self.record, "no"), None)

    def init_transactions(self, _: float) -> None:
        """Be refused, or not."""
        if self.transaction is not None:
            raise KafkaException(KafkaError(self.transaction, "no"))

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: self.calls.append(name)


@pytest.fixture
def library(monkeypatch: pytest.MonkeyPatch) -> Library:
    """The producer that is made."""
    made = Library()

    def make(properties: dict[str, Any]) -> Library:
        made.properties = properties
        return made

    monkeypatch.setattr(guarantees, "producer", make)
    return made


def test_a_codec_is_the_clients(library: Library, cluster: Cluster) -> None:
    """Compression is set where clients set it, and the client is closed."""
    guarantees.produce_compressed(cluster, "t", [b"a", b"b"], "zstd", 5.0)
    assert library.properties["compression.type"] == "zstd"
    assert library.calls == ["list_topics", "a", "b", "flush", "purge", "flush", "close"]


def test_a_transaction_is_aborted_and_another_commits(library: Library, cluster: Cluster) -> None:
    """Both ends of a transaction, in this order."""
    guarantees.produce_in_transactions(cluster, "t", "id", b"aborted", b"committed", 5.0)
    begin = "begin_transaction"
    assert library.calls[1:9] == [
        *(begin, "aborted", "flush", "abort_transaction"),
        *(begin, "committed", "flush", "commit_transaction"),
    ]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.UNKNOWN, ClusterError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotPermitted),
        (KafkaError._MSG_TIMED_OUT, BrokerUnreachable),
    ],
)
def test_a_refused_record_is_an_error(
    library: Library, cluster: Cluster, code: int, kind: type[KafkaTasksError]
) -> None:
    """The broker's error, with what was tried; the client is closed all the same."""
    library.record = code
    with pytest.raises(kind) as caught:
        guarantees.produce_compressed(cluster, "t", [b"a"], "snappy", 5.0)
    assert type(caught.value) is kind
    assert "produce with snappy" in caught.value.message
    assert library.calls[-3:] == ["purge", "flush", "close"]


def test_a_refused_transaction_is_an_error(library: Library, cluster: Cluster) -> None:
    """A right that is missing is told apart, and names the transaction."""
    library.transaction = KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
    with pytest.raises(NotPermitted, match="a transaction with the id mine"):
        guarantees.produce_in_transactions(cluster, "t", "mine", b"a", b"b", 5.0)


class Told:
    """A member that gets an error instead of an assignment."""

    def __init__(self, code: int) -> None:
        self._error = KafkaError(code, "no")

    def poll(self, _: float) -> Told:
        """The message with the error."""
        return self

    def error(self) -> KafkaError:
        """The error."""
        return self._error

    def subscribe(self, *_: Any, **__: Any) -> None:
        """Begin to join."""

    def close(self) -> None:
        """Leave."""


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.GROUP_AUTHORIZATION_FAILED, NotPermitted),
        (KafkaError.INVALID_SESSION_TIMEOUT, ClusterError),
    ],
)
def test_a_refused_member_is_an_error_at_once(
    monkeypatch: pytest.MonkeyPatch, code: int, kind: type[KafkaTasksError]
) -> None:
    """Joining a group ends with the broker's refusal, not at the time limit."""
    monkeypatch.setattr(assigned_consumer, "consumer", lambda _: Told(code))
    with (
        AssignedConsumer(None, {"group.id": "g"}) as member,
        pytest.raises(kind, match="join the group g") as caught,
    ):
        member.subscribe(["t"])
    assert type(caught.value) is kind


def test_a_member_waits_through_what_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A coordinator that still loads is no refusal: the time limit decides."""
    loading = KafkaError.COORDINATOR_LOAD_IN_PROGRESS
    monkeypatch.setattr(assigned_consumer, "consumer", lambda _: Told(loading))
    with (
        AssignedConsumer(None, {"group.id": "g"}, timeout_s=0.0) as member,
        pytest.raises(ClusterError, match="assigned no partition"),
    ):
        member.subscribe(["t"])
