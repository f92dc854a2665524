"""A test with a real Kafka, which pytest starts for it and stops afterwards."""


def test_orders_arrive_in_order(kafka_topic, kafka_records):
    """Records of one partition come back as they were sent."""
    kafka_records.send(kafka_topic, [{"id": 1}, {"id": 2}], values="json")
    first, second = kafka_records.take(kafka_topic, 2, values="json")
    assert (first.value["id"], second.value["id"]) == (1, 2)
