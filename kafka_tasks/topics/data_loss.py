"""Which changes of a topic's settings may have brokers delete records."""

from __future__ import annotations

from collections.abc import Iterable

from kafka_tasks.topics.plan import FieldChange

# Settings that keep records up to a limit; -1 is none.
_LIMITS = ("config.retention.ms", "config.retention.bytes")
_POLICY = "config.cleanup.policy"
# Where it is true, a replica that lacks records may become the leader.
_UNCLEAN = "config.unclean.leader.election.enable"


def losing(fields: Iterable[FieldChange]) -> list[str]:
    """Return the names of those settings whose change may delete records.

    A value that is not known, such as a default, may be any.
    """
    return [field.field.removeprefix("config.") for field in fields if _loses(field)]


def _loses(change: FieldChange) -> bool:
    before, after = change.before, change.after
    if change.field in _LIMITS:
        return _limit(after, unknown=0.0) < _limit(before, unknown=float("inf"))
    if change.field == _POLICY:
        return after is None or bool(_words(after) - _words(before))
    return change.field == _UNCLEAN and str(after).lower() != "false"


def _limit(value: int | str | None, *, unknown: float) -> float:
    try:
        found = float(value) if value is not None else unknown
    except ValueError:
        return unknown
    return float("inf") if found < 0 else found


def _words(value: int | str | None) -> set[str]:
    return {word.strip() for word in str(value or "").split(",") if word.strip()}
