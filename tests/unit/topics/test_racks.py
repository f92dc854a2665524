from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.topic import PartitionState, TopicState
from kafka_tasks.topics.apply import apply
from kafka_tasks.topics.assignment import spread
from kafka_tasks.topics.model import TopicSpec, WantedTopics
from kafka_tasks.topics.observe import Observed, planned
from kafka_tasks.topics.plan import FieldChange, plan
from kafka_tasks.topics.racks import remarks, uneven
from tests.unit.fakes import FakeAdmin, topic

RACKS = {1: "a", 2: "b", 3: "a"}
SPEC = TopicSpec("t", rack_spread=True)


def _topic(*replicas: tuple[int, ...]) -> TopicState:
    return TopicState("t", tuple(PartitionState(at, r[0], r, r) for at, r in enumerate(replicas)))


@pytest.mark.parametrize(
    ("replicas", "found"),
    [
        ((1,), None),
        ((1, 2), None),
        ((1, 3), ("a", "b")),
        ((1, 2, 3), None),
        ((4, 5), None),
    ],
)
def test_replicas_in_one_rack_are_uneven(
    replicas: tuple[int, ...], found: tuple[str, str] | None
) -> None:
    """Unless the other racks have no broker left for one of them."""
    assert uneven(replicas, RACKS) == found


def test_a_plan_counts_the_partitions_that_are_not_spread() -> None:
    """And shows nothing for topics that are, or that the file leaves to Kafka."""
    there = {"t": _topic((1, 3), (1, 2), (3, 1))}
    change = plan([SPEC], there, brokers=3, racks=RACKS).of("t")
    assert change.action == "update"
    assert change.fields == (FieldChange("placement.rack", "2 of 3 partitions uneven", "spread"),)
    assert plan([TopicSpec("t")], there, brokers=3, racks=RACKS).pending == ()
    assert plan([SPEC], {"t": _topic((1, 2))}, brokers=3, racks=RACKS).pending == ()


@pytest.mark.parametrize(
    ("racks", "replicas", "said"),
    [
        ({}, (1, 3), "no broker has a rack; start the brokers with KAFKA_TASKS_RACKS=a,b,c"),
        ({1: "a", 2: "b"}, (1, 3), "1 of 3 brokers lack a rack"),
        (RACKS, (1, 7), "on brokers that are not registered (7); start them first"),
    ],
)
def test_where_racks_are_not_known_the_plan_is_blocked_in_words(
    racks: dict[int, str], replicas: tuple[int, ...], said: str
) -> None:
    """With what would make them known."""
    change = plan([SPEC], {"t": _topic(replicas)}, brokers=3, racks=racks).of("t")
    assert change.action == "blocked"
    assert said in str(change.reason)


def test_a_new_topic_needs_racks_for_its_replicas() -> None:
    """One replica needs none."""
    two, one = replace(SPEC, replication_factor=2), replace(SPEC, replication_factor=1)
    assert plan([two], {}, brokers=3).of("t").action == "blocked"
    assert plan([one], {}, brokers=3).of("t").action == "create"
    found = plan([two], {}, brokers=3, racks=RACKS).of("t")
    assert found.action == "create"
    assert FieldChange("placement.rack", None, "spread") in found.fields


def test_replicas_that_cannot_be_moved_are_blocked() -> None:
    """With the reason of the client."""
    there = {"t": _topic((1, 3))}
    change = plan([SPEC], there, brokers=3, racks=RACKS, immovable="no client").of("t")
    assert (change.action, change.reason) == (
        "blocked",
        "its replicas cannot be moved: no client",
    )


def test_more_replicas_than_racks_are_remarked() -> None:
    """They are spread as far as it goes, and the file's line is in the sentence."""
    spec = replace(SPEC, replication_factor=3, origin="topics.yaml:7")
    (said,) = remarks([spec, TopicSpec("u", 1, 3)], {}, RACKS)
    assert said.startswith("topics.yaml:7: t has 3 replicas in 2 racks (a, b)")
    assert [*remarks([replace(spec, replication_factor=2)], {}, RACKS)] == []


def test_racks_are_asked_only_for_topics_that_are_spread_over_them() -> None:
    """A plan for what was seen has them."""
    wanted = WantedTopics((SPEC,))
    seen = Observed("id", (1, 2, 3), {"t": _topic((1, 3))}, racks=RACKS)
    assert [change.action for change in planned(wanted, seen).changes] == ["update"]


_cluster = st.lists(st.sampled_from("abc"), min_size=2, max_size=6)


@given(names=_cluster, size=st.integers(1, 4), data=st.data())
def test_every_partition_ends_up_even_and_keeps_its_leader(
    names: list[str], size: int, data: st.DataObject
) -> None:
    """Whatever racks the brokers are in; what is even already stays where it is."""
    racks = dict(enumerate(names, start=1))
    ids = sorted(racks)
    shape = st.lists(st.sampled_from(ids), min_size=1, max_size=len(ids), unique=True).map(tuple)
    state = _topic(*data.draw(st.lists(shape, min_size=1, max_size=5)))
    wanted = data.draw(st.none() | st.just(min(size, len(ids))))
    moved = spread({"t": state}, {"t": wanted}, ids, {"t": racks}).get("t", {})
    for partition in state.partitions:
        after = moved.get(partition.id, partition.replicas)
        assert uneven(after, racks) is None
        assert partition.leader in after
        assert len(set(after)) == len(after) == (wanted or len(partition.replicas))
        counts = Counter(racks[broker] for broker in after)
        room = Counter(rack for broker, rack in racks.items() if broker not in after)
        assert all(counts.most_common(1)[0][1] - counts[rack] < 2 for rack in room)


def test_apply_moves_new_topics_and_new_partitions_too() -> None:
    """Kafka may have placed them unevenly; other topics are left to it."""
    there = {"grows": topic("grows", 1)}
    specs = [
        TopicSpec("grows", 2, rack_spread=True),
        TopicSpec("new", 1, rack_spread=True),
        TopicSpec("other", 1),
    ]
    asked: list[set[str]] = []

    def move(wanted: Any, grown: Any, _: Any) -> Any:
        assert set(wanted) <= set(grown)
        asked.append(set(wanted))
        return {}

    admin: Any = FakeAdmin(there=dict(there))
    done = apply(plan(specs, there, brokers=1), admin, mover=move).having("done")
    assert done == ("grows", "new", "other")
    assert asked == [{"new"}, {"grows"}]
