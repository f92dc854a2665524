"""A service of your own, which brings its own clients, against the cluster of the test run."""

from confluent_kafka import Consumer, Producer


def confirm(config, orders, confirmed, group):
    """Read one order and confirm it: the service under test."""
    consumer = Consumer({**config, "group.id": group, "auto.offset.reset": "earliest"})
    producer = Producer(config)
    consumer.subscribe([orders])
    order = consumer.poll(30)
    producer.produce(confirmed, order.value(), key=b"confirmed")
    producer.flush(10)
    consumer.close()


def test_an_order_is_confirmed(
    kafka_client_config, kafka_topic_factory, kafka_group, kafka_records
):
    """The service is given topics and a group that no other test uses."""
    orders, confirmed = kafka_topic_factory(), kafka_topic_factory(partitions=3)
    kafka_records.send(orders, "order 1")
    confirm(kafka_client_config, orders, confirmed, kafka_group)
    (record,) = kafka_records.take(confirmed)
    assert (record.key, record.value) == (b"confirmed", b"order 1")
