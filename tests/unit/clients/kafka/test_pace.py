"""A far cluster gets more time after each silence."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka import lasting_client
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.pace import Pace
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology


@pytest.mark.parametrize(
    ("remote", "slices"), [(True, [0.25, 0.5, 1.0, 2.0, 4.0, 4.0]), (False, [0.25] * 6)]
)
def test_the_time_of_a_request_doubles_up_to_a_limit(remote: bool, slices: list[float]) -> None:
    """Of our own clusters it stays: a short look lets a death be seen."""
    pace = Pace(remote=remote)
    seen = []
    for _ in slices:
        seen.append(pace.slice_s)
        pace.silent()
    assert seen == slices
    assert pace.whole_s == 4 * slices[-1]


def test_a_silence_is_what_makes_it_grow(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer leaves the time as it is; a request with a time of its own keeps that."""
    asked: list[float] = []

    class Silent:
        def __init__(self, *_: object, **__: object) -> None:
            """Connect to nothing."""

        def list_topics(self, **given: Any) -> None:
            """Say nothing."""
            asked.append(given["timeout"])
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(lasting_client, "AdminClient", Silent)
    admin = Admin(replace(cluster, topology=Topology()))
    admin.connection.contact = None
    for timeout_s in (None, None, 9.0, None):
        with pytest.raises(BrokerUnreachable):
            admin.look(timeout_s)
    assert asked == [0.25, 0.5, 9.0, 2.0]
