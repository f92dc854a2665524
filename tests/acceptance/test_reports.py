"""The reports of `nox -s acceptance`, the one full run of each runtime on every commit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kafka_tasks.acceptance.criteria import CRITERIA

ROOT = Path(__file__).parents[2]
VERIFIED = {criterion.id for criterion in CRITERIA if criterion.phase == "verify"}


@pytest.fixture(params=["embedded", "compose"])
def folder(request: pytest.FixtureRequest) -> Path:
    """Return where a run left its report and its JUnit file."""
    found = ROOT / f"acceptance-{request.param}"
    if not (found / "report.json").exists() and not os.environ.get("CI"):
        pytest.skip(f"run nox -s 'acceptance({request.param})' first")
    return found


@pytest.fixture
def report(folder: Path) -> dict[str, Any]:
    """Return the report."""
    return dict(json.loads((folder / "report.json").read_bytes()))


def test_every_criterion_holds_in_both_rounds(report: dict[str, Any]) -> None:
    """None is left out, none is there twice, none is skipped."""
    assert report["passed"] is True and report["error"] is None
    rounds = [(entry["round"], entry["id"]) for entry in report["criteria"]]
    assert len(rounds) == len(set(rounds))
    assert {id_ for _, id_ in rounds} == {criterion.id for criterion in CRITERIA}
    for name in ("start", "restart"):
        assert {id_ for round_, id_ in rounds if round_ == name} >= VERIFIED
    assert {entry["result"] for entry in report["criteria"]} == {"passed"}


def test_both_starts_have_a_timeline(report: dict[str, Any]) -> None:
    """With every layer of readiness; the versions are there as well."""
    for name in ("start", "restart"):
        layers = {entry["layer"] for entry in report["timeline"][name]["layers"]}
        assert {"process", "zookeeper", "broker", "cluster", "advertised"} <= layers
    assert report["versions"]["kafka"].startswith("3.")


def test_the_junit_file_has_a_case_for_each_criterion_of_each_round(
    folder: Path, report: dict[str, Any]
) -> None:
    """As many as the report has."""
    cases = list(ElementTree.parse(folder / "junit.xml").iter("testcase"))
    assert len(cases) == len(report["criteria"])
