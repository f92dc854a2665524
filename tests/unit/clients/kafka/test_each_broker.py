"""A question to each broker."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from kafka_tasks.clients.kafka import each_broker
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.address import Address
from kafka_tasks.retry import NotYet
from tests.unit.fakes import FakeAdmin

_BROKERS = {3: Address("k", 9092), 5: Address("k", 9093)}


class _Connections:
    """Connections of kafka-python; `shown` is what a broker answers, by its id."""

    def __init__(self, shown: dict[int, bool]) -> None:
        self.shown = shown

    @staticmethod
    def run(send: Any, request: str) -> Any:
        """Send a request."""
        return send(request)

    def send(self, request: str, node_id: int) -> bool:
        """Return what the broker shows."""
        return self.shown[node_id]


def _client(monkeypatch: pytest.MonkeyPatch, shown: dict[int, bool]) -> Any:
    closed: list[bool] = []
    client = SimpleNamespace(
        _manager=_Connections(shown), close=lambda: closed.append(True), closed=closed
    )
    monkeypatch.setattr(each_broker, "connected", lambda _: client)
    return client


def _asks(client: Any) -> bool:
    return bool(client._manager.run(client._manager.send, "what do you show?"))


def test_each_broker_is_asked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, through one client, which is closed."""
    client = _client(monkeypatch, {3: True, 5: True})
    assert each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _asks, "it") == 2  # type: ignore[arg-type]
    assert client.closed and isinstance(client._manager, _Connections)


def test_a_broker_that_lags_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    _client(monkeypatch, {3: True, 5: False})
    with pytest.raises(NotYet, match="broker 5 does not show it"):
        each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _asks, "it")  # type: ignore[arg-type]


def test_brokers_that_cannot_be_told_apart_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """None where kafka-python does not connect."""

    def fail(_: object) -> Any:
        raise BrokerUnreachable("no")

    monkeypatch.setattr(each_broker, "connected", fail)
    assert each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _asks, "it") is None  # type: ignore[arg-type]
