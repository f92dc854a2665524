"""Groups of every type, of which confluent-kafka describes two."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupType

from kafka_tasks.clients.kafka import group_admin, kafka_python, lasting_client
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.group import ListedGroup

_CONSUMING = {
    "old": (ConsumerGroupType.CLASSIC, ConsumerGroupState.PREPARING_REBALANCING),
    "older": (ConsumerGroupType.UNKNOWN, ConsumerGroupState.EMPTY),
    "new": (ConsumerGroupType.CONSUMER, ConsumerGroupState.STABLE),
}
_ROWS = [
    {"group_id": "new", "protocol_type": "consumer", "group_state": "Reconciling"},
    {"group_id": "queue", "protocol_type": "share", "group_state": "Empty"},
    {"group_id": "flow", "protocol_type": "streams", "group_state": "NotReady"},
    {"group_id": "workers", "protocol_type": "connect", "group_state": "Stable"},
]
_TYPES = {"new": "consumer", "queue": "share", "flow": "streams", "workers": "classic"}


class _Client:
    """A client of the library, which lists others by name alone."""

    consuming = _CONSUMING
    others: tuple[str, ...] = ()

    def __init__(self, *_: object, **__: object) -> None:
        self.described: list[str] = []
        self.states: list[ConsumerGroupState] = []

    def __exit__(self, *_: object) -> None:
        pass

    def list_consumer_groups(self, **_: object) -> Future[Any]:
        """Return the groups of consumers."""
        future: Future[Any] = Future()
        found = [
            SimpleNamespace(group_id=name, type=kind, state=state)
            for name, (kind, state) in self.consuming.items()
        ]
        future.set_result(SimpleNamespace(errors=[], valid=found))
        return future

    def list_topics(self, *_: object, **__: object) -> Any:
        """Return metadata without any topic: no group has committed yet."""
        return SimpleNamespace(cluster_id="c", controller_id=1, brokers={}, topics={})

    def list_groups(self, **_: object) -> list[Any]:
        """Return all groups."""
        return [SimpleNamespace(id=name) for name in (*self.others, *self.consuming)]

    def describe_consumer_groups(self, names: list[str], **_: object) -> dict[str, Future[Any]]:
        """Return them without members, in a state that the library has no word for."""
        self.described += names
        futures = {}
        for name in names:
            futures[name] = Future[Any]()
            state = self.states.pop(0) if self.states else ConsumerGroupState.UNKNOWN
            futures[name].set_result(
                SimpleNamespace(state=state, coordinator=None, partition_assignor="", members=[])
            )
        return futures


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Cluster]:
    """The clusters that the second library was asked about."""
    found: list[Cluster] = []
    rows = [{**row, "group_type": _TYPES[row["group_id"]]} for row in _ROWS]

    def connected(cluster: Cluster) -> Any:
        found.append(cluster)
        return SimpleNamespace(list_groups=lambda: rows, close=lambda: None)

    monkeypatch.setattr(kafka_python, "connected", connected)
    monkeypatch.setattr(lasting_client, "AdminClient", _Client)
    monkeypatch.setattr(_Client, "others", ())
    monkeypatch.setattr(_Client, "consuming", _CONSUMING)
    return found


def test_groups_of_consumers_need_one_library(cluster: Cluster, asked: list[Cluster]) -> None:
    """A broker that tells no type is older than the types."""
    found = group_admin.listed(Admin(cluster))
    assert found == {
        "new": ListedGroup("new", "consumer", "stable"),
        "old": ListedGroup("old", "classic", "preparing-rebalance"),
        "older": ListedGroup("older", "classic", "empty"),
    }
    assert asked == []


def test_others_are_listed_with_their_type(
    cluster: Cluster, asked: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their state, in the manner of all states; Kafka Connect's are classic."""
    monkeypatch.setattr(_Client, "others", ("queue", "flow", "workers"))
    found = group_admin.listed(Admin(cluster))
    assert list(found) == ["flow", "new", "old", "older", "queue", "workers"]
    assert found["queue"] == ListedGroup("queue", "share", "empty", "share")
    assert found["flow"] == ListedGroup("flow", "streams", "not-ready", "streams")
    assert found["workers"].kind == "classic (connect)"
    assert [found[name].has_offsets for name in ("queue", "flow", "old")] == [False, True, True]
    assert len(asked) == 1


def test_a_state_that_the_library_has_no_word_for_has_kafkas(
    cluster: Cluster, asked: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is described: the word of the list stays."""
    states = {"new": (ConsumerGroupType.CONSUMER, ConsumerGroupState.UNKNOWN)}
    monkeypatch.setattr(_Client, "consuming", states)
    admin = Admin(cluster)
    found = group_admin.listed(admin)
    assert set(found) == {"new"}, "of the second list, only what is there still"
    state = group_admin.describe(admin, found.values())["new"]
    assert (state.state, state.active) == ("reconciling", True)


def test_a_connection_that_one_library_lacks_leaves_the_type_open(
    cluster: Cluster, asked: list[Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The group is there all the same."""
    monkeypatch.setattr(_Client, "others", ("queue",))
    monkeypatch.setattr(kafka_python, "unsupported", lambda _: ["sasl.oauthbearer.config"])
    admin = Admin(cluster)
    assert group_admin.listed(admin)["queue"] == ListedGroup("queue", "unknown", "unknown", "")
    assert group_admin.names(admin) == ["new", "old", "older", "queue"]
    assert asked == []


def test_only_groups_of_consumers_are_described(cluster: Cluster, asked: list[Cluster]) -> None:
    """The library would call a share group dead, and fail for one of Kafka Connect."""
    groups = [ListedGroup("queue", "share", "stable", "share"), ListedGroup("old")]
    admin = Admin(cluster)
    found = group_admin.describe(admin, groups)
    assert list(found) == ["queue", "old"]
    assert (found["queue"].members, found["queue"].active) == (None, True)
    assert found["old"].members == ()
    assert admin.client.described == ["old"]  # type: ignore[attr-defined]
    assert group_admin.describe(admin, groups[:1])["queue"].members is None


def test_a_group_is_missing_where_its_coordinator_does_not_know_it(
    cluster: Cluster, asked: list[Cluster]
) -> None:
    """A broker that lists none yet is asked again; one that is listed is not asked about."""
    admin = Admin(cluster)
    client: Any = admin.client
    client.states = [ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD]
    assert "gone" not in group_admin.names(admin, expected=["gone", "new"])
    assert client.described == ["gone", "gone"]
