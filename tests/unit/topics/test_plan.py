from __future__ import annotations

import copy
import random
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics import apply as apply_module
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.plan import FieldChange, plan
from tests.unit.fakes import FakeAdmin, FakeChanges, topic

CONFIGS = st.dictionaries(
    st.sampled_from(["retention.ms", "cleanup.policy"]), st.sampled_from(["1", "2"])
)
SPECS = st.lists(
    st.builds(
        TopicSpec,
        st.sampled_from(["a.b", "a_b", "c", "d", "e"]),
        st.none() | st.integers(1, 4),
        st.none() | st.integers(1, 4),
        CONFIGS,
    ),
    unique_by=lambda spec: spec.name,
    max_size=5,
)
OBSERVED = st.lists(
    st.builds(
        topic,
        st.sampled_from(["a.b", "a_b", "c", "x"]),
        st.integers(1, 4),
        st.integers(1, 3),
        CONFIGS,
    ),
    unique_by=lambda state: state.name,
    max_size=4,
).map(lambda states: {state.name: state for state in states})


@given(specs=SPECS, observed=OBSERVED, brokers=st.integers(1, 3), order=st.randoms())
def test_a_plan_is_pure_and_knows_no_order(
    specs: list[TopicSpec], observed: dict[str, TopicState], brokers: int, order: random.Random
) -> None:
    """The same wishes and the same cluster give the same plan, in any order, and stay untouched."""
    before = copy.deepcopy((specs, observed))
    first = plan(specs, observed, brokers=brokers)
    assert (specs, observed) == before
    shuffled = list(specs)
    order.shuffle(shuffled)
    backwards = dict(reversed(observed.items()))
    assert plan(shuffled, backwards, brokers=brokers) == first
    assert [change.topic for change in first.changes] == sorted(spec.name for spec in specs)


@given(specs=SPECS, observed=OBSERVED, brokers=st.integers(1, 3))
def test_every_change_has_what_its_action_needs(
    specs: list[TopicSpec], observed: dict[str, TopicState], brokers: int
) -> None:
    """Creations are of what is not there, updates have fields, blocked ones a reason, none none."""
    for change in plan(specs, observed, brokers=brokers).changes:
        there = change.topic in observed
        assert (change.reason is not None) == (change.action == "blocked")
        assert change.spec in specs
        if change.action == "create":
            assert not there
        if change.action == "none":
            assert there and change.fields == ()
        if change.action == "update":
            assert there and change.fields


@given(observed=OBSERVED)
def test_what_is_there_needs_no_change(observed: dict[str, TopicState]) -> None:
    """A cluster compared with its own description is left alone."""
    specs = [
        TopicSpec(
            state.name,
            len(state.partitions),
            state.replication_factor,
            {key: str(entry.value) for key, entry in state.config.items()},
        )
        for state in observed.values()
    ]
    assert {change.action for change in plan(specs, observed, brokers=1).changes} <= {"none"}


def test_a_topic_that_is_not_there_is_created_with_what_is_asked() -> None:
    """A creation lists what the spec names, configuration sorted."""
    spec = TopicSpec("t", 3, 1, {"retention.ms": "5", "cleanup.policy": "compact"})
    change = plan([spec], {}, brokers=1).of("t")
    assert (change.action, change.spec) == ("create", spec)
    assert change.fields == (
        FieldChange("partitions", None, 3),
        FieldChange("replication_factor", None, 1),
        FieldChange("config.cleanup.policy", None, "compact"),
        FieldChange("config.retention.ms", None, "5"),
    )


def test_only_what_was_asked_for_is_compared() -> None:
    """A spec that names nothing is content with anything."""
    observed = {"t": topic("t", 7, 3, {"retention.ms": "5"})}
    assert plan([TopicSpec("t")], observed, brokers=3).of("t").action == "none"


