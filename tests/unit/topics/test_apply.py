from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.errors import (
    BrokerUnreachable,
    ClusterError,
    InvalidInput,
    TopicDiffers,
    TopicExists,
)
from kafka_tasks.model.topic import ConfigValue, TopicState
from kafka_tasks.retry import RetryPolicy
from kafka_tasks.testing import FakeClock
from kafka_tasks.topics.apply import Progress, apply, require_done
from kafka_tasks.topics.model import TopicSpec
from kafka_tasks.topics.plan import plan
from kafka_tasks.topics.waits import await_all_leaders, await_leaders
from tests.unit.fakes import FakeAdmin, topic


def _apply(admin: Any, *specs: TopicSpec) -> tuple[str, ...]:
    progress = apply(plan(specs, {}, brokers=1), admin, timeout_s=10.0)
    require_done(progress)
    return progress.having("done")


def _exists() -> TopicExists:
    return TopicExists("The topic exists already: create topic t.")


def test_a_plan_is_carried_out_and_leaders_are_awaited() -> None:
    """Each topic is created as asked, and apply returns when all have leaders."""
    admin = FakeAdmin(leaderless=3)
    assert _apply(admin, TopicSpec("b", 2, 1), TopicSpec("a", 1)) == ("a", "b")
    assert [call for call in admin.calls if call.startswith("create")] == [
        "create a 1 -1",
        "create b 2 1",
    ]
    assert admin.leaderless == 0


def test_what_is_right_or_blocked_is_not_touched() -> None:
    """Topics that are right, or blocked, are not touched."""
    admin = FakeAdmin()
    there = {"a": topic("a"), "b": topic("b", 2)}
    wanted = plan([TopicSpec("a"), TopicSpec("b", 1)], there, brokers=1)
    assert apply(wanted, admin).stages == {}  # type: ignore[arg-type]
    assert admin.calls == []


def test_a_deletion_under_way_is_waited_out(clock: FakeClock) -> None:
    """The broker says that the topic exists while it is being deleted: try again, briefly."""
    admin = FakeAdmin(errors={"create": [_exists(), _exists()]})
    assert _apply(admin, TopicSpec("t", 1)) == ("t",)
    assert admin.calls.count("create t 1 -1") == 3
    assert 0 < clock.now < 1


def test_a_creation_that_timed_out_and_succeeded_is_what_was_wanted() -> None:
    """A first try that was lost on the way back ends well when the topic is as asked."""
    admin = FakeAdmin(
        there={"t": topic("t", 2)},
        errors={"create": [BrokerUnreachable("No answer"), _exists()]},
    )
    assert _apply(admin, TopicSpec("t", 2)) == ("t",)


def test_somebody_elses_topic_of_that_name_is_compared() -> None:
    """A topic made meanwhile by another, in another shape, is TopicDiffers and no success."""
    admin = FakeAdmin(there={"t": topic("t", 5)})
    with pytest.raises(TopicDiffers) as caught:
        _apply(admin, TopicSpec("t", 2))
    assert caught.value.evidence == ("partitions: asked for 2, the topic has 5",)
    assert caught.value.exit_code == 1


def test_a_broker_that_stays_away_ends_in_a_sentence(clock: FakeClock) -> None:
    """At the deadline the last cause is the evidence."""
    away = [BrokerUnreachable("No answer", evidence=("_TRANSPORT: x",)) for _ in range(10**3)]
    admin = FakeAdmin(errors={"create": list(away)})
    with pytest.raises(BrokerUnreachable) as caught:
        _apply(admin, TopicSpec("t"))
    assert caught.value.message == (
        "The change of topic t was not answered in time, and may still happen."
    )
    assert caught.value.evidence == ("_TRANSPORT: x",)
    assert clock.now == pytest.approx(10, abs=0.2)


def test_a_refusal_is_not_tried_again(clock: FakeClock) -> None:
    """What the broker refuses for good ends at once."""
    admin = FakeAdmin(errors={"create": [InvalidInput("The broker refused")]})
    with pytest.raises(InvalidInput):
        _apply(admin, TopicSpec("t"))
    assert clock.sleeps == []


@pytest.mark.parametrize(
    ("state", "seen"),
    [
        (topic("t", 3, leader=None), "0 of 3 partitions have a leader"),
        (TopicState("t", ()), "it is not in the metadata yet"),
        (None, "it is not in the metadata yet"),
    ],
)
def test_missing_leaders_are_counted(clock: FakeClock, state: TopicState | None, seen: str) -> None:
    """A topic without all its leaders in time is an error that says how many it has."""
    admin = FakeAdmin(there={"t": state} if state else {})
    with pytest.raises(ClusterError, match=f"did not get its leaders in time: {seen}"):
        await_leaders(admin, "t", clock.deadline(1))  # type: ignore[arg-type]


