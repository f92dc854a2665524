"""A consumer of confluent-kafka that has its partitions before a test uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from kafka_tasks.clients.kafka.connection import connected, translate
from kafka_tasks.clients.kafka.retriable import NO_TOPIC, is_retriable
from kafka_tasks.errors import ClusterError
from kafka_tasks.retry import Deadline

_PROPERTIES = {
    "group.id": "kafka-tasks-tests",
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "fetch.wait.max.ms": 50,
    "fetch.error.backoff.ms": 20,
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 50,
    # A member that is gone delays the next one of its group for so long.
    "session.timeout.ms": 6000,
    # How soon a member learns that its group is rebalanced.
    "heartbeat.interval.ms": 200,
}
_METADATA_S = 10.0
_ANSWER_S = 10.0
_LATEST = ("latest", "largest", "end")
_SLICE_S = 0.05


def consumer(properties: Mapping[str, Any]) -> Consumer:
    """Return a client with these properties, quick for few records; raises `InvalidInput`."""
    return connected(Consumer, {**_PROPERTIES, **properties})


class AssignedConsumer:
    """The interface of `confluent_kafka.Consumer`; `subscribe` returns with the assignment.

    It begins as the client that tests share, for assigned partitions; `subscribe` makes a client of
    its own, with `properties`. `latest` means the end at the moment of the assignment, not at that
    of the first fetch. `peers` are the other consumers of the test, which have to answer while a
    group is rebalanced.
    """

    def __init__(
        self,
        shared: Consumer | None,
        properties: Mapping[str, Any],
        *,
        peers: Sequence[AssignedConsumer] = (),
        timeout_s: float = 30.0,
    ) -> None:
        self._shared = shared
        self._properties = properties
        self._own: Consumer | None = None
        self._peers = peers
        self._timeout_s = timeout_s
        self._pending: list[Message] = []

    @property
    def _client(self) -> Consumer:
        if self._own is None and self._shared is None:
            self._own = consumer(self._properties)
        client = self._own or self._shared
        assert client is not None
        return client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def __enter__(self) -> AssignedConsumer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> AssignedConsumer:
        return self

    def __next__(self) -> Message:
        """Return the next record, as long as one comes within the time limit."""
        found = self.poll(self._timeout_s)
        if found is None:
            raise StopIteration
        return found

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Assign partitions; their topics' metadata is asked for first, which is a second faster.

        Without it, librdkafka looks for an unknown topic at its next tick.
        """
        for topic in {place.topic for place in partitions}:
            self._client.list_topics(topic, timeout=_METADATA_S)
        self._pending.clear()
        self._client.assign(list(partitions))

    def subscribe(self, topics: Sequence[str], **callbacks: Any) -> None:
        """Join the group and return when it has assigned partitions; raises `ClusterError`."""
        if self._own is None:
            self._own = consumer(self._properties)
        assigned: list[TopicPartition] = []
        done = False

        def on_assign(client: Consumer, partitions: list[TopicPartition]) -> None:
            nonlocal done
            done = True
            assigned[:] = partitions
            _fix_positions(client, partitions, self._properties)
            if "on_assign" in callbacks:
                callbacks["on_assign"](client, partitions)

        self._pending.clear()
        self._own.subscribe(list(topics), **{**callbacks, "on_assign": on_assign})
        deadline = Deadline.after(self._timeout_s)
        while not done:
            self._pump()
            for peer in self._peers:
                if peer is not self:
                    peer._pump()
            if deadline.expired():
                raise ClusterError(
                    f"The group assigned no partition of {', '.join(topics)} within "
                    f"{self._timeout_s:g} s.",
                    hint="invoke kafka.group.list",
                )

    def _pump(self) -> None:
        """Serve the group, and keep a record that comes meanwhile; raises what will not pass."""
        if self._own is None or (found := self._own.poll(_SLICE_S)) is None:
            return
        error = found.error()
        if error is not None and error.code() not in NO_TOPIC and not is_retriable(error):
            group = self._properties.get("group.id", _PROPERTIES["group.id"])
            raise translate(KafkaException(error), f"join the group {group}")
        self._pending.append(found)

    def poll(self, timeout: float | None = None) -> Message | None:
        """Return the next record, as `Consumer.poll` does."""
        if self._pending:
            return self._pending.pop(0)
        return self._client.poll(-1 if timeout is None else timeout)

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        """Return up to so many records, as `Consumer.consume` does."""
        found, self._pending = self._pending[:num_messages], self._pending[num_messages:]
        if len(found) < num_messages:
            found += self._client.consume(num_messages - len(found), timeout)
        return found

    def close(self) -> None:
        """Leave the group; the client that tests share stays open."""
        self._pending.clear()
        if self._own is not None:
            own, self._own = self._own, None
            own.close()
        if self._shared is not None:
            self._shared.unassign()


def _fix_positions(
    client: Consumer, partitions: list[TopicPartition], properties: Mapping[str, Any]
) -> None:
    """Assign with numbers: `latest` alone would mean the end when the fetch begins."""
    latest = properties.get("auto.offset.reset") in _LATEST
    for place, found in zip(partitions, client.committed(partitions, _ANSWER_S), strict=True):
        if found.offset >= 0:
            place.offset = found.offset
        elif latest:
            place.offset = client.get_watermark_offsets(place, timeout=_ANSWER_S)[1]
    if "cooperative" in str(properties.get("partition.assignment.strategy")):
        client.incremental_assign(partitions)
    else:
        client.assign(partitions)