def test_differences_show_both_values() -> None:
    """Each field of an update has the value before and after."""
    observed = {"t": topic("t", 1, 1, {"retention.ms": "5"})}
    spec = TopicSpec("t", 3, None, {"retention.ms": "6", "cleanup.policy": "compact"})
    change = plan([spec], observed, brokers=1).of("t")
    assert change.action == "update"
    assert change.fields == (
        FieldChange("partitions", 1, 3),
        FieldChange("config.cleanup.policy", None, "compact"),
        FieldChange("config.retention.ms", "5", "6"),
    )


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TopicSpec("t", 2), "it has 3 partitions, and Kafka cannot remove any"),
        (
            TopicSpec("t", 3, 1),
            "is 2, and replicas cannot be moved: no client",
        ),
        (TopicSpec("new", 1, 3), "of 3 is larger than the number of brokers (2)"),
        (TopicSpec("a_b"), "its name collides with a.b"),
    ],
)
def test_what_cannot_be_done_is_blocked_with_the_reason(spec: TopicSpec, reason: str) -> None:
    """Fewer partitions, other replicas, too many replicas and colliding names are blocked."""
    observed = {"t": topic("t", 3, 2), "a.b": topic("a.b")}
    change = plan([spec], observed, brokers=2, immovable="no client").of(spec.name)
    assert change.action == "blocked"
    assert reason in (change.reason or "")


def test_a_cluster_that_is_not_ours_decides_how_many_replicas_it_can_place() -> None:
    """In KRaft mode, a broker that is registered and does not run may have one, too."""
    spec = TopicSpec("new", replication_factor=3)
    for absent, action in ((0, "blocked"), (1, "create"), (None, "create")):
        assert plan([spec], {}, brokers=2, absent=absent).of("new").action == action
    assert plan([spec], {"new": topic("new")}, brokers=2, absent=None).of("new").action == "blocked"


def test_a_topic_that_exists_does_not_collide_with_its_twin() -> None:
    """Where both a.b and a_b exist already, neither blocks the other."""
    observed = {"a.b": topic("a.b"), "a_b": topic("a_b")}
    assert plan([TopicSpec("a.b")], observed, brokers=1).of("a.b").action == "none"


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("compact, delete", "delete,compact"),
        ("TRUE", "true"),
        ("0604800000", "604800000"),
        ("producer", "producer"),
    ],
)
def test_what_kafka_takes_for_the_same_is_no_difference(declared: str, found: str) -> None:
    """Order and blanks in lists, case of truth and leading zeros do not make a change."""
    observed = {"t": topic("t", config={"x": found})}
    spec = TopicSpec("t", config={"x": declared})
    assert plan([spec], observed, brokers=1).of("t").action == "none"


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        (TopicSpec("__consumer_offsets", absent=True), "Kafka's own"),
        (TopicSpec("other.t", 5, owner=("mine.",)), "this file owns mine."),
        (TopicSpec("t", absent=True, protected=True), "it is protected"),
    ],
)
def test_what_is_not_this_files_to_change_is_blocked(spec: TopicSpec, reason: str) -> None:
    """Kafka's own topics, other owners' and protected ones are blocked."""
    observed = {name: topic(name) for name in ("__consumer_offsets", "other.t", "t")}
    change = plan([spec], observed, brokers=1).of(spec.name)
    assert change.action == "blocked"
    assert reason in (change.reason or "")


def _one(name: str) -> dict[str, TopicState]:
    return {name: topic(name)}


def test_absent_topics_go_and_absent_ones_stay_away() -> None:
    """`state: absent` deletes what is there, and is content with what is not."""
    found = plan(
        [TopicSpec("a", absent=True), TopicSpec("b", absent=True)], {"a": topic("a")}, brokers=1
    )
    assert [(c.topic, c.action) for c in found.changes] == [("a", "delete"), ("b", "none")]


