from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka.connection import (
    _quiet,
    configuration,
    connected,
    translate,
)
from kafka_tasks.errors import (
    BrokerUnreachable,
    CannotConnect,
    ClusterError,
    InvalidInput,
    KafkaTasksError,
    NotPermitted,
    TopicExists,
    TopicMissing,
)
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster


@pytest.mark.parametrize(
    ("code", "kind", "exit_code"),
    [
        (KafkaError._TRANSPORT, BrokerUnreachable, 5),
        (KafkaError._TIMED_OUT, BrokerUnreachable, 5),
        (KafkaError._ALL_BROKERS_DOWN, BrokerUnreachable, 5),
        (KafkaError.NOT_CONTROLLER, BrokerUnreachable, 5),
        (KafkaError._BAD_MSG, BrokerUnreachable, 5),
        (KafkaError.TOPIC_ALREADY_EXISTS, TopicExists, 1),
        (KafkaError.UNKNOWN_TOPIC_OR_PART, TopicMissing, 1),
        (KafkaError._UNKNOWN_TOPIC, TopicMissing, 1),
        (KafkaError.INVALID_REPLICATION_FACTOR, InvalidInput, 3),
        (KafkaError.INVALID_CONFIG, InvalidInput, 3),
        (KafkaError.TOPIC_EXCEPTION, InvalidInput, 3),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, NotPermitted, 1),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NotPermitted, 1),
        (KafkaError.UNKNOWN, ClusterError, 1),
        (KafkaError._AUTHENTICATION, CannotConnect, 3),
        (KafkaError.SASL_AUTHENTICATION_FAILED, CannotConnect, 3),
        (KafkaError._SSL, CannotConnect, 3),
    ],
)
def test_librdkafkas_errors_become_ours(
    code: int, kind: type[KafkaTasksError], exit_code: int
) -> None:
    """Each has its class; it says what was done, what came back, and what can be done about it."""
    found = translate(KafkaException(KafkaError(code, "the reason")), "create topic t")
    assert type(found) is kind
    assert found.exit_code == exit_code
    assert "create topic t" in found.message
    assert found.hint and "invoke kafka." in found.hint
    if code == KafkaError.INVALID_REPLICATION_FACTOR:
        assert found.hint.startswith("--replication-factor 1")
    if kind in (BrokerUnreachable, CannotConnect, ClusterError, NotPermitted):
        assert found.evidence == (f"{KafkaError(code).name()}: the reason",)


def test_a_local_cluster_is_reached_by_ipv4(cluster: Cluster) -> None:
    """Nothing listens on ::1, so it is not tried; topics never appear by being asked for."""
    found = configuration(cluster)
    assert found["bootstrap.servers"] == "localhost:9092"
    assert found["broker.address.family"] == "v4"
    assert found["allow.auto.create.topics"] == "false"


def test_a_remote_cluster_keeps_its_address_family_and_security(cluster: Cluster) -> None:
    """Elsewhere IPv6 may be right, and the security properties are handed on."""
    remote = replace(
        cluster,
        project=Path("/p"),
        bootstrap=(Address("kafka.example", 9093),),
        client={"security.protocol": "SSL"},
    )
    found = configuration(remote)
    assert "broker.address.family" not in found
    assert found["security.protocol"] == "SSL"


def test_one_address_can_be_asked_alone(cluster: Cluster) -> None:
    """A bootstrap address of its own replaces the cluster's."""
    assert configuration(cluster, "localhost:9093")["bootstrap.servers"] == "localhost:9093"


def test_librdkafka_is_kept_off_stderr() -> None:
    """Its logger has a handler that drops everything and passes nothing on."""
    assert not _quiet.propagate
    assert _quiet.handlers


def test_a_connection_that_cannot_be_configured(tmp_path: Path) -> None:
    """A key that is none is invalid input, in librdkafka's words, before anything is connected."""
    key = tmp_path / "key.pem"
    key.write_text("nonsense")
    with pytest.raises(InvalidInput, match="settings of the connection are not valid") as caught:
        connected(AdminClient, {"security.protocol": "ssl", "ssl.key.location": str(key)})
    assert "ssl.key.location" in caught.value.evidence[0]
    assert caught.value.hint and "kafka.config" in caught.value.hint


def test_ctrl_c_within_the_library_comes_after_it() -> None:
    """The library would answer it as a property of the wrong type."""
    made = []

    def kind(properties: Mapping[str, Any], **_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        made.append(properties)

    with pytest.raises(KeyboardInterrupt):
        connected(kind, {"client.id": "kafka-tasks"})
    assert made == [{"client.id": "kafka-tasks"}]
