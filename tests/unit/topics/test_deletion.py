from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.errors import BrokerUnreachable, ClusterError, InvalidInput
from kafka_tasks.model.topic import TopicState
from kafka_tasks.retry import RetryPolicy
from kafka_tasks.testing import FakeClock
from kafka_tasks.topics import deletion
from tests.unit.fakes import FakeAdmin, FakeChanges, topic


@pytest.fixture
def policy(clock: FakeClock) -> RetryPolicy:
    """Return a policy on a clock that does not wait."""
    return RetryPolicy(clock=clock, sleep=clock.sleep)


def _cluster(*names: str, **further: Any) -> Any:
    return FakeAdmin(there={name: topic(name) for name in names}, **further)


def test_topics_are_deleted_until_their_names_are_free(policy: RetryPolicy) -> None:
    """A topic that is missing already is what was wanted."""
    admin = _cluster("a", "b")
    assert deletion.delete(admin, ["a", "gone"], policy=policy) == {"a": None, "gone": None}
    assert list(admin.there) == ["b"]


def test_a_deletion_without_an_answer_is_sent_again(policy: RetryPolicy) -> None:
    """Only for the topics that were not answered."""
    admin = _cluster("a", "b", errors={"delete": [BrokerUnreachable("No answer")]})
    assert deletion.delete(admin, ["a", "b"], policy=policy) == {"a": None, "b": None}
    assert [call for call in admin.calls if call.startswith("delete")] == [
        "delete a",
        "delete b",
        "delete a",
    ]


def test_a_refusal_is_the_outcome_of_that_topic(policy: RetryPolicy) -> None:
    """The other topics are deleted."""
    refused = InvalidInput("The broker refused")
    admin = _cluster("a", "b", errors={"delete": [refused]})
    assert deletion.delete(admin, ["a", "b"], policy=policy) == {"a": refused, "b": None}


def test_a_topic_that_stays_is_named(
    clock: FakeClock, policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A topic that the cluster still shows at the deadline is an error."""
    admin = _cluster("stays")
    monkeypatch.setattr(FakeChanges, "delete", lambda _, names, **__: dict.fromkeys(names))
    outcome = deletion.delete(admin, ["stays"], timeout_s=1.0, policy=policy)["stays"]
    assert isinstance(outcome, ClusterError)
    assert outcome.message.startswith("The topic stays is still there")
    assert clock.now >= 1.0


def test_a_topic_that_a_client_recreates_is_an_error(
    policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was gone, its name was free, and there it is again: nothing of the deletion is left."""
    admin = _cluster("used", "idle")

    def taken(*_: object, **__: object) -> set[str]:
        admin.there["used"] = topic("used")
        return set()

    monkeypatch.setattr(FakeChanges, "taken", taken)
    outcomes = deletion.delete(admin, ["used", "idle"], policy=policy)
    assert outcomes["idle"] is None
    assert isinstance(outcomes["used"], ClusterError)
    assert outcomes["used"].message.endswith("is there again: a client re-created it.")


def test_a_topic_that_is_there_again_at_once_is_told_by_its_id(
    policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has seen that it was gone, and nobody waits for it."""
    admin = _cluster("used", "idle", records=2)
    delete, before = FakeChanges.delete, admin.there["used"]

    def deleted(*arguments: Any, **further: Any) -> Any:
        outcomes = delete(*arguments, **further)
        admin.there["used"] = topic("used")
        return outcomes

    monkeypatch.setattr(FakeChanges, "delete", deleted)
    outcomes = deletion.delete(admin, ["used", "idle"], policy=policy, watch=True)
    assert admin.there["used"] is not before
    assert outcomes["idle"] is None
    assert isinstance(outcomes["used"], ClusterError)
    assert outcomes["used"].message.endswith("is there again: a client re-created it.")


@pytest.mark.parametrize(("records", "watch"), [(2, True), (1, True), (0, True), (2, False)])
def test_a_producer_that_comes_back_a_moment_later_is_seen(
    records: int, watch: bool, policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a topic with records of the last seconds is looked for, and only with `watch`."""
    admin = _cluster("used", records=records)
    looks: list[bool] = []

    def taken(*_: object, **__: object) -> set[str]:
        seen = admin.seen

        def later(**further: Any) -> dict[str, TopicState]:
            looks.append(True)
            if len(looks) == 3:
                admin.there["used"] = topic("used")
            found: dict[str, TopicState] = seen(**further)
            return found

        monkeypatch.setattr(admin, "seen", later)
        return set()

    monkeypatch.setattr(FakeChanges, "taken", taken)
    outcome = deletion.delete(admin, ["used"], policy=policy, watch=watch)["used"]
    assert (outcome is not None) == (records == 2 and watch)
    assert len(looks) == (3 if outcome else 1)


def test_a_name_that_the_controller_still_holds_is_waited_for(
    clock: FakeClock, policy: RetryPolicy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metadata forgets a topic before a new one of that name can be created."""
    held = [{"a"}, {"a"}, set()]
    monkeypatch.setattr(FakeChanges, "taken", lambda *_, **__: held.pop(0))
    assert deletion.delete(_cluster("a"), ["a"], policy=policy) == {"a": None}
    assert held == []
    assert len(clock.sleeps) == 2


@pytest.mark.parametrize("policies", ["compact", "compact,compact"])
def test_a_compacted_topic_cannot_be_trimmed(policies: str) -> None:
    """The hint allows deletion beside it."""
    state = topic("t", config={"cleanup.policy": policies})
    with pytest.raises(InvalidInput, match="compacted topics cannot be trimmed") as caught:
        deletion.require_trimmable(state)
    assert "--append cleanup.policy=delete" in (caught.value.hint or "")


@pytest.mark.parametrize("state", [topic("t"), topic("t", config={"cleanup.policy": "delete"})])
def test_other_topics_can_be_trimmed(state: TopicState) -> None:
    """Those that delete by age, or do not show their policy."""
    deletion.require_trimmable(state)
