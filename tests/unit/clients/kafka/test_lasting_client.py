"""A client that no broker answers any more is replaced, and one that is lent stays open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.clients.kafka import closing, lasting_client
from kafka_tasks.clients.kafka.lasting_client import LastingClient
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology


class _Client:
    """The library's client, which does nothing."""

    def __init__(self, *_: object, **__: object) -> None:
        pass


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The clients that were closed."""
    found: list[Any] = []
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)
    monkeypatch.setattr(closing, "begin", found.append)
    monkeypatch.setattr(closing, "close", found.append)
    return found


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as its one element."""
    now = [100.0]
    monkeypatch.setattr("kafka_tasks.clients.kafka.lasting_client.time.monotonic", lambda: now[0])
    return now


def test_a_client_is_replaced_after_three_seconds_of_silence(
    cluster: Cluster, closed: list[Any], clock: list[float]
) -> None:
    """They are counted from the last answer, or from the first moment of a new client."""
    connection = LastingClient(cluster, None)
    first = connection.current
    clock[0] = 102.9
    connection.answered()
    clock[0] = 105.8
    connection.unanswered()
    assert connection.current is first and not closed
    clock[0] = 106.0
    connection.unanswered()
    second = connection.current
    assert second is not first and closed == [first]
    clock[0] = 108.9
    connection.unanswered()
    assert connection.current is second
    connection.close()
    assert closed == [first, second]


def test_a_far_cluster_is_given_longer_each_time(
    cluster: Cluster, closed: list[Any], clock: list[float]
) -> None:
    """A connection may take it long, and nothing is replaced before it has answered once."""
    far = LastingClient(replace(cluster, topology=Topology()), None)
    assert far.contact is not None
    clock[0] += 60.0
    far.unanswered()
    assert not closed
    far.contact.is_answered = True
    seen = []
    for _ in range(5):
        seen.append(far.patience_s)
        far.replace()
    assert seen == [3.0, 6.0, 12.0, 24.0, 24.0]


def test_a_client_that_is_lent_stays_open(cluster: Cluster, closed: list[Any]) -> None:
    """Its user does not know that it was replaced."""
    connection = LastingClient(cluster, None)
    lent = connection.lend()
    connection.replace()
    assert connection.current is not lent and not closed
    connection.close()
    assert set(closed) == {lent, connection.current}
