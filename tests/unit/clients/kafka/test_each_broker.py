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


def _asked(admin: FakeAdmin, *, alone: bool = False) -> int | None:
    return each_broker.until_each_shows(
        admin,  # type: ignore[arg-type]
        _Client.asked,
        "it",
        alone=lambda: alone,
    )


def test_each_broker_is_asked_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, through one client, which is closed."""
    made = _clients(monkeypatch, {3: True, 5: True})
    assert _asked(FakeAdmin(brokers=_BROKERS)) == 2
    assert [client.closed for client in made] == [True]


def test_a_broker_that_lags_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    _clients(monkeypatch, {3: True, 5: False})
    with pytest.raises(NotYet, match="broker 5 does not show it"):
        _asked(FakeAdmin(brokers=_BROKERS))


def test_brokers_that_cannot_be_told_apart_prove_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """None where kafka-python does not connect."""

    def fail(*_: object) -> Any:
        raise BrokerUnreachable("no")

    monkeypatch.setattr(each_broker, "connected", fail)
    assert _asked(FakeAdmin(brokers=_BROKERS)) is None


def test_a_single_broker_needs_no_second_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client that is connected already asks it."""
    made = _clients(monkeypatch, {})
    assert _asked(FakeAdmin(), alone=True) == 1
    with pytest.raises(NotYet, match="the broker does not show it"):
        _asked(FakeAdmin())
    assert made == []
