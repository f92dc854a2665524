from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka import tls, token_refusals, token_source
from kafka_tasks.clients.kafka.connection import (
    _hurried,
    _quiet,
    configuration,
    connected,
    translate,
)
from kafka_tasks.clients.kafka.token import Token
from kafka_tasks.clients.kafka.token_source import TokenSource
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


def test_a_token_command_becomes_a_callback(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first token is asked for before there is a client, so that a failure is a sentence."""
    source = TokenSource(lambda: Token("t", time.time() + 60, "me"))
    monkeypatch.setattr(token_source, "of", lambda _: source)
    client = {"security.protocol": "SASL_SSL", "sasl.mechanism": "OAUTHBEARER"}
    found = configuration(replace(cluster, client=client, token_command="giver"))
    assert source.latest is not None
    assert found["oauth_cb"]("")[0] == "t"
    with connected(AdminClient, {**found, "bootstrap.servers": ""}):
        assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL


def test_the_sleep_of_the_library_is_cut_short() -> None:
    """By a signal to the thread that sleeps, which is gone afterwards."""
    heard = threading.Event()
    with _hurried(True):
        before = signal.getsignal(signal.SIGURG)
        assert callable(before)
        signal.signal(signal.SIGURG, lambda *_: heard.set())
        assert heard.wait(30)
    assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL
    with _hurried(False):
        assert signal.getsignal(signal.SIGURG) is signal.SIG_DFL


def test_an_endpoint_is_trusted_as_the_machine_does(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel of confluent-kafka looks for the authorities at another place."""
    monkeypatch.setattr(tls, "authorities_of_machine", lambda: "/bundle.crt")
    url = {"sasl.oauthbearer.token.endpoint.url": "https://issuer.test/token"}
    client = {"sasl.mechanism": "OAUTHBEARER", **url}
    assert configuration(replace(cluster, client=client))["https.ca.location"] == "/bundle.crt"
    own = {**client, "https.ca.location": "own.crt"}
    assert configuration(replace(cluster, client=own))["https.ca.location"] == "own.crt"
    plain = {**client, "sasl.oauthbearer.token.endpoint.url": "http://issuer.test/token"}
    assert "https.ca.location" not in configuration(replace(cluster, client=plain))


def test_a_log_in_without_a_token_is_not_refused() -> None:
    """No broker was asked."""
    error = KafkaError(KafkaError._AUTHENTICATION, f"{token_refusals.NO_TOKEN}: why")
    found = translate(KafkaException(error), "produce to t")
    assert (found.finding, found.exit_code) == ("token-missing", 3)


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


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """librdkafka has only the code of a library for it."""
    key = str(tmp_path / "alice.key")
    with pytest.raises(InvalidInput) as caught:
        connected(AdminClient, {"security.protocol": "ssl", "ssl.key.location": key})
    assert caught.value.evidence[0] == f"ssl.key.location: {key} does not exist"


def test_ctrl_c_within_the_library_comes_after_it() -> None:
    """The library would answer it as a property of the wrong type."""
    made = []

    def kind(properties: Mapping[str, Any], **_: object) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        made.append(properties)

    with pytest.raises(KeyboardInterrupt):
        connected(kind, {"client.id": "kafka-tasks"})
    assert made == [{"client.id": "kafka-tasks"}]
