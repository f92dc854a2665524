"""Results become a verdict, and every criterion has its test."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kafka_tasks.acceptance import suite
from kafka_tasks.acceptance.criteria import BY_ID, CRITERIA, results_of
from kafka_tasks.model.security import Security
from kafka_tasks.model.verdict import CriterionResult, Status, Verdict
from kafka_tasks.render.views import verdict as view

ROOM = Path(suite.__file__).parent
PHASES = {"before_restart.py": "before", "after_restart.py": "after"}


def result(id_: str, status: Status = "passed", message: str = "") -> CriterionResult:
    """Return a result of the criterion with this id."""
    return CriterionResult(BY_ID[id_], status, 0.1, message)


def _proven(path: Path) -> list[str]:
    return [
        str(decorator.args[0].value)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call) and isinstance(decorator.args[0], ast.Constant)
    ]


def test_each_criterion_has_one_test_in_the_module_of_its_phase() -> None:
    """The catalogue and the tests name the same criteria, and no test proves nothing."""
    found = sorted(
        (PHASES.get(path.name, "verify"), id_)
        for path in [*ROOM.glob("test_*.py"), *map(ROOM.joinpath, PHASES)]
        for id_ in _proven(path)
    )
    assert found == sorted((criterion.phase, criterion.id) for criterion in CRITERIA)


def test_a_criterion_that_was_not_reported_has_failed() -> None:
    """A criterion without a reported result is in the verdict as failed, with the reason."""
    found = results_of(
        "before", "zookeeper", [result("offset-committed")], "pytest exited with code 3"
    )
    assert [(entry.criterion.id, entry.status) for entry in found] == [
        ("records-acknowledged", "failed"),
        ("offset-committed", "passed"),
        ("test-topic-filled", "failed"),
    ]
    assert found[0].message == "pytest exited with code 3"


@pytest.mark.parametrize(
    ("security", "needed"),
    [
        (None, set()),
        (Security("tls"), {"security"}),
        (Security("mtls", acl=True), {"security", "acl"}),
        (Security("plain"), {"security", "passwords"}),
        (Security("scram", acl=True), {"security", "passwords", "acl"}),
    ],
)
def test_refusals_are_proven_of_the_clusters_that_refuse(
    security: Security | None, needed: set[str]
) -> None:
    """A criterion that does not apply is neither skipped nor failed: it is not there."""
    found = results_of("verify", "kraft", [], "missing", security)
    assert {entry.criterion.need for entry in found} - {None} == needed


def test_the_worst_of_several_results_counts() -> None:
    """A test that passed and whose cleaning up failed has failed."""
    both = [result("cluster-id-kept"), result("cluster-id-kept", "failed", "not deleted")]
    for order in (both, both[::-1]):
        (entry,) = (
            e
            for e in results_of("after", "kraft", order, "")
            if e.criterion.id == "cluster-id-kept"
        )
        assert (entry.status, entry.message) == ("failed", "not deleted")


@pytest.mark.parametrize(
    ("found", "passed"),
    [
        (["passed", "passed"], True),
        (["passed", "skipped"], True),
        (["passed", "failed"], False),
        (["skipped", "skipped"], False),
        ([], False),
    ],
)
def test_a_verdict_passes_when_something_holds_and_nothing_fails(
    found: list[Status], passed: bool
) -> None:
    """Skipped criteria alone are no proof."""
    entries = tuple(result(CRITERIA[n].id, status) for n, status in enumerate(found))
    assert Verdict(entries, 1.0).passed is passed


def test_document_and_text_say_what_became_of_each_criterion() -> None:
    """Both have every criterion, with the reason where it did not pass."""
    verdict = Verdict(
        (
            result("kafka-running"),
            result("timestamps", "failed", "one line\nand another"),
            result("zookeeper-running", "skipped", "not known"),
        ),
        2.5,
    )
    document = view.document(view.Verified(verdict))
    assert (document["schema"], document["passed"], document["elapsed_s"]) == (1, False, 2.5)
    assert document["criteria"][1] == {
        "id": "timestamps",
        "title": BY_ID["timestamps"].title,
        "result": "failed",
        "seconds": 0.1,
        "message": "one line\nand another",
    }
    lines = view.text(view.Verified(verdict), width=200).splitlines()
    assert lines[0].startswith("ok       Kafka is running and healthy")
    assert lines[1] == f"FAILED   {BY_ID['timestamps'].title}"
    assert [line.strip() for line in lines[2:4]] == ["| one line", "| and another"]
    assert lines[4].endswith("ZooKeeper is running and healthy: not known")
    assert lines[5] == "1 of 2 criteria passed (2.5 s), 1 failed, 1 skipped."
