"""What is said of a failed command: a cause by its own evidence, and what else is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.diagnosis import doctor, explanation
from kafka_tasks.diagnosis.examination import Check, Examination
from kafka_tasks.errors import NotReady, PortTaken, ServiceDied
from kafka_tasks.model.finding import Finding
from tests.unit.diagnosis.conftest import MakeExam

SIGNATURES = Path(__file__).parent / "signatures"
CLUSTER_ID = (SIGNATURES / "cluster-id-differs.log").read_text()
HEAP = (SIGNATURES / "heap-too-small.log").read_text()
REPLICATION = (SIGNATURES / "replication-factor.log").read_text()
STANDING = Finding(
    "replication-factor",
    "error",
    "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR is 3, but the cluster has one broker.",
    area="configuration",
    cause="Each replica needs its own broker.",
    fix="KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: 1",
    exit_code=3,
)


@pytest.fixture(autouse=True)
def _only_one_thing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check("Compose file", "configuration", lambda _: [STANDING])
    never = Check("readiness", "cluster", lambda _: [Finding("x", "error", "Not ready.")])
    monkeypatch.setattr(doctor, "CHECKS", (check, never))


def died(exam: Examination, said: str, *, service: str = "kafka") -> ServiceDied:
    """Return the error of a failed start with these last log lines."""
    assert exam.session is not None
    exam.session.last_words[service] = said.splitlines()
    return ServiceDied("kafka exited while it was waited for.", service=service, hint="the log")


def test_a_failed_start_is_explained_by_its_log(make_exam: MakeExam) -> None:
    """Cause, evidence and hint are those of the signature in the last words."""
    exam = make_exam(runtime="compose")
    error = died(exam, CLUSTER_ID)
    found = explanation.explain(error, exam.session)
    explanation.enrich(error, found)
    assert [finding.id for finding in found.causes] == ["cluster-id-differs"]
    assert error.finding == "cluster-id-differs"
    assert "belongs to another cluster" in str(error.cause)
    assert "Invalid cluster.id" in error.evidence[0]
    assert "kafka.down --wipe" in str(error.hint)
    assert error.exit_code == 5


def test_the_service_that_died_is_asked_first(make_exam: MakeExam) -> None:
    """An old word of another service does not hide what this one died of."""
    exam = make_exam(runtime="compose")
    error = died(exam, HEAP)
    assert exam.session is not None
    exam.session.last_words["zookeeper"] = ["No snapshot found, but there are log entries"]
    assert [f.id for f in explanation.explain(error, exam.session).causes] == [
        "heap-too-small",
        "zookeeper-data-partial",
    ]


def test_the_evidence_stands_in_for_a_log_that_is_gone(make_exam: MakeExam) -> None:
    """A container that was removed has left its last lines in the error."""
    exam = make_exam(runtime="compose")
    error = NotReady("It ended.", service="kafka", evidence=CLUSTER_ID.splitlines())
    assert explanation.explain(error, exam.session).causes[0].id == "cluster-id-differs"


def test_logs_of_earlier_starts_do_not_explain_a_refusal(make_exam: MakeExam) -> None:
    """Where nothing was started, the error's own words count, and its own hint stays."""
    exam = make_exam(logs={"kafka": CLUSTER_ID.splitlines()})
    error = PortTaken("Port 9092, which kafka needs, is held by x.", hint="kill 4711")
    found = explanation.explain(error, exam.session)
    explanation.enrich(error, found)
    assert error.finding == "port-taken"
    assert error.hint == "kill 4711"


def test_what_is_wrong_at_any_time_is_no_cause(make_exam: MakeExam) -> None:
    """A standing finding stands beside the failure, and its fix is not the hint."""
    exam = make_exam(runtime="compose")
    error = died(exam, "nothing that is known")
    found = explanation.explain(error, exam.session)
    explanation.enrich(error, found)
    assert [finding.id for finding in found.also] == ["replication-factor"]
    assert error.finding != "replication-factor"
    assert "replica" not in f"{error.cause} {error.hint}"
    assert error.also_wrong == (f"{STANDING.title} Fix: {STANDING.fix}",)


def test_what_is_not_known_is_said_so(make_exam: MakeExam) -> None:
    """The most telling lines stand there, and no cause is claimed."""
    exam = make_exam(runtime="compose")
    assert exam.session is not None
    exam.session.last_words["kafka"] = ["[..] INFO one", "[..] ERROR odd (x)", "[..] INFO two"]
    error = NotReady("Something else.", layer="cluster", service="kafka")
    explanation.enrich(error, explanation.explain(error, exam.session))
    assert error.finding is None and str(error.cause).startswith("not known")
    assert "[..] ERROR odd (x)" in error.evidence


def test_a_sentence_that_has_the_reason_needs_no_cause() -> None:
    """Nothing is to be found out where no log was read, and the evidence stands in the sentence."""
    for evidence in ((), ("no answer",)):
        error = NotReady("Not ready: layer broker does not hold: no answer.", evidence=evidence)
        explanation.enrich(error, explanation.explain(error, None))
        assert error.cause is None


def test_a_line_that_stops_no_start_is_no_cause(make_exam: MakeExam) -> None:
    """A broker that logs of too few replicas starts all the same; a round trip may fail of it."""
    exam = make_exam(runtime="compose")
    error = died(exam, REPLICATION)
    found = explanation.explain(error, exam.session)
    assert "replication-factor" not in [finding.id for finding in found.causes]
    assert "replication-factor" in [finding.id for finding in found.also]
    late = NotReady("No round trip.", layer="roundtrip", service="kafka")
    assert explanation.explain(late, exam.session).causes[0].id == "replication-factor"


@pytest.mark.parametrize(
    "message",
    ["Not ready in time: layer broker does not hold.", "kafka exited while it was waited for."],
)
def test_a_symptom_claims_nothing(make_exam: MakeExam, message: str) -> None:
    """Nobody measured that the machine is slow, or that a property is bad."""
    exam = make_exam(runtime="compose")
    error = NotReady(message, layer="broker", service="kafka", evidence=["quiet"])
    found = explanation.explain(error, exam.session)
    explanation.enrich(error, found)
    assert "not known" in str(error.cause)
    assert not {"slow", "property", "usually"} & set(str(error.cause).split())
