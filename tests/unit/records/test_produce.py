"""Records that a leader refuses, of which the library only says that they timed out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka.connection import translate
from kafka_tasks.clients.kafka.sender import Failure
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, KafkaTasksError
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topic import PartitionState
from kafka_tasks.records import produce as sending
from tests.unit.fakes import FakeAdmin, topic


class _Sender:
    """A sender whose first record fails with this code, in this partition."""

    code = KafkaError._MSG_TIMED_OUT
    error: KafkaTasksError | None = None
    partition = 0
    pending, acknowledged = 0, 0

    def __init__(self, *_: object, **__: object) -> None:
        self.failures: dict[int, Failure] = {}

    def __enter__(self) -> _Sender:
        return self

    def __exit__(self, *_: object) -> None:
        """Close nothing."""

    def gather(self, *_: object) -> None:
        """Let the record fail."""
        error = translate(KafkaException(KafkaError(self.code)), "produce to t")
        self.failures[1] = Failure(self.error or error, 1, False, self.partition)

    def serve(self) -> None:
        """Serve nothing."""

    def flush(self, *_: object) -> None:
        """Wait for nothing."""


def _error(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster, admin: FakeAdmin, **settings: str
) -> KafkaTasksError:
    monkeypatch.setattr(sending, "Sender", _Sender)
    monkeypatch.setattr(sending, "Admin", lambda *_: admin)
    state = topic("t", 2, 3, config={"min.insync.replicas": "2", **settings})
    alone = tuple(PartitionState(at.id, 1, at.replicas, (1,)) for at in state.partitions)
    admin.there = admin.there or {"t": replace(state, partitions=alone)}
    with pytest.raises(KafkaTasksError) as caught:
        sending.produce(
            cluster,
            state,
            [[b'{"value": "v"}']],
            timeout_s=2.0,
            max_bytes=1000,
            keep_partitions=True,
        )
    return caught.value


def test_too_few_replicas_in_sync_are_named(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    """The partition, its replicas and the setting; exit 5, since it passes."""
    error = _error(monkeypatch, cluster, FakeAdmin())
    assert error.message == (
        "1 record to t was refused within 2 s, the first of them line 1. Nothing was sent."
    )
    assert error.evidence == (
        "NOT_ENOUGH_REPLICAS: t-0 has 1 of 3 replicas in sync, and min.insync.replicas is 2",
    )
    assert error.exit_code == 5 and error.hint and "kafka.wait --in-sync" in error.hint


@pytest.mark.parametrize(
    ("settings", "there", "partition"),
    [
        ({"min.insync.replicas": "1"}, {}, 0),
        ({"min.insync.replicas": ""}, {}, 0),
        ({}, {"t": topic("t", 2, 2)}, 0),
        ({}, {"t": topic("t", 2, 1)}, 0),
        ({}, {"t": topic("t", 2, leader=None)}, 0),
        ({}, {}, 7),
    ],
)
def test_without_evidence_the_records_got_no_answer(
    monkeypatch: pytest.MonkeyPatch,
    cluster: Cluster,
    settings: dict[str, str],
    there: dict[str, Any],
    partition: int,
) -> None:
    """Enough replicas, no leader, another partition: none of it is why."""
    monkeypatch.setattr(_Sender, "partition", partition)
    error = _error(monkeypatch, cluster, FakeAdmin(there), **settings)
    assert "got no answer within 2 s" in error.message
    assert "MSG_TIMED_OUT" in error.evidence[0]


def test_without_an_answer_nothing_is_claimed(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    """A broker that is away says nothing about replicas."""
    away = FakeAdmin(errors={"topics": [BrokerUnreachable("No broker answered.")]})
    assert "got no answer" in _error(monkeypatch, cluster, away).message


def test_other_errors_are_their_own_reason(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    """What is no matter of time is not looked into."""
    monkeypatch.setattr(_Sender, "code", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    error = _error(monkeypatch, cluster, FakeAdmin())
    assert error.message.startswith("Line 1 was not acknowledged.")


def test_a_refused_log_in_is_the_sentence(
    monkeypatch: pytest.MonkeyPatch, cluster: Cluster
) -> None:
    """Who was refused, and how many records arrived; such an error needs more than a sentence."""
    error = CannotConnect(
        "It is refused.", finding="log-in-refused", hint="set it", evidence=("a",)
    )
    monkeypatch.setattr(_Sender, "error", error)
    told = _error(monkeypatch, cluster, FakeAdmin())
    assert isinstance(told, CannotConnect) and told.finding == "log-in-refused"
    assert (told.message, told.hint) == ("It is refused. Nothing was sent.", "set it")
    assert told.evidence == ("line 1 was not acknowledged", "a")
