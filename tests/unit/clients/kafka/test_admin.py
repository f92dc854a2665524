from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.clients.kafka import closing, group_admin, lasting_client
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    GroupActive,
    GroupMissing,
)
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
def admin(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Admin]:
    """An admin on such a client."""
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)
    monkeypatch.setattr(closing, "_CLOSE_S", 0.01)
    found = Admin(cluster)
    yield found
    found.client.let_go.set()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "error", [SystemError("bad"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid")]
)
def test_metadata_that_is_none_comes_from_no_broker(admin: Admin, error: Exception) -> None:
    """What the library cannot turn into values is said, with what it stumbled over."""
    admin.client.error = error  # type: ignore[attr-defined]
    with pytest.raises(BrokerUnreachable, match="is not a Kafka broker") as caught:
        admin.look()
    assert caught.value.evidence == (str(error),)


def test_a_client_that_does_not_end_is_left(admin: Admin) -> None:
    """Whoever sends without end keeps librdkafka busy, and nobody waits for it."""
    with admin:
        pass
    admin.client.let_go.set()  # type: ignore[attr-defined]


def test_a_broker_that_does_not_list_its_groups_is_an_error_of_ours(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The errors of single brokers are not raised by the library."""
    monkeypatch.setattr(group_admin, "_require_coordinators", lambda *_: None)
    with pytest.raises(ClusterError, match="list the groups"):
        group_admin.names(admin)
    admin.client.let_go.set()  # type: ignore[attr-defined]


class _Groups(_Client):
    """A client whose group requests all fail with this error."""

    code = KafkaError.NON_EMPTY_GROUP

    def delete_consumer_groups(self, names: list[str], **_: object) -> dict[str, Future[Any]]:
        """Refuse each of them."""
        future: Future[Any] = Future()
        future.set_exception(KafkaException(KafkaError(self.code)))
        return dict.fromkeys(names, future)

    def alter_consumer_group_offsets(self, asked: list[Any], **_: object) -> dict[str, Any]:
        """Refuse it."""
        return self.delete_consumer_groups([request.group_id for request in asked])


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (KafkaError.NON_EMPTY_GROUP, GroupActive, "The group g is still active."),
        (KafkaError.UNKNOWN_MEMBER_ID, GroupActive, "The group g is still active."),
        (KafkaError.GROUP_ID_NOT_FOUND, GroupMissing, "There is no group g."),
        (KafkaError.INVALID_REQUEST, ClusterError, "Failed: {} g."),
    ],
)
def test_an_error_of_a_group_names_the_group(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception], said: str
) -> None:
    """Deleting it and setting its offsets fail alike."""
    monkeypatch.setattr(lasting_client, "AdminClient", _Groups)
    monkeypatch.setattr(_Groups, "code", code)
    admin = Admin(cluster)
    deleted = group_admin.delete(admin, ["g"])["g"]
    assert type(deleted) is kind
    assert str(deleted) == said.format("delete group")
    with pytest.raises(kind) as caught:
        group_admin.set_offsets(admin, "g", {("t", 0): 1})
    assert str(caught.value) == said.format("set the offsets of group")


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
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)
    assert Admin(cluster, timeout_s=told).limit(asked, 10.0) == limit
