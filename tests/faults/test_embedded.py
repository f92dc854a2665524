"""Faults in a cluster of processes; many starts, one after the other and at the same moment."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.arena import Arena, begun, ended
from tests.faults.report import Report
from tests.faults.rounds import kraft_name, require_rights, run_rounds, settled
from tests.integration.conftest import COMMAND

pytestmark = pytest.mark.timeout(7200)

# Cycles; a run that is interrupted has been measured until then.
_MEASURED_EACH = 25
# A ready server takes more memory: one of 230 MB had 268 MB after 8 s, and 270 MB after 70 s.
_TOUCHED_S = 15


@pytest.mark.size("rounds")
def test_no_fault_loses_anything(
    embedded: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """After every fault `up` heals, and each acknowledged record is there, once and in order."""
    run_rounds(embedded, report, pytestconfig, size)


@pytest.mark.size("kraft-rounds")
@pytest.mark.parametrize("embedded", ["controller", "kafka"], indirect=True)
def test_no_fault_of_a_quorum_loses_anything(
    embedded: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """The same in KRaft mode, with a dedicated controller and with a combined node."""
    run_rounds(embedded, report, pytestconfig, size, kraft_name(embedded))


@pytest.mark.size("secured-rounds")
@pytest.mark.parametrize("embedded", ["kafka secured"], indirect=True)
def test_no_kill_of_a_secured_broker_loses_anything(
    embedded: Arena, report: Report, pytestconfig: pytest.Config, size: int
) -> None:
    """Records survive, `up` proves each user's log-in, and no one has a right more."""
    run_rounds(embedded, report, pytestconfig, size, "secured", ["kill"])
    require_rights(embedded)


@pytest.mark.size("kraft-cycles")
@pytest.mark.parametrize("embedded", ["kafka"], indirect=True)
def test_ups_and_downs_of_a_quorum_leave_nothing(
    embedded: Arena, report: Report, size: int
) -> None:
    """The same for a combined node."""
    _cycle(embedded, report, size, "kraft_cycles")


def _disk_kb(path: Path) -> int:
    done = subprocess.run(["du", "-sk", str(path)], capture_output=True, text=True, check=True)
    return int(done.stdout.split()[0])


def _measured(arena: Arena) -> dict[str, int]:
    """What could grow: kilobytes and megabytes, processes, files."""
    settled(arena)
    time.sleep(_TOUCHED_S)
    servers = [psutil.Process(pid) for pid in arena.sandbox.processes()]  # type: ignore[attr-defined]
    return {
        "processes": arena.counts().processes,
        "open_files": arena.open_files(),
        "memory_mb": sum(server.memory_info().rss for server in servers) // 1_000_000,
        "disk_kb": _disk_kb(arena.path / ".kafka-tasks"),
        "files": sum(1 for _ in (arena.path / ".kafka-tasks").rglob("*")),
    }


@pytest.mark.size("cycles")
def test_ups_and_downs_leave_nothing(embedded: Arena, report: Report, size: int) -> None:
    """After so many `up` and `down` there are as many processes, files, bytes as after the third.

    Logs grow until they rotate, so that a little disk a cycle is theirs: 1 MB is allowed for each.
    """
    _cycle(embedded, report, size, "cycles")


def _cycle(embedded: Arena, report: Report, size: int, name: str) -> None:
    first: dict[str, int] = {}
    for cycle in range(1, size + 1):
        assert embedded.run("up").code == 0
        if cycle == 1:
            # With its class archive a server has other files open than without.
            settled(embedded)
        if cycle == 2:
            assert embedded.run("topic").code == 0
        if cycle == 3:
            first = _measured(embedded)
        elif cycle == size or not cycle % _MEASURED_EACH:
            last = _measured(embedded)
            report.others[name] = {"cycles": cycle, "third": first, "last": last}
            _require_no_growth(first, last, cycle)
        assert embedded.run("down").code == 0
        assert embedded.sandbox.processes() == {}  # type: ignore[attr-defined]


def _require_no_growth(first: dict[str, int], last: dict[str, int], cycles: int) -> None:
    assert last["processes"] == first["processes"]
    assert last["open_files"] <= first["open_files"] + 40
    assert last["memory_mb"] <= first["memory_mb"] * 1.25
    assert last["files"] <= first["files"] + 20
    assert last["disk_kb"] <= first["disk_kb"] + 1000 * cycles


@pytest.mark.size("starts")
def test_starts_at_the_same_moment_make_one_cluster(
    embedded: Arena, report: Report, size: int
) -> None:
    """Of so many `up` at once each succeeds, and each service runs once."""
    command = [str(COMMAND), "up", "--timeout", "240"]
    environ = dict(embedded.environ)  # type: ignore[attr-defined]
    running = [begun(command, embedded.path, environ) for _ in range(size)]
    codes = [ended(process, 300) for process in running]
    assert codes == [0] * size
    pids = embedded.sandbox.pids()  # type: ignore[attr-defined]
    assert set(pids) == {embedded.keeper, "kafka"}
    report.others["starts"] = {"at_once": size, "clusters": 1, "cores": os.cpu_count()}
