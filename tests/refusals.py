"""A client that a broker has to refuse, and the reason that it gives."""

from __future__ import annotations

from typing import Any

from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient

_LIMIT_S = 60
_REFUSALS = (KafkaError._AUTHENTICATION, KafkaError._SSL)


def refusal(config: dict[str, Any]) -> str:
    """Why the broker refuses this client."""
    heard: list[KafkaError] = []
    config["error_cb"] = heard.append
    client = AdminClient(config)
    future = client.describe_cluster(request_timeout=_LIMIT_S)
    for _ in range(_LIMIT_S * 10):
        client.poll(0.1)
        reasons = [error.str() for error in heard if error.code() in _REFUSALS]
        assert not (future.done() and future.exception() is None), "it was let in"
        if reasons:
            return reasons[0]
    raise AssertionError(f"nothing was said: {heard}")
