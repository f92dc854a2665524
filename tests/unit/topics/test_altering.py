from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kafka_tasks.errors import ClusterError, InvalidInput
from kafka_tasks.model.topic import ConfigValue, TopicState
from kafka_tasks.topics import altering
from kafka_tasks.topics.plan import FieldChange
from tests.unit.fakes import FakeAdmin, FakeChanges, topic

DEFAULTS = {
    "retention.ms": ConfigValue("604800000", "default", False),
    "cleanup.policy": ConfigValue("delete", "default", False),
    "segment.bytes": ConfigValue("9", "dynamic-topic", True),
}


def _topic(partitions: int = 2) -> TopicState:
    return replace(topic("t", partitions), config=DEFAULTS)


def _fields(partitions: int | None = None, **typed: list[str]) -> tuple[FieldChange, ...]:
    edits = altering.edits_of(**{f"to_{verb}": texts for verb, texts in typed.items()})
    return altering.planned(_topic(), partitions=partitions, edits=edits).fields


@pytest.mark.parametrize(
    ("typed", "before", "after"),
    [
        ({"set": ["retention.ms=5"]}, "604800000", "5"),
        # A value that is only the default becomes the topic's own.
        ({"set": ["retention.ms=604800000"]}, "604800000", "604800000"),
        ({"delete": ["segment.bytes"]}, "9", None),
        ({"append": ["cleanup.policy=compact"]}, "delete", "delete,compact"),
        ({"append": ["cleanup.policy=compact,delete"]}, "delete", "delete,compact"),
        ({"subtract": ["cleanup.policy=delete"]}, "delete", ""),
    ],
)
def test_an_edit_shows_what_was_and_what_will_be(
    typed: dict[str, Any], before: str, after: str | None
) -> None:
    """The four ways to change a setting."""
    (field,) = _fields(**typed)
    assert (field.before, field.after) == (before, after)


@pytest.mark.parametrize(
    "typed",
    [
        {"set": ["segment.bytes=9"]},
        {"delete": ["retention.ms"]},
        {"append": ["cleanup.policy=delete"]},
        {"subtract": ["cleanup.policy=compact"]},
    ],
)
def test_what_is_so_already_is_left_out(typed: dict[str, Any]) -> None:
    """Nothing is sent for it."""
    assert _fields(**typed) == ()
    assert _fields(partitions=2) == ()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"set": ["retention.ms"]}, "retention.ms"),
        ({"delete": ["retention.ms=5"]}, "not the name of a setting"),
        ({"set": ["retention.ms=1"], "delete": ["retention.ms"]}, "named more than once"),
        ({"set": ["retention.m=1"]}, "no topic setting retention.m"),
        ({"append": ["=x"]}, "=x"),
    ],
)
def test_what_cannot_be_meant_is_refused(typed: dict[str, Any], said: str) -> None:
    """Before anything is asked of a broker."""
    with pytest.raises(InvalidInput, match=said):
        _fields(**typed)


def test_partitions_are_never_taken_away() -> None:
    """Growing is a change, shrinking a refusal."""
    assert _fields(partitions=5) == (FieldChange("partitions", 2, 5),)
    with pytest.raises(InvalidInput, match="cannot remove any"):
        _fields(partitions=1)


class _Refusing(FakeChanges):
    @staticmethod
    def alter_configs(admin: Any, edits: Any, **_: Any) -> Any:
        """Refuse."""
        return {name: InvalidInput("The broker refused.") for name in edits}

    @staticmethod
    def add_partitions(admin: Any, totals: Any, **_: Any) -> Any:
        """Take them."""
        return FakeChanges.add_partitions(admin, totals)


def test_a_change_that_is_cut_in_two_says_which_half_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """New partitions cannot be taken back when the settings are refused."""
    monkeypatch.setattr(altering, "changes", _Refusing)
    admin: Any = FakeAdmin(there={"t": _topic()})
    edits = altering.edits_of(to_set=["retention.ms=5"])
    wanted = altering.planned(admin.there["t"], partitions=4, edits=edits)
    with pytest.raises(ClusterError, match="now has 4 partitions, but its settings are unchanged"):
        altering.carry_out(admin, wanted)
    alone = altering.planned(admin.there["t"], partitions=None, edits=edits)
    with pytest.raises(InvalidInput):
        altering.carry_out(admin, alone)
