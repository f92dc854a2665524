from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.faults.report import Report


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A report of five rounds from seed 1, in which 10 records were acknowledged and none lost."""
    _written(tmp_path / "results.json", seed=1, rounds=5, found=10)
    return tmp_path / "results.json"


def _written(
    target: Path, *, seed: int, rounds: int, found: int | None, adds: bool = False
) -> None:
    report = Report(seed, first=rounds)
    figures = report.of("kraft")
    figures.rounds, figures.acknowledged, figures.found = rounds, 10, found
    report.write(target, adds=adds)


def test_rounds_are_added_to_those_of_the_report(target: Path) -> None:
    """Each run keeps its seed; the sums stand beside the runs."""
    _written(target, seed=2, rounds=7, found=9, adds=True)
    total = json.loads(target.read_text())["kraft"]
    assert (total["rounds"], total["records_acknowledged"], total["records_lost"]) == (12, 20, 1)
    assert [(run["seed"], run["first"], run["rounds"]) for run in total["runs"]] == [
        (1, 5, 5),
        (2, 7, 7),
    ]


def test_without_adding_the_last_run_counts_alone(target: Path) -> None:
    """What it replaces is gone."""
    _written(target, seed=2, rounds=7, found=10)
    total = json.loads(target.read_text())["kraft"]
    assert (total["rounds"], len(total["runs"])) == (7, 1)


def test_a_run_that_was_cut_short_has_not_counted_what_is_lost(target: Path) -> None:
    """Nor has the sum with it."""
    _written(target, seed=2, rounds=3, found=None, adds=True)
    assert json.loads(target.read_text())["kraft"]["records_lost"] is None
