"""Faults in a cluster of containers."""

from __future__ import annotations

import pytest

from tests.faults.arena import Arena
from tests.faults.report import Report
from tests.faults.rounds import run_rounds

pytestmark = pytest.mark.timeout(7200)


@pytest.mark.size("compose-rounds")
def test_no_fault_loses_anything(
    compose: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """After every fault `up` heals, and each acknowledged record is there, once and in order."""
    run_rounds(compose, report, pytestconfig, size)
