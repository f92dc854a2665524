"""Faults in a cluster of containers."""

from __future__ import annotations

import pytest

from tests.faults.arena import Arena
from tests.faults.report import Report
from tests.faults.rounds import kraft_name, require_rights, run_rounds

pytestmark = pytest.mark.timeout(7200)


@pytest.mark.size("compose-rounds")
def test_no_fault_loses_anything(
    compose: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """After every fault `up` heals, and each acknowledged record is there, once and in order."""
    run_rounds(compose, report, pytestconfig, size)


@pytest.mark.size("compose-kraft-rounds")
@pytest.mark.parametrize("compose", ["controller", "kafka"], indirect=True)
def test_no_fault_of_a_quorum_loses_anything(
    compose: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """The same in KRaft mode, with a dedicated controller and with a combined node."""
    run_rounds(compose, report, pytestconfig, size, "compose_" + kraft_name(compose))


@pytest.mark.size("compose-secured-rounds")
@pytest.mark.parametrize("compose", ["kafka secured"], indirect=True)
def test_no_kill_of_a_secured_container_loses_anything(
    compose: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """Records survive, `up` proves each user's log-in, and no one has a right more."""
    run_rounds(compose, report, pytestconfig, size, "compose_secured", ["kill"])
    require_rights(compose)
