"""What clients rely on beyond plain records: compression, idempotence, transactions, groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from kafka_tasks.clients.kafka.assigned_consumer import AssignedConsumer
from kafka_tasks.clients.kafka.connection import configuration, translate
from kafka_tasks.clients.kafka.counted_producer import abandon, producer
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.cluster import Cluster


def produce_compressed(
    cluster: Cluster, topic: str, values: Sequence[bytes], codec: str, timeout_s: float
) -> None:
    """Send values compressed with this codec; raises the broker's error."""
    further = {"compression.type": codec}
    with _producing(cluster, topic, further, timeout_s, f"produce with {codec}") as client:
        _deliver(client, topic, values)


def produce_idempotently(
    cluster: Cluster, topic: str, values: Sequence[bytes], timeout_s: float
) -> None:
    """Send values through an idempotent producer; raises the broker's error."""
    further = {"enable.idempotence": True}
    with _producing(cluster, topic, further, timeout_s, "produce idempotently") as client:
        _deliver(client, topic, values)


def produce_in_transactions(
    cluster: Cluster, topic: str, id_: str, aborted: bytes, committed: bytes, timeout_s: float
) -> None:
    """Send one value in a transaction that is aborted, and one in a transaction that commits."""
    what = f"a transaction with the id {id_}"
    with _producing(cluster, topic, {"transactional.id": id_}, timeout_s, what) as client:
        client.init_transactions(timeout_s)
        client.begin_transaction()
        _deliver(client, topic, [aborted])
        client.abort_transaction(timeout_s)
        client.begin_transaction()
        _deliver(client, topic, [committed])
        client.commit_transaction(timeout_s)


def consume_in_group(cluster: Cluster, topic: str, group: str, timeout_s: float) -> int:
    """Join the group, read one record, commit, and leave; return the offset of the record."""
    what = f"consume {topic} in group {group}"
    properties = {**configuration(cluster), "group.id": group}
    with AssignedConsumer(None, properties, timeout_s=timeout_s) as member:
        member.subscribe([topic])
        found = member.poll(timeout_s)
        if found is None:
            raise BrokerUnreachable(
                f"No record came within {timeout_s:g} s: {what}.", hint="invoke kafka.status"
            )
        try:
            if (error := found.error()) is not None:
                raise KafkaException(error)
            member.commit(found, asynchronous=False)
        except KafkaException as error:
            raise translate(error, what) from error
        offset = found.offset()
        assert offset is not None
        return offset


@contextmanager
def _producing(
    cluster: Cluster, topic: str, further: Mapping[str, str | bool], timeout_s: float, what: str
) -> Iterator[Producer]:
    """Yield a producer that knows the topic; librdkafka would ask for it up to a second later."""
    limit = {"message.timeout.ms": int(timeout_s * 1000)}
    client = producer({**configuration(cluster), "acks": "all", **limit, **further})
    try:
        client.list_topics(topic, timeout=timeout_s)
        yield client
    except KafkaException as error:
        raise translate(error, what) from error
    finally:
        abandon(client)


def _deliver(client: Producer, topic: str, values: Sequence[bytes]) -> None:
    """Send values and return when all are acknowledged; raises the first error."""
    errors: list[KafkaError] = []

    def heard(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            errors.append(error)

    for value in values:
        client.produce(topic, value, partition=0, on_delivery=heard)
    # Each record is answered within the limit of the client's properties, if only by an error.
    client.flush()
    if errors:
        raise KafkaException(errors[0])
