from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException

from kafka_tasks.clients.kafka import offsets
from kafka_tasks.errors import TopicMissing
from kafka_tasks.model.topic import Offsets
from kafka_tasks.retry import NotYet
from tests.unit.fakes import FakeAdmin, FakeClient, topic


class _Forgetful(FakeAdmin):
    """A cluster from which a topic was deleted between two requests."""

    @property
    def client(self) -> Any:
        """A client that knows the topic no more."""
        future: Future[Any] = Future()
        gone = KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)
        future.set_exception(KafkaException(gone))
        return SimpleNamespace(list_offsets=lambda asked, **_: dict.fromkeys(asked, future))


def test_a_topic_has_the_offsets_of_each_partition() -> None:
    """The first and the next one, by partition."""
    admin: Any = FakeAdmin(records=4)
    assert offsets.of_topic(admin, topic("t", 2)) == {0: Offsets(0, 4), 1: Offsets(0, 4)}
    assert offsets.of_topic(admin, topic("t", 0)) == {}


def test_a_topic_that_was_deleted_meanwhile_is_missing() -> None:
    """One topic is an error; of several, it is left without offsets."""
    admin: Any = _Forgetful()
    with pytest.raises(TopicMissing, match="t was deleted meanwhile"):
        offsets.of_topic(admin, topic("t"))
    assert offsets.ranges(admin, [("t", 0)]) == {("t", 0): None}
    assert offsets.at_time(admin, [("t", 0)], 1) == {("t", 0): None}


def test_an_offset_that_the_library_has_not_read_is_no_offset(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While leaders change, it answers without an error and with its word for invalid."""
    answer: Future[Any] = Future()
    answer.set_result(SimpleNamespace(offset=OFFSET_INVALID))
    monkeypatch.setattr(
        FakeClient, "list_offsets", lambda _, asked, **__: dict.fromkeys(asked, answer)
    )
    admin: Any = FakeAdmin(records=4)
    with pytest.raises(NotYet, match="offsets of t-0"):
        offsets.ranges(admin, [("t", 0)])
