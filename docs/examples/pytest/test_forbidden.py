"""A secured cluster: what a service may do, and what it must not."""

import pytest
from confluent_kafka import Producer

pytestmark = pytest.mark.kafka(secure="scram", acl=True)


def delivery_error(config, topic):
    """Send one record and return the name of the error of its delivery, or None."""
    errors = []
    producer = Producer(config)
    producer.produce(topic, "order 1", on_delivery=lambda error, _: errors.append(error))
    producer.flush(30)
    return errors[0] and errors[0].name()


def test_alice_may_not_write(kafka_user, kafka_topic):
    """Alice logs in, and has no right on the topic."""
    assert delivery_error(kafka_user("alice"), kafka_topic) == "TOPIC_AUTHORIZATION_FAILED"


def test_alice_may_write_with_the_right(kafka_user, kafka_grant, kafka_topic):
    """The right is enough, and is revoked after the test."""
    kafka_grant("alice", "write", kafka_topic)
    assert delivery_error(kafka_user("alice"), kafka_topic) is None


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("password", "log-in-refused"),
        ("authority", "authority-unknown"),
        ("host", "certificate-host"),
        ("expired", "certificate-expired"),
    ],
)
def test_a_wrong_connection_is_refused(kafka_refused, kafka_refusal, fault, reason):
    """A wrong password, and certificates that a client must not trust."""
    assert kafka_refusal(kafka_refused(fault)) == reason
