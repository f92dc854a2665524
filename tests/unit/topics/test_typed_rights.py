"""Rights as the arguments of a grant name them."""

from __future__ import annotations

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.topics import typed_rights


@pytest.mark.parametrize(
    ("group", "shown"),
    [
        (None, ["alice may read topic billing.*", "alice may describe topic billing.*"]),
        ("b*", ["alice may read group b*", "alice may describe group b*"]),
        ("*", ["alice may read group *", "alice may describe group *"]),
    ],
)
def test_each_right_holds_on_the_topic_and_on_the_group(
    group: str | None, shown: list[str]
) -> None:
    """A star at the end is a prefix, a star alone is all."""
    found = [str(rule) for rule in typed_rights.rules("alice", "read,describe", "billing.*", group)]
    assert found[-2:] == shown
    assert len(found) == (2 if group is None else 4)


def test_a_topic_that_cannot_exist_is_refused() -> None:
    """It would be a right on nothing."""
    with pytest.raises(InvalidInput, match="characters that Kafka does not allow"):
        typed_rights.rules("alice", "read", "a b")
