"""What a secured Kafka must refuse: no right, a wrong password, an unknown CA."""

import json
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)


def connection(user):
    """Return the properties with which this user connects."""
    command = ["kafka-tasks", "env", "--user", user, "--format", "json", "--show-secrets"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def create(user, topic):
    """Create a topic as this user."""
    client = AdminClient(connection(user))
    (future,) = client.create_topics([NewTopic(topic, 1, 1)]).values()
    future.result(timeout=30)


def refusal(config):
    """Return why the broker refuses this connection."""
    heard = []
    client = AdminClient({**config, "error_cb": heard.append})
    answer = client.describe_cluster(request_timeout=60)
    while not answer.done():
        client.poll(0.1)
        for error in heard:
            if error.code() in REFUSALS:
                return error.str()
    raise AssertionError(f"the broker does not refuse this connection: {heard}")


def test_admin_may_create_a_topic():
    """The cluster works: what follows is not refused for another reason."""
    create("admin", f"audit-{uuid4()}")


def test_alice_may_not():
    """Alice logs in, and has no right to create topics."""
    with pytest.raises(KafkaException, match="AUTHORIZATION_FAILED"):
        create("alice", "payments")


def test_a_wrong_password_is_refused():
    """SCRAM does not accept another password."""
    reason = refusal(connection("alice") | {"sasl.password": "guessed"})
    assert "invalid credentials" in reason


def test_an_unknown_authority_is_refused():
    """A client that trusts another CA alone does not connect: here, that of the brokers."""
    other = Path(".kafka-tasks/secure/internal/ca.crt").resolve(strict=True)
    reason = refusal(connection("alice") | {"ssl.ca.location": str(other)})
    assert "certificate verify failed" in reason
