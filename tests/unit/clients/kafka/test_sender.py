from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka.sender import Sender
from kafka_tasks.errors import CannotConnect
from kafka_tasks.model.cluster import Cluster


class Library:
    """A producer with room for so many records, which are taken away when it is polled.

    `refused` is a value that it does not take, and why; what comes after it in a batch is taken.
    """

    def __init__(self, room: int = 1000) -> None:
        self.room = room
        self.refused: tuple[str, int] = ("", 0)
        self.waiting: list[str] = []
        self.arrived: list[str] = []
        self.calls: list[int] = []
        self.is_closed = False

    def __len__(self) -> int:
        return len(self.waiting)

    def _taken(self, value: str) -> KafkaError | None:
        if value == self.refused[0]:
            return KafkaError(self.refused[1])
        if len(self.waiting) == self.room:
            return KafkaError(KafkaError._QUEUE_FULL)
        self.waiting.append(value)
        return None

    def produce(self, _: str, value: str, key: str, **further: Any) -> None:
        """One record, or an exception."""
        error = self._taken(value)
        if error is not None and error.code() == KafkaError._QUEUE_FULL:
            raise BufferError
        if error is not None:
            raise KafkaException(error)

    def produce_batch(self, _: str, messages: list[dict[str, Any]]) -> int:
        """How many were taken; the others carry their error, as in confluent-kafka 2.12 to 2.16."""
        self.calls.append(len(messages))
        full = None
        for message in messages:
            error = full or self._taken(message["value"])
            if error is not None:
                message["_error"] = error
                full = error if error.code() == KafkaError._QUEUE_FULL else None
        return sum("_error" not in message for message in messages)

    def poll(self, _: float) -> None:
        """Acknowledge all."""
        self.arrived += self.waiting
        self.waiting.clear()

    def purge(self, **_: bool) -> None:
        """Forget what waits."""
        self.waiting.clear()

    def flush(self, _: float) -> int:
        """Return how many wait."""
        return len(self)

    def close(self) -> None:
        """Take nothing more."""
        self.is_closed = True


@pytest.fixture
def library() -> Library:
    """What stands in for the library."""
    return Library()


@pytest.fixture
def sending(
    library: Library, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sender]:
    """Makes senders that use it."""
    monkeypatch.setattr("kafka_tasks.clients.kafka.sender.connected", lambda *_: library)
    return lambda **further: Sender(cluster, "t", **further)


@pytest.mark.parametrize("room", [1, 3, 7, 1000])
def test_the_order_is_that_of_the_calls(
    room: int, library: Library, sending: Callable[..., Sender]
) -> None:
    """Gathered or not, and however little room the library has."""
    library.room = room
    sender = sending()
    for at in range(50):
        if at % 11 == 10:
            assert sender.send(at, str(at), None, headers=[("a", b"b")])
        else:
            sender.gather(at, str(at), None)
        if at % 17 == 16:
            sender.serve()
    assert sender.flush() == 0
    assert library.arrived == [str(at) for at in range(50)]
    assert (sender.acknowledged, sender.failures) == (50, {})


def test_many_are_handed_over_at_once(library: Library, sending: Callable[..., Sender]) -> None:
    """One call for what was gathered, none for nothing."""
    sender = sending()
    for at in range(30):
        sender.gather(at, str(at), "k")
    sender.serve()
    sender.serve()
    assert library.calls == [30]


@pytest.mark.parametrize("code", [KafkaError._FATAL, KafkaError._UNKNOWN_TOPIC])
def test_a_gathered_record_that_is_not_taken_is_named(
    code: int, library: Library, sending: Callable[..., Sender]
) -> None:
    """By its line and size; those before it are sent, and nothing is tried for ever."""
    library.refused = ("bad", code)
    sender = sending()
    for at, value in enumerate(("a", "b", "bad"), 1):
        sender.gather(at, value, "key")
    assert not sender.send(4, "c", None)
    assert sender.flush() == 0
    assert library.arrived == ["a", "b"]
    assert {at: failure.size for at, failure in sender.failures.items()} == {3: 6}
    assert sender.acknowledged == 2


def test_what_is_taken_back_was_not_sent(library: Library, sending: Callable[..., Sender]) -> None:
    """Gathered records are forgotten at a withdrawal, and no account has them."""
    sender = sending()
    sender.gather(1, "a", None)
    sender.withdraw()
    assert sender.flush() == 0
    assert (library.arrived, sender.acknowledged) == ([], 0)


def test_an_interrupt_while_there_is_no_room_leaves_an_exact_account(
    library: Library, sending: Callable[..., Sender]
) -> None:
    """What the library took is counted, what it did not take is not."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    library.room = 4
    sender = sending(heed=interrupt)
    for at in range(10):
        sender.gather(at, str(at), None)
    with pytest.raises(KeyboardInterrupt):
        sender.serve()
    sender.withdraw()
    assert (sender.accepted, sender.acknowledged) == (4, 4)
    assert library.arrived == ["0", "1", "2", "3"]


def test_a_password_that_was_changed_is_named(
    library: Library, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record that timed out behind refused log-ins says why; one that only timed out does not."""
    told: dict[str, Any] = {}

    def connected(_: object, properties: dict[str, Any]) -> Library:
        told.update(properties)
        return library

    monkeypatch.setattr("kafka_tasks.clients.kafka.sender.connected", connected)
    library.refused = ("v", KafkaError._MSG_TIMED_OUT)
    sender = Sender(cluster, "t")
    assert not sender.send(0, "v", None)
    for _ in range(2):
        told["error_cb"](KafkaError(KafkaError._ALL_BROKERS_DOWN))
        told["error_cb"](KafkaError(KafkaError._AUTHENTICATION, "Invalid password"))
    assert not sender.send(1, "v", None)
    first, second = sender.failures[0].error, sender.failures[1].error
    assert "log-in" not in first.message
    assert second.message == "The broker refuses the log-in: produce to t."
    assert isinstance(second, CannotConnect)


def test_what_the_end_withdraws_changes_no_count(
    library: Library, sending: Callable[..., Sender], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record without an answer is reported when the client is closed, and is no failure."""
    answers: list[Callable[..., None]] = []
    monkeypatch.setattr(
        library, "produce", lambda *_, on_delivery, **__: answers.append(on_delivery)
    )
    with sending() as sender:
        assert sender.send(0, "v", None)
    answers[0](KafkaError(KafkaError._PURGE_INFLIGHT), None)
    assert sender.failures == {}
    assert library.is_closed
