"""A producer of confluent-kafka that counts deliveries, so that a test learns of a lost record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_tasks.clients.kafka.connection import connected

_Heard = Callable[[KafkaError | None, Message], None]

# A record is on its way at once; an idempotent producer asks for its id for half a second.
_PROPERTIES = {"linger.ms": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 50}
_METADATA_S = 10.0
_FLUSH_S = 10.0
# What a transaction that is aborted says of its records.
_PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)


def producer(properties: Mapping[str, Any]) -> Producer:
    """Return a client with these properties, quick for few records; raises `InvalidInput`."""
    return connected(Producer, {**_PROPERTIES, **properties})


class CountedProducer:
    """The interface of `confluent_kafka.Producer`, on a client that tests may share.

    Each topic's metadata is there before its first record: librdkafka would look for it only at its
    next tick, up to a second later.
    """

    def __init__(self, client: Producer, known: set[str] | None = None) -> None:
        self._client = client
        self._known = known if known is not None else set()
        self._sent = 0
        self._answered = 0
        self._aborted = False
        self._lost: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __len__(self) -> int:
        return self._sent - self._answered

    def __bool__(self) -> bool:
        return True

    def __enter__(self) -> CountedProducer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def produce(
        self,
        topic: str,
        value: Any = None,
        key: Any = None,
        partition: int | None = None,
        on_delivery: _Heard | None = None,
        timestamp: int | None = None,
        headers: Any = None,
        *,
        callback: _Heard | None = None,
    ) -> None:
        """Send a record, as `Producer.produce` does."""
        __tracebackhide__ = True  # pytest shows the line of the test that called
        self._meet(topic)
        heard = on_delivery or callback
        further = {"partition": partition, "timestamp": timestamp, "headers": headers}
        given = {name: each for name, each in further.items() if each is not None}
        place = self._sent + 1

        def delivered(error: KafkaError | None, message: Message) -> None:
            self._answered += 1
            if error is not None and not (self._aborted and error.code() in _PURGED):
                self._lost.append(f"record {place} to {topic}: {error.str()}")
            if heard is not None:
                heard(error, message)

        self._client.produce(topic, value, key, on_delivery=delivered, **given)
        self._sent = place

    def _meet(self, topic: str) -> None:
        if topic not in self._known:
            self._client.list_topics(topic, timeout=_METADATA_S)
            self._known.add(topic)

    def abort_transaction(self, *arguments: Any) -> None:
        """Abort the transaction, whose records are then not lost but withdrawn."""
        self._aborted = True
        self._client.abort_transaction(*arguments)

    def close(self, *_: Any) -> None:
        """Send what is left; the client itself is closed after the test."""
        self._client.flush(_FLUSH_S)

    def undelivered(self, timeout_s: float = _FLUSH_S) -> list[str]:
        """Send what is left, and return a line for each record that no broker acknowledged."""
        self._client.flush(timeout_s)
        missing = self._sent - self._answered
        late = [f"{missing} without an answer within {timeout_s:g} s"] if missing else []
        found, self._lost = self._lost + late, []
        self._sent = self._answered
        return found


def abandon(client: Producer) -> None:
    """Close a client without waiting for records that cannot be delivered."""
    # A client that failed for good raises its error again.
    with suppress(KafkaException):
        client.purge()
        # Closing flushes without a limit.
        if not client.flush(1.0):
            client.close()
