from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.errors import ClusterError, GroupActive, InvalidInput
from kafka_tasks.groups import reset
from kafka_tasks.model.group import GroupState, ListedGroup, Member, OffsetChange, Place
from kafka_tasks.model.positions import parse_position
from kafka_tasks.model.topic import Offsets
from tests.unit.fakes import topic

TOPICS = {"a": topic("a", 2), "b": topic("b", 1)}


def test_a_group_that_somebody_reads_with_is_left_alone() -> None:
    """The members are the evidence; an empty group is fine."""
    member = Member("m-1", "mailer", "10.0.0.1", None, (("a", 0),))
    with pytest.raises(GroupActive, match="it has 1 member") as caught:
        reset.require_idle(GroupState(ListedGroup("g", state="stable"), 1, "range", (member,)))
    assert caught.value.evidence == ("mailer at 10.0.0.1 reads a-0 (m-1)",)
    reset.require_idle(GroupState(ListedGroup("g", state="empty"), 1))


@pytest.mark.parametrize(
    ("type_", "said"), [("share", "is a share group"), ("unknown", "type of the group g is not")]
)
def test_a_group_without_offsets_is_not_reset(type_: str, said: str) -> None:
    """The tool that can do it is named."""
    with pytest.raises(InvalidInput, match=said) as caught:
        reset.require_offsets(ListedGroup("g", type_))
    assert "groups.sh --bootstrap-server ADDRESS" in str(caught.value.hint)
    reset.require_offsets(ListedGroup("g", "streams"))


@pytest.mark.parametrize(
    ("named", "partitions", "found"),
    [
        ([], [], [("a", 1)]),
        ([], [1], [("a", 1)]),
        (["a"], [], [("a", 0), ("a", 1)]),
        (["a", "b"], [0], [("a", 0), ("b", 0)]),
    ],
)
def test_a_reset_is_about_what_was_named_or_committed(
    named: list[str], partitions: list[int], found: list[Place]
) -> None:
    """What was committed in a topic that is gone is let be."""
    committed = [("a", 1), ("gone", 0)]
    assert reset.chosen(committed, TOPICS, named=named, partitions=partitions) == found


def test_a_partition_that_is_not_there_is_named() -> None:
    """With those that are."""
    with pytest.raises(InvalidInput, match="a has no partition 7; it has 0 to 1"):
        reset.chosen([], TOPICS, named=["a"], partitions=[7])


def test_a_partition_without_a_commit_is_not_passed_over() -> None:
    """Those with one are the evidence; a group without any has nothing to reset."""
    with pytest.raises(InvalidInput, match="committed in partition 7") as caught:
        reset.chosen([("a", 1)], TOPICS, named=[], partitions=[7])
    assert caught.value.evidence == ("committed is a-1",)
    assert reset.chosen([], TOPICS, named=[], partitions=[7]) == []


@pytest.mark.parametrize(
    ("to", "after"), [("start", 2), ("end", 9), ("+3", 5), ("-3", 6), ("4", 4), ("99", 9)]
)
def test_the_new_offset_lies_within_the_log(
    monkeypatch: pytest.MonkeyPatch, to: str, after: int
) -> None:
    """Wherever somebody wants to go on."""
    log = Offsets(2, 9)
    monkeypatch.setattr(reset, "logs_of", lambda *_: {("a", 0): log})
    admin: Any = None
    found = reset.plan_reset(admin, [("a", 0)], {("a", 0): 7}, parse_position(to))
    assert found == [OffsetChange("a", 0, 7, after, log)]


def test_a_partition_without_a_leader_is_no_guess(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its offsets are not known."""
    monkeypatch.setattr(reset, "logs_of", lambda *_: {})
    admin: Any = None
    with pytest.raises(ClusterError, match="a-0 has no leader"):
        reset.plan_reset(admin, [("a", 0)], {}, parse_position("end"))


def test_only_what_changes_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """An offset that is right already is not committed again."""
    sent: list[Any] = []
    monkeypatch.setattr(group_admin, "set_offsets", lambda *args: sent.append(args[1:]))
    log = Offsets(0, 9)
    admin: Any = None
    reset.carry_out(admin, "g", [OffsetChange("a", 0, 5, 5, log), OffsetChange("a", 1, 5, 6, log)])
    assert sent == [("g", {("a", 1): 6})]
