"""Your own test against the cluster."""

from confluent_kafka import Producer

import kafka_tasks


def test_an_order_is_acknowledged(cluster: kafka_tasks.Report) -> None:
    """The broker acknowledges an order."""
    acknowledged = []
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, "acks": "all"})
    producer.produce("orders", b"one", on_delivery=lambda error, _: acknowledged.append(error))
    producer.flush(30)
    assert acknowledged == [None]
