"""`temporary_cluster` in a process that is killed."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_acceptance import left_behind

_WAITS = """
import signal

from kafka_tasks import temporary_cluster

if __name__ == "__main__":
    with temporary_cluster() as report:
        print(report.project, flush=True)
        signal.pause()
"""


def test_a_killed_process_leaves_no_cluster(project: Sandbox, tmp_path: Path) -> None:
    """A watcher stops the servers and deletes their directory."""
    scratch = tmp_path.resolve() / "scratch"
    scratch.mkdir()
    project.environ["TMPDIR"] = str(scratch)
    (project.path / "waits.py").write_text(_WAITS)
    process = project.begin(command=(sys.executable, "waits.py"))
    assert process.stdout is not None
    assert str(scratch) in process.stdout.readline()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=60)
    eventually(lambda: not left_behind(scratch), "nothing is left", 60)