def test_each_topic_without_leaders_says_what_it_lacks(clock: FakeClock) -> None:
    """Those with leaders are done; one request asks for all."""
    admin: Any = FakeAdmin(there={"led": topic("led"), "bare": topic("bare", 2, leader=None)})
    found: dict[str, TopicState] = {}
    wanted = {"led": 1, "bare": 2, "gone": 1}
    policy = RetryPolicy(clock=clock, sleep=clock.sleep)
    failed = await_all_leaders(admin, wanted, clock.deadline(1), policy, found.update)
    assert list(found) == ["led"]
    assert {name: error.message for name, error in failed.items()} == {
        "bare": "The topic bare did not get its leaders in time: 0 of 2 partitions have a leader.",
        "gone": "The topic gone did not get its leaders in time: it is not in the metadata yet.",
    }


def test_new_partitions_are_waited_for(clock: FakeClock) -> None:
    """A broker that has not heard of them yet is asked again."""
    admin: Any = FakeAdmin(there={"t": topic("t", 1)})
    policy = RetryPolicy(clock=clock, sleep=clock.sleep)
    failed = await_all_leaders(admin, {"t": 3}, clock.deadline(1), policy, lambda _: None)
    assert "it has 1 of 3 partitions" in failed["t"].message


def test_configuration_counts_in_the_comparison() -> None:
    """A topic made meanwhile with another setting differs too."""
    state = topic("t", 1, 1)
    other = TopicState("t", state.partitions, {"retention.ms": ConfigValue("1", "default", False)})
    admin = FakeAdmin(there={"t": other})
    with pytest.raises(TopicDiffers) as caught:
        _apply(admin, TopicSpec("t", 1, None, {"retention.ms": "2"}))
    assert caught.value.evidence == ("config.retention.ms: asked for 2, the topic has 1",)


def _everything() -> tuple[FakeAdmin, Any]:
    """A cluster, and a plan with one change of each kind for it."""
    there = {"old": topic("old"), "grows": topic("grows", 1), "tuned": topic("tuned")}
    specs = [
        TopicSpec("new", 2),
        TopicSpec("old", absent=True),
        TopicSpec("grows", 3),
        TopicSpec("tuned", 1, None, {"retention.ms": "5"}),
        TopicSpec("kept", 1, 9),
    ]
    return FakeAdmin(there=dict(there)), plan(specs, there, brokers=1)


def test_every_kind_of_change_is_carried_out() -> None:
    """Deleted, created, grown and altered; what is blocked is left alone."""
    admin, wanted = _everything()
    progress = apply(wanted, admin)  # type: ignore[arg-type]
    assert progress.having("done") == ("grows", "new", "old", "tuned")
    assert set(admin.there) == {"new", "grows", "tuned"}
    assert len(admin.there["grows"].partitions) == 3
    assert admin.there["tuned"].config["retention.ms"].value == "5"


def test_one_topics_failure_stops_no_other() -> None:
    """The progress names the failure, and the rest is done."""
    admin, wanted = _everything()
    admin.errors["create"] = [InvalidInput("The broker refused")]
    progress = apply(wanted, admin)  # type: ignore[arg-type]
    assert progress.having("failed") == ("new",)
    assert progress.having("done") == ("grows", "old", "tuned")
    with pytest.raises(InvalidInput):
        require_done(progress)


@pytest.mark.parametrize("step", range(12))
def test_interrupted_anywhere_and_applied_again_is_the_same_in_the_end(step: int) -> None:
    """The progress is true at the interruption, and a new plan finishes the work."""
    admin, wanted = _everything()
    left = [step]

    def interrupt(_: Progress) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    progress = Progress(watch=interrupt)
    try:
        apply(wanted, admin, progress=progress)  # type: ignore[arg-type]
    except KeyboardInterrupt:
        for name in progress.having("done"):
            spec = wanted.of(name).spec
            assert spec is not None
            assert plan([spec], admin.there, brokers=1).of(name).action == "none"
    specs = [change.spec for change in wanted.changes if change.spec is not None]
    apply(plan(specs, admin.there, brokers=1), admin)  # type: ignore[arg-type]
    again = plan(specs, admin.there, brokers=1)
    assert {c.topic for c in again.pending} == {"kept"}


def test_batches_are_sent_one_after_another() -> None:
    """A batch has as many topics as it may."""
    admin = FakeAdmin()
    wanted = plan([TopicSpec(f"t{n}", 1) for n in range(5)], {}, brokers=1)
    seen: list[int] = []
    progress = Progress(watch=lambda progress: seen.append(len(progress.having("begun"))))
    apply(wanted, admin, progress=progress, batch=2)  # type: ignore[arg-type]
    assert seen[:3] == [2, 4, 5]
    assert len(progress.having("done")) == 5
