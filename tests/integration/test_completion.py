"""A real shell at a terminal, and the tab key."""

from __future__ import annotations

import os
import pty
import select
import shlex
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.conftest import Sandbox
from tests.integration.test_interrupted_start import FAULTS
from tests.integration.test_records_in_and_out import new_topic

SHELLS = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config", "-i"),
}
# Nothing is known of the machine's load: the key is pressed again until this is over, in seconds.
_PATIENCE_S = 120.0


@contextmanager
def shell(sandbox: Sandbox, name: str, script: Path) -> Iterator[int]:
    """An interactive shell in the project that has read the completion script.

    Its `kafka-tasks` waits for a busy broker longer than a person would.
    """
    patient = script.with_name("kafka-tasks")
    line = shlex.join([*FAULTS, "patient-completion", str(_PATIENCE_S)])
    patient.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
    patient.chmod(0o755)
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(sandbox.path)
        path = f"{patient.parent}:{sandbox.environ['PATH']}"
        environ = {**sandbox.env(), "TERM": "dumb", "PATH": path, "HOME": str(sandbox.path)}
        os.execvpe(SHELLS[name][0], SHELLS[name], environ)
    try:
        os.write(terminal, f"source {script}; echo rea''dy\n".encode())
        assert "ready" in seen(terminal, "ready")
        yield terminal
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)


def seen(terminal: int, wanted: str, within_s: float = _PATIENCE_S) -> str:
    """What the terminal shows until this is there, or the time is over."""
    found, ends = "", time.monotonic() + within_s
    while wanted not in found and (left := ends - time.monotonic()) > 0:
        if select.select([terminal], [], [], left)[0]:
            found += os.read(terminal, 65536).decode(errors="replace")
    return found


def completed(terminal: int, typed: str, wanted: str) -> str:
    """What tab makes of this."""
    os.write(terminal, typed.encode())
    found, ends = "", time.monotonic() + _PATIENCE_S
    while wanted not in found and time.monotonic() < ends:
        os.write(terminal, b"\t")
        found += seen(terminal, wanted, within_s=2.0)
    os.write(terminal, b"\x15")
    return found


@pytest.mark.parametrize("name", SHELLS)
def test_a_shell_completes_topics_and_groups(running: Sandbox, name: str, tmp_path: Path) -> None:
    """By the script that the command prints: names of topics, of groups, tasks and flags."""
    if shutil.which(name) is None and not os.environ.get("CI"):
        pytest.skip(f"{name} is not here")
    new_topic(running, f"billing.invoices-{name}")
    made = running.run(
        *("group.reset", f"readers-{name}", "--topic", f"billing.invoices-{name}"),
        *("--to", "start", "--execute"),
    )
    assert made.code == 0, made.err
    script = tmp_path / f"completion.{name}"
    script.write_text(running.run("--print-completion-script", name).out)
    with shell(running, name, script) as terminal:
        for typed, wanted in (
            (f"kafka-tasks topic.describe billing.invoices-{name[:2]}", f"invoices-{name}"),
            (f"kafka-tasks group.describe readers-{name[:2]}", f"readers-{name}"),
            ("kafka-tasks topic.vali", "topic.validate"),
            ("kafka-tasks topic.delete --clus", "--cluster-id"),
        ):
            assert wanted in completed(terminal, typed, wanted), typed


def test_a_name_is_offered_within_a_second_or_not_at_all(project: Sandbox) -> None:
    """Without a cluster, and with one that hangs: no name, no word, no error, nothing started."""
    line = ("--complete", "--", "kafka-tasks", "topic.describe")
    done = project.run(*line)
    assert (done.code, done.out, done.err) == (0, "", "")
    assert project.processes() == {}
    assert not (project.path / ".kafka-tasks").exists()
    project.up()
    assert project.run("topic.create", "there").code == 0
    broker = project.pids()["kafka"]
    os.kill(broker, signal.SIGSTOP)
    try:
        # 0.6 s are the patience; a client's own would be a minute.
        done = project.run(*line, timeout=20)
    finally:
        os.kill(broker, signal.SIGCONT)
    assert (done.code, done.out, done.err) == (0, "", "")
