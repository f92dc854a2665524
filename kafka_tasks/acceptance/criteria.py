"""Every criterion by its id, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pytest import MarkDecorator

# What needs no restart; what is planted before one; what is looked for after it.
Part = Literal["verify", "before", "after"]
Result = Literal["passed", "failed", "skipped"]

MARKER = "criterion"


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that has to hold, proven by one test."""

    id: str
    title: str
    part: Part = "verify"


CRITERIA = (
    Criterion("zookeeper-running", "ZooKeeper is running and healthy"),
    Criterion("kafka-running", "Kafka is running and healthy"),
    Criterion("kafka-reachable", "Kafka is reachable at its port (9092 unless configured)"),
    Criterion("zookeeper-reachable", "ZooKeeper is reachable at its port (2181 unless configured)"),
    Criterion("services-connected", "The services reach each other"),
    Criterion("health-checks", "The health checks pass"),
    Criterion("topic-created", "A topic can be created"),
    Criterion("keys-and-headers", "Keys, values and headers come back as they went in"),
    Criterion("timestamps", "Timestamps come back as they went in"),
    Criterion("null-values", "Null values come back as they went in"),
    Criterion("large-records", "Records of 900 kB come back as they went in"),
    Criterion("records-acknowledged", "10,000 records are acknowledged", "before"),
    Criterion("offset-committed", "A consumer group's offsets are committed", "before"),
    Criterion("test-topic-filled", "test-topic is there and takes records", "before"),
    Criterion("restarted", "Every service was restarted in between", "after"),
    Criterion("cluster-id-kept", "The cluster id is the same after the restart", "after"),
    Criterion("test-topic-kept", "test-topic and its data are there after the restart", "after"),
    Criterion("records-kept", "10,000 records are there after the restart, byte for byte", "after"),
    Criterion("offset-kept", "The committed offsets are there after the restart", "after"),
)

BY_ID = {criterion.id: criterion for criterion in CRITERIA}


def proves(id_: str) -> MarkDecorator:
    """Mark a test as the proof of the criterion with this id."""
    import pytest

    return getattr(pytest.mark, MARKER)(BY_ID[id_].id)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one criterion; `message` says why it failed or was skipped."""

    criterion: Criterion
    result: Result
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of all criteria of a part."""

    findings: tuple[Finding, ...]
    elapsed_s: float

    @property
    def passed(self) -> bool:
        """Whether none failed; a part of which nothing could be tried has not passed."""
        return not self.count("failed") and self.count("passed") > 0

    def count(self, result: Result) -> int:
        """How many of them ended so."""
        return sum(finding.result == result for finding in self.findings)


def judged(part: Part, found: Iterable[Finding], missing: str) -> tuple[Finding, ...]:
    """One finding for each criterion of the part, the worst where there are several.

    A criterion that nobody reported has failed; `missing` says why it is not there.
    """
    gravity = ("passed", "skipped", "failed")
    worst: dict[str, Finding] = {}
    for finding in found:
        before = worst.get(finding.criterion.id)
        if before is None or gravity.index(finding.result) > gravity.index(before.result):
            worst[finding.criterion.id] = finding
    return tuple(
        worst.get(criterion.id) or Finding(criterion, "failed", message=missing)
        for criterion in CRITERIA
        if criterion.part == part
    )
