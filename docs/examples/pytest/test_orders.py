"""A test of your own against it."""

from confluent_kafka import Producer

import kafka_tasks


def test_an_order_is_acknowledged(cluster: kafka_tasks.Report) -> None:
    """An order that is sent is acknowledged by the broker."""
    acknowledged = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "acks": "all"})
    producer.produce("orders", b"one", on_delivery=lambda error, _: acknowledged.append(error))
    producer.flush(30)
    assert acknowledged == [None]
