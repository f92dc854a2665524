from __future__ import annotations

import re
from typing import Any

import pytest

from kafka_tasks.clients.kafka import records
from kafka_tasks.errors import InvalidInput, TopicDiffers, TopicExists
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.results import Proof
from kafka_tasks.topics import one_topic
from kafka_tasks.topics.model import TopicSpec
from tests.unit.fakes import FakeAdmin, topic


def _admin(*there: str) -> Any:
    return FakeAdmin(there={name: topic(name) for name in there})


def test_a_new_topic_is_created() -> None:
    """Creating what is not there says so."""
    admin = _admin()
    assert one_topic.create(admin, TopicSpec("orders", 2), if_not_exists=False)
    assert len(admin.there["orders"].partitions) == 2


def test_an_existing_topic_is_an_error_unless_allowed() -> None:
    """Without --if-not-exists an existing topic is exit 1, with it nothing changes."""
    admin = _admin("orders")
    with pytest.raises(TopicExists, match="orders exists already"):
        one_topic.create(admin, TopicSpec("orders"), if_not_exists=False)
    assert not one_topic.create(admin, TopicSpec("orders", 1), if_not_exists=True)
    assert not any(call.startswith("create") for call in admin.calls)


def test_an_existing_topic_of_another_shape_is_an_error_all_the_same() -> None:
    """--if-not-exists does not hide that the topic is another one than asked for."""
    with pytest.raises(TopicDiffers) as caught:
        one_topic.create(_admin("orders"), TopicSpec("orders", 3), if_not_exists=True)
    assert caught.value.evidence == ("partitions: asked for 3, the topic has 1",)
    assert "kafka.topic.describe orders" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"retention.mss": "5"}, "no topic setting retention.mss; did you mean retention.ms?"),
        ({"retention.ms": "abc"}, "retention.ms is 'abc', which is not a whole number"),
    ],
)
def test_a_setting_that_no_topic_can_have_is_no_difference(
    asked: dict[str, str], said: str
) -> None:
    """It is invalid, and deleting the topic would not help."""
    with pytest.raises(InvalidInput, match=re.escape(said)):
        one_topic.create(_admin("orders"), TopicSpec("orders", config=asked), if_not_exists=True)


def test_a_setting_of_a_newer_kafka_may_differ() -> None:
    """What the topic has and no table knows is the cluster's to judge."""
    admin: Any = FakeAdmin(there={"orders": topic("orders", config={"new.thing": "1"})})
    with pytest.raises(TopicDiffers, match="orders exists, but not as asked for"):
        one_topic.create(admin, TopicSpec("orders", config={"new.thing": "2"}), if_not_exists=True)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (TopicSpec("a_b"), "collides with a.b"),
        (TopicSpec("t", 1, 3), "replication factor of 3 is larger than the number of brokers"),
    ],
)
def test_what_this_cluster_cannot_have_is_invalid(spec: TopicSpec, said: str) -> None:
    """Colliding names and too many replicas are exit 3 and create nothing."""
    admin = _admin("a.b")
    with pytest.raises(InvalidInput, match=said) as caught:
        one_topic.create(admin, spec, if_not_exists=True)
    assert caught.value.exit_code == 3
    assert list(admin.there) == ["a.b"]


def test_a_bad_name_does_not_reach_the_network() -> None:
    """The name is checked before anything is asked."""
    admin = _admin()
    with pytest.raises(InvalidInput):
        one_topic.planned(admin, TopicSpec("a b"))
    assert admin.calls == []


@pytest.mark.parametrize("with_record", [True, False])
def test_a_proof_counts_leaders_and_records(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, with_record: bool
) -> None:
    """A topic is proven by its leaders and offsets, and by a record only where that is allowed."""
    sent: list[str] = []

    def roundtrip(cluster: Cluster, name: str, *, timeout_s: float) -> float:
        sent.append(name)
        return 3.5

    monkeypatch.setattr(records, "roundtrip", roundtrip)
    admin: Any = FakeAdmin(there={"t": topic("t", 3)}, records=7)
    found = one_topic.prove(
        cluster, admin, "t", created=False, with_record=with_record, timeout_s=5.0
    )
    assert found == Proof("t", False, 3, 1, 3, 21, 3.5 if with_record else None)
    assert sent == (["t"] if with_record else [])
