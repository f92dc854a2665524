"""Requests to coordinators have no time-out of the library that could ever be over."""

from __future__ import annotations

import ast
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

import kafka_tasks
from kafka_tasks.clients.kafka import closing, coordinators, group_admin, lasting_client
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.cluster import Cluster

_REQUESTS = {
    "describe_consumer_groups",
    "list_consumer_group_offsets",
    "alter_consumer_group_offsets",
    "delete_consumer_groups",
    "delete_consumer_group_offsets",
}


class _Client:
    """A client whose coordinators answer about `there` alone."""

    there = frozenset({"a"})
    limits: ClassVar[list[float]] = []

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def _asked(self, names: list[str], limit_s: float) -> dict[str, Future[Any]]:
        self.limits.append(limit_s)
        found = {name: Future[Any]() for name in names}
        for name in self.there & set(names):
            found[name].set_result(name)
        return found

    def describe_consumer_groups(self, names: list[str], *, request_timeout: float) -> Any:
        """Answer by name."""
        return self._asked(names, request_timeout)

    def delete_consumer_groups(self, names: list[str], *, request_timeout: float) -> Any:
        """Answer by name."""
        return self._asked(names, request_timeout)

    def list_consumer_group_offsets(self, asked: list[Any], *, request_timeout: float) -> Any:
        """Answer by group."""
        return self._asked([each.group_id for each in asked], request_timeout)

    def alter_consumer_group_offsets(self, asked: list[Any], *, request_timeout: float) -> Any:
        """Answer by group."""
        return self._asked([each.group_id for each in asked], request_timeout)


@pytest.fixture
def admin(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """An admin on such clients."""
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)
    monkeypatch.setattr(closing, "begin", lambda _: None)
    monkeypatch.setattr(_Client, "limits", [])
    return Admin(cluster)


def _altered(admin: Admin, names: list[str], limit_s: float) -> Any:
    return coordinators.altered(admin, names[-1], [TopicPartition("t", 0, 1)], limit_s)


@pytest.mark.parametrize(
    "request_", [coordinators.described, coordinators.committed, coordinators.deleted, _altered]
)
def test_a_late_answer_is_a_time_out_of_ours(admin: Admin, request_: Callable[..., Any]) -> None:
    """The answers that are there stay; the client that keeps the request is not used again."""
    before = admin.client
    found = request_(admin, ["a", "b"], 0.001)
    with pytest.raises(KafkaException) as caught:
        found["b"].result()
    assert caught.value.args[0].code() == KafkaError._TIMED_OUT
    assert "a" not in found or found["a"].result() == "a"
    assert admin.client is not before
    assert set(_Client.limits) == {3600.0}


def test_a_client_that_answers_is_kept(admin: Admin) -> None:
    """It need not connect again."""
    before = admin.client
    assert coordinators.described(admin, ["a"], 1.0)["a"].result() == "a"
    assert admin.client is before


def test_nobody_waits_for_what_is_expected(admin: Admin) -> None:
    """The request is under way, and the client stays for others."""
    before = admin.client
    coordinators.expect(admin, "b")
    assert _Client.limits == [3600.0]
    assert admin.client is before


def test_a_coordinator_that_stays_away_is_no_broker_that_answers(admin: Admin) -> None:
    """As without any broker, after the limit."""
    with pytest.raises(BrokerUnreachable, match="read the offsets of consumer groups"):
        group_admin.committed(admin, ["b"], timeout_s=0.001)
    assert group_admin.committed(admin, []) == {}


def test_no_other_module_asks_a_coordinator() -> None:
    """Elsewhere, a time-out of the library could end the process."""
    package = Path(kafka_tasks.__file__).parent
    asking = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in _REQUESTS
    }
    assert asking == {"clients/kafka/coordinators.py"}
