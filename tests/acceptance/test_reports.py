"""The reports of `nox -s acceptance`, the one full run of each runtime on every commit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from kafka_tasks.acceptance.criteria import CRITERIA
from kafka_tasks.model.kafka_line import Mode
from kafka_tasks.model.security import Security
from kafka_tasks.model.verdict import Criterion
from tests.tiers import telling

ROOT = Path(__file__).parents[2]
# As in the noxfile, with those that it leaves to a release.
CASES = ["embedded", "compose", "compose-4.4", "embedded-4.4-scram"]
ALL_CASES = [*CASES, "embedded-4.4", "embedded-scram"]


def _mode(folder: Path) -> Mode:
    return "kraft" if "-4.4" in folder.name else "zookeeper"


@pytest.fixture(params=telling(ALL_CASES, *CASES))
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


@pytest.fixture
def criteria(folder: Path) -> list[Criterion]:
    """Return the criteria of the mode and the kind of cluster that was run."""
    security = Security("scram", acl=True) if folder.name.endswith("-scram") else None
    return [each for each in CRITERIA if each.applies(_mode(folder), security)]


def test_every_criterion_holds_in_both_rounds(
    report: dict[str, Any], criteria: list[Criterion]
) -> None:
    """None is left out, none is there twice, none is skipped."""
    assert report["passed"] is True and report["error"] is None
    rounds = [(entry["round"], entry["id"]) for entry in report["criteria"]]
    assert len(rounds) == len(set(rounds))
    assert {id_ for _, id_ in rounds} == {each.id for each in criteria}
    verified = {each.id for each in criteria if each.phase == "verify"}
    for name in ("start", "restart"):
        assert {id_ for round_, id_ in rounds if round_ == name} >= verified
    assert {entry["result"] for entry in report["criteria"]} == {"passed"}


def test_both_starts_have_a_timeline(report: dict[str, Any], folder: Path) -> None:
    """With every layer of readiness; the versions are there as well."""
    kraft = _mode(folder) == "kraft"
    for name in ("start", "restart"):
        layers = {entry["layer"] for entry in report["timeline"][name]["layers"]}
        coordination = "quorum" if kraft else "zookeeper"
        assert {"process", coordination, "broker", "cluster", "advertised"} <= layers
    assert report["versions"]["kafka"].startswith("4." if kraft else "3.")


def test_the_junit_file_has_a_case_for_each_criterion_of_each_round(
    folder: Path, report: dict[str, Any]
) -> None:
    """As many as the report has."""
    cases = list(ElementTree.parse(folder / "junit.xml").iter("testcase"))
    assert len(cases) == len(report["criteria"])
