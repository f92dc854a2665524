from __future__ import annotations

import threading
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError

from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.model.cluster import Cluster


class _Client:
    """The library's client, as far as it goes wrong."""

    def __init__(self, *_: object, **__: object) -> None:
        self.let_go = threading.Event()
        self.error: Exception = SystemError("bad argument to internal function")

    def __exit__(self, *_: object) -> None:
        self.let_go.wait()

    def list_topics(self, **_: object) -> None:
        """What an answer comes to that is none."""
        raise self.error

    def list_consumer_groups(self, **_: object) -> Future[Any]:
        """One broker refused."""
        future: Future[Any] = Future()
        refused = KafkaError(KafkaError.CLUSTER_AUTHORIZATION_FAILED, "no")
        future.set_result(SimpleNamespace(errors=[refused], valid=[]))
        return future


@pytest.fixture
def admin(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Admin:
    """An admin on such a client."""
    monkeypatch.setattr(admin_module, "AdminClient", _Client)
    monkeypatch.setattr(admin_module, "_GOODBYE_S", 0.01)
    return Admin(cluster)


@pytest.mark.parametrize(
    "error", [SystemError("bad"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")]
)
def test_metadata_that_is_none_comes_from_no_broker(admin: Admin, error: Exception) -> None:
    """What the library cannot turn into values is said, with what it stumbled over."""
    admin.client.error = error  # type: ignore[attr-defined]
    with pytest.raises(BrokerUnreachable, match="is no Kafka broker") as caught:
        admin.look()
    assert caught.value.evidence == (str(error),)


def test_a_client_that_does_not_end_is_left(admin: Admin) -> None:
    """Whoever sends without end keeps librdkafka busy, and nobody waits for it."""
    with admin:
        pass
    admin.client.let_go.set()  # type: ignore[attr-defined]


def test_a_broker_that_does_not_list_its_groups_is_an_error_of_ours(admin: Admin) -> None:
    """The errors of single brokers are not raised by the library."""
    with pytest.raises(ClusterError, match="list the consumer groups"):
        group_admin.names(admin)
    admin.client.let_go.set()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("asked", "told", "limit"), [(None, None, 10.0), (None, 2.0, 2.0), (3.0, 2.0, 3.0)]
)
def test_a_request_knows_how_long_it_may_take(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    asked: float | None,
    told: float | None,
    limit: float,
) -> None:
    """What the request asks for goes before what the connection was told, and that before all."""
    monkeypatch.setattr(admin_module, "AdminClient", _Client)
    assert Admin(cluster, timeout_s=told).limit(asked, 10.0) == limit