def test_undeclared_topics_are_left_alone_unless_pruned() -> None:
    """Only topics below the prefixes go, never Kafka's own and never a declared one."""
    observed = {name: topic(name) for name in ("a.1", "a.2", "b.1", "__a")}
    specs = [TopicSpec("a.1")]
    assert [c.topic for c in plan(specs, observed, brokers=1).changes] == ["a.1"]
    pruned = plan(specs, observed, brokers=1, pruned_below=("a.", "__"))
    assert [(c.topic, c.action) for c in pruned.changes] == [("a.1", "none"), ("a.2", "delete")]


def test_twins_within_one_plan_block_each_other() -> None:
    """Two new names that Kafka's metrics do not tell apart are both blocked."""
    found = plan([TopicSpec("a.b"), TopicSpec("a_b")], {}, brokers=1)
    assert [c.action for c in found.changes] == ["blocked", "blocked"]


def test_a_name_is_free_where_its_twin_goes_in_the_same_plan() -> None:
    """Deletions come first, so the new name collides with nothing."""
    found = plan(
        [TopicSpec("a.b", absent=True), TopicSpec("a_b")], {"a.b": topic("a.b")}, brokers=1
    )
    assert [c.action for c in found.changes] == ["delete", "create"]


_names = st.sampled_from(["a", "b", "c.d", "c_d", "e"])
_configs = st.dictionaries(
    st.sampled_from(["retention.ms", "segment.ms"]), st.sampled_from(["1", "2"]), max_size=2
)
_specs = st.builds(
    TopicSpec,
    name=_names,
    partitions=st.none() | st.integers(1, 4),
    replication_factor=st.none() | st.integers(1, 3),
    config=_configs,
    absent=st.booleans(),
    protected=st.booleans(),
)
_clusters = st.dictionaries(
    _names, st.tuples(st.integers(1, 4), st.integers(1, 2), _configs), max_size=5
)


@given(
    specs=st.lists(_specs, max_size=5, unique_by=lambda spec: spec.name),
    there=_clusters,
    data=st.data(),
)
def test_the_order_of_the_input_does_not_matter(
    specs: list[TopicSpec], there: dict[str, tuple[int, int, dict[str, str]]], data: st.DataObject
) -> None:
    """The same specs in another order are the same plan."""
    observed = {name: topic(name, *shape) for name, shape in there.items()}
    shuffled = data.draw(st.permutations(specs))
    assert plan(specs, observed, brokers=2) == plan(shuffled, observed, brokers=2)


@given(specs=st.lists(_specs, max_size=5, unique_by=lambda spec: spec.name), there=_clusters)
def test_after_an_apply_only_what_is_blocked_is_left(
    specs: list[TopicSpec], there: dict[str, tuple[int, int, dict[str, str]]]
) -> None:
    """Plan, apply, plan: nothing is pending but what was blocked, and that has not changed."""
    admin = FakeAdmin(there={name: topic(name, *shape) for name, shape in there.items()})
    before = dict(admin.there)
    first = plan(specs, admin.there, brokers=2, immovable="no client")
    with patch.object(apply_module, "changes", FakeChanges):
        account = apply_module.apply(first, admin)  # type: ignore[arg-type]
    assert account.failures == {}
    second = plan(specs, admin.there, brokers=2, immovable="no client")
    assert {c.action for c in second.pending} <= {"blocked"}
    for change in first.having("blocked"):
        assert admin.there.get(change.topic) == before.get(change.topic)


@pytest.mark.parametrize(
    ("new", "there", "collides"),
    [
        ("a.b", ["x", "a_b"], "a_b"),
        ("a.b_c", ["a_b.c"], "a_b.c"),
        ("a.b", ["a-b", "ab"], None),
    ],
)
def test_dots_and_underscores_collide(new: str, there: list[str], collides: str | None) -> None:
    """a.b and a_b are one name in the metrics of a broker; other signs are not."""
    observed = {name: topic(name) for name in there}
    change = plan([TopicSpec(new)], observed, brokers=1).of(new)
    assert change.action == ("blocked" if collides else "create")
    assert collides is None or f"its name collides with {collides}" in (change.reason or "")
