"""Failing starts of many kinds: the cause is the right one, or none is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kafka_tasks.diagnosis import doctor, explanation, signatures
from kafka_tasks.diagnosis.examination import Check
from kafka_tasks.errors import KafkaTasksError, MachineError, NotReady
from kafka_tasks.model.finding import Finding
from tests.unit.diagnosis.conftest import MakeExam

CASES: list[dict[str, Any]] = yaml.safe_load(
    (Path(__file__).parent / "failing_starts.yaml").read_text(encoding="utf-8")
)
REPLICAS = "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR is 3, but the cluster has one broker."
KNOWN = {known.id: known for known in signatures.load()}


@pytest.fixture(autouse=True)
def _wants_three_brokers(monkeypatch: pytest.MonkeyPatch) -> None:
    standing = Finding("replication-factor", "error", REPLICAS, area="configuration", fix="1")
    check = Check("Compose file", "configuration", lambda _: [standing])
    monkeypatch.setattr(doctor, "CHECKS", (check,))


def failure_of(case: dict[str, Any]) -> KafkaTasksError:
    """Return the error of a start, before it is explained."""
    if case.get("engine"):
        return MachineError("docker compose up failed (exit code 1).", evidence=case["lines"])
    service = case["service"]
    message = case.get("message", f"{service} exited while it was waited for (exit code 1).")
    return NotReady(message, layer="process", service=service, evidence=case.get("checked", ()))


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_the_cause_is_right_or_not_named(case: dict[str, Any], make_exam: MakeExam) -> None:
    """By lines of this failure alone; the replication factor is only also wrong."""
    session = make_exam(runtime="compose").session
    assert session is not None
    if not case.get("engine"):
        session.last_words[case["service"]] = case["lines"]
    error = failure_of(case)
    explanation.enrich(error, explanation.explain(error, session))
    cause = None if error.finding == "died-while-starting" else error.finding
    assert cause == case["is"], error.cause
    if case["is"] is None or case.get("symptom"):
        assert error.cause is None or "not known" in error.cause or cause == "log-dirs-failed"
    else:
        assert error.cause and not KNOWN[case["is"]].symptom
    assert "replica" not in f"{error.cause} {error.hint}".lower()
    assert any(REPLICAS in line for line in error.also_wrong)


def test_there_are_forty_of_them() -> None:
    """Each is another failure."""
    assert len({str(case["lines"]) + str(case.get("checked")) for case in CASES}) >= 40
