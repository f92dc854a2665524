"""The catalogue of acceptance criteria, and the results of a phase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.security import Security
from kafka_tasks.model.verdict import Criterion, CriterionResult, Phase

if TYPE_CHECKING:
    from pytest import MarkDecorator

MARKER = "criterion"


CRITERIA = (
    Criterion("zookeeper-running", "ZooKeeper is running and healthy", mode="zookeeper"),
    Criterion("quorum-running", "A quorum is running: a leader, and every voter", mode="kraft"),
    Criterion("kafka-running", "Kafka is running and healthy"),
    Criterion("kafka-reachable", "Kafka is reachable at its port (9092 unless configured)"),
    Criterion(
        "zookeeper-reachable",
        "ZooKeeper is reachable at its port (2181 unless configured)",
        mode="zookeeper",
    ),
    Criterion(
        "quorum-reachable",
        "Each controller is reachable at its port (19093 unless configured)",
        mode="kraft",
    ),
    Criterion("services-connected", "The services reach each other"),
    Criterion("health-checks", "The health checks pass"),
    Criterion("topic-created", "A topic can be created"),
    Criterion("keys-and-headers", "Keys, values and headers come back as they went in"),
    Criterion("timestamps", "Timestamps come back as they went in"),
    Criterion("null-values", "Null values come back as they went in"),
    Criterion("large-records", "Records of 900 kB come back as they went in"),
    Criterion("compression-gzip", "Records compressed with gzip come back"),
    Criterion("compression-snappy", "Records compressed with snappy come back"),
    Criterion("compression-lz4", "Records compressed with lz4 come back"),
    Criterion("compression-zstd", "Records compressed with zstd come back"),
    Criterion("group-resumes", "A consumer group resumes at its committed offset"),
    Criterion("idempotent-producer", "An idempotent producer writes each record once, in order"),
    Criterion("transaction", "A committed transaction is read, an aborted one is not"),
    Criterion("refused-password", "A wrong password is refused, and named", need="passwords"),
    Criterion(
        "refused-authority",
        "A client that does not know the authority refuses the broker, and says so",
        need="security",
    ),
    Criterion(
        "refused-host", "A certificate for another host is refused, and named", need="security"
    ),
    Criterion(
        "refused-expired", "A certificate that has expired is refused, and named", need="security"
    ),
    Criterion("denied-topic", "A topic is denied to a user without the right", need="acl"),
    Criterion("denied-group", "A group is denied to a user without the right", need="acl"),
    Criterion("records-acknowledged", "10,000 records are acknowledged", "before"),
    Criterion("offset-committed", "A consumer group's offsets are committed", "before"),
    Criterion("test-topic-filled", "test-topic exists and accepts records", "before"),
    Criterion("restarted", "Every service was restarted", "after"),
    Criterion("cluster-id-kept", "The cluster id is the same after the restart", "after"),
    Criterion(
        "test-topic-kept", "test-topic and its records are intact after the restart", "after"
    ),
    Criterion(
        "records-kept", "10,000 records are intact after the restart, byte for byte", "after"
    ),
    Criterion("offset-kept", "The committed offsets are the same after the restart", "after"),
)

BY_ID = {criterion.id: criterion for criterion in CRITERIA}


def proves(id_: str) -> MarkDecorator:
    """Mark a test as the proof of the criterion with this id."""
    import pytest

    return getattr(pytest.mark, MARKER)(BY_ID[id_].id)  # type: ignore[no-any-return]


def results_of(
    phase: Phase,
    mode: Mode,
    reported: Iterable[CriterionResult],
    missing: str,
    security: Security | None = None,
) -> tuple[CriterionResult, ...]:
    """Return one result for each criterion of the phase and cluster, the worst of several.

    A criterion without a reported result has failed; `missing` is its message.
    """
    severity = ("passed", "skipped", "failed")
    worst: dict[str, CriterionResult] = {}
    for result in reported:
        before = worst.get(result.criterion.id)
        if before is None or severity.index(result.status) > severity.index(before.status):
            worst[result.criterion.id] = result
    return tuple(
        worst.get(criterion.id) or CriterionResult(criterion, "failed", message=missing)
        for criterion in CRITERIA
        if criterion.phase == phase and criterion.applies(mode, security)
    )
