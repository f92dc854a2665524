from __future__ import annotations

import pytest

from kafka_tasks.topics.data_loss import losing
from kafka_tasks.topics.plan import FieldChange


@pytest.mark.parametrize(
    ("key", "before", "after", "loses"),
    [
        ("retention.ms", "604800000", "1000", True),
        ("retention.ms", "1000", "604800000", False),
        ("retention.ms", "-1", "1000", True),
        ("retention.ms", "1000", "-1", False),
        ("retention.ms", "1000", None, True),
        ("retention.ms", None, "1000", True),
        ("retention.bytes", "-1", "1000000", True),
        ("retention.bytes", "odd", "odd", True),
        ("cleanup.policy", "delete", "delete,compact", True),
        ("cleanup.policy", "compact,delete", "compact", False),
        ("cleanup.policy", "compact", None, True),
        ("unclean.leader.election.enable", "false", "true", True),
        ("unclean.leader.election.enable", "true", "false", False),
        ("segment.bytes", "1", "2", False),
    ],
)
def test_what_may_delete_records_is_known(
    key: str, before: str | None, after: str | None, loses: bool
) -> None:
    """A shorter retention, a new policy, an unclean leader; what is not known may be any."""
    change = FieldChange(f"config.{key}", before, after)
    partitions = FieldChange("partitions", 1, 2)
    assert losing([partitions, change]) == ([key] if loses else [])
