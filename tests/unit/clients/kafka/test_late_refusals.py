"""Connections that brokers refuse after they worked."""

from __future__ import annotations

from dataclasses import replace

import pytest
from confluent_kafka import KafkaError

from kafka_tasks.clients.kafka import token_source
from kafka_tasks.clients.kafka.late_refusals import LateRefusals
from kafka_tasks.clients.kafka.token_refusals import NO_TOKEN
from kafka_tasks.clients.kafka.token_source import TokenSource
from kafka_tasks.errors import CannotConnect
from tests.unit.clients.kafka.test_token_source import cluster

_NO_TOKEN = KafkaError(KafkaError._AUTHENTICATION, f"{NO_TOKEN}: OAuth callback raised exception")
_REFUSED = KafkaError(KafkaError._AUTHENTICATION, "handshake failed")


def test_a_token_that_is_not_renewed_is_the_reason() -> None:
    """What brokers say afterwards follows from it; an answer ends it."""
    refusals = LateRefusals(cluster())
    for error in (_NO_TOKEN, _REFUSED):
        assert refusals.error("consume from t") is None
        refusals.heard(error)
    assert getattr(refusals.error("consume from t"), "finding", None) == "token-missing"
    refusals.overcome()
    for _ in range(2):
        refusals.heard(_REFUSED)
    assert getattr(refusals.error("consume from t"), "finding", None) == "token-refused"


def test_a_token_command_that_fails_later_is_told_as_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """librdkafka knows only that the callback failed."""
    why = CannotConnect("The token command giver failed.", finding="token-command-failed", hint="")

    def fetch() -> None:
        raise why

    source = TokenSource(fetch)  # type: ignore[arg-type]
    monkeypatch.setattr(token_source, "of", lambda _: source)
    with pytest.raises(CannotConnect):
        source.token()
    refusals = LateRefusals(cluster("giver"))
    for error in (_NO_TOKEN, _REFUSED):
        refusals.heard(error)
    assert refusals.error("consume from t") is why


def test_the_log_in_that_is_refused_is_named() -> None:
    """By its user and mechanism, with the settings to change, as at the first connection."""
    client = {"sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "alice"}
    refusals = LateRefusals(replace(cluster(), client=client))
    for _ in range(2):
        refusals.heard(KafkaError(KafkaError._AUTHENTICATION, "Invalid password"))
    error = refusals.error("consume from t")
    assert error is not None and error.finding == "log-in-refused"
    assert error.message.endswith("refused the log-in of user 'alice' with SCRAM-SHA-512.")
    assert error.evidence == ("Invalid password",)
    assert "KAFKA_TASKS_SASL_PASSWORD" in (error.hint or "")
