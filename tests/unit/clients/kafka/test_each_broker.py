"""A question to each broker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kafka_tasks.clients.kafka import each_broker
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.address import Address
from kafka_tasks.retry import NotYet
from tests.unit.fakes import FakeAdmin

_BROKERS = {3: Address("k", 9092), 5: Address("k", 9093)}


class _Client:
    """A client of kafka-python; `shown` is what a broker answers, by its id."""

    def __init__(self, shown: dict[int, bool], broker: Callable[[], int | None]) -> None:
        self.shown, self.broker = shown, broker
        self.closed = False

    def asked(self) -> bool:
        """Return what the chosen broker shows."""
        broker = self.broker()
        assert broker is not None
        return self.shown[broker]

    def close(self) -> None:
        """Close the connections."""
        self.closed = True


def _clients(monkeypatch: pytest.MonkeyPatch, shown: dict[int, bool]) -> list[_Client]:
    made: list[_Client] = []

    def connected(_: object, broker: Callable[[], int | None]) -> _Client:
        made.append(_Client(shown, broker))
        return made[-1]

    monkeypatch.setattr(each_broker, "connected", connected)
    return made


def test_each_broker_is_asked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, through one client, which is closed."""
    made = _clients(monkeypatch, {3: True, 5: True})
    assert each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _Client.asked, "it") == 2  # type: ignore[arg-type]
    assert [client.closed for client in made] == [True]


def test_a_broker_that_lags_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    _clients(monkeypatch, {3: True, 5: False})
    with pytest.raises(NotYet, match="broker 5 does not show it"):
        each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _Client.asked, "it")  # type: ignore[arg-type]


def test_brokers_that_cannot_be_told_apart_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """None where kafka-python does not connect."""

    def fail(*_: object) -> Any:
        raise BrokerUnreachable("no")

    monkeypatch.setattr(each_broker, "connected", fail)
    assert each_broker.until_each_shows(FakeAdmin(brokers=_BROKERS), _Client.asked, "it") is None  # type: ignore[arg-type]
