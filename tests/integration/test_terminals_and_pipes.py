"""What a person at a terminal sees, and what a pipe, a closed one too, gets."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.tiers import telling

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

COMMAND = str(Path(sys.executable).with_name("kafka-tasks"))
HELD = (sys.executable, str(Path(__file__).with_name("faults.py")), "hold-layer", "broker")
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Terminal:
    """A pseudo-terminal of 100 columns with a command in it."""

    def __init__(
        self,
        sandbox: Sandbox,
        *arguments: str,
        env: dict[str, str | None] | None = None,
        command: tuple[str, ...] = (COMMAND,),
    ) -> None:
        self.seen = ""
        pid, self._master = pty.fork()
        if pid == 0:
            os.chdir(sandbox.path)
            environ = sandbox.env({"TERM": "xterm-256color", "COLUMNS": "100", **(env or {})})
            os.execve(command[0], [*command, *arguments], environ)
        self._pid = pid

    def read_until(self, text: str, timeout_s: float = 60) -> None:
        """Read until this text is on the screen; an empty one means the end."""
        ends = time.monotonic() + timeout_s
        while not text or text not in self.seen:
            assert time.monotonic() < ends, f"not on the screen: {text!r}\n{self.seen}"
            chunk = b""
            with contextlib.suppress(OSError):
                chunk = os.read(self._master, 65536)
            if not chunk:
                assert not text, f"not on the screen: {text!r}\n{self.seen}"
                return
            self.seen += chunk.decode("utf-8", "replace")

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Read the rest; returns the exit code."""
        self.read_until("")
        os.close(self._master)
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])


def test_terminal_shows_live_lines(project: Sandbox) -> None:
    """At a terminal each layer appears as it holds, with its time, over a live line."""
    screen = Terminal(project, "up")
    screen.read_until("waiting for ")
    assert screen.end() == 0
    for layer in ("process", "zookeeper", "broker", "cluster", "advertised"):
        assert re.search(rf"✓.*{layer} .* s", screen.seen), screen.seen
    assert "\x1b[" in screen.seen
    assert "Ready after " in screen.seen


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_terminal_without_colours(running: Sandbox, env: dict[str, str | None]) -> None:
    """With NO_COLOR, and on a dumb terminal, lines are plain, without control characters."""
    screen = Terminal(running, "up", env=env)
    assert screen.end() == 0
    assert "ok broker" in screen.seen
    assert not CONTROL.search(screen.seen.replace("\r\n", "\n")), repr(screen.seen)


@pytest.mark.parametrize("verb", ["up", "status", "topic.list", "config", "wait"])
def test_pipe_gets_plain_lines(running: Sandbox, verb: str) -> None:
    """Without a terminal nothing but text comes out, on stdout and stderr."""
    done = running.run(verb)
    assert done.code == 0
    assert done.out and not CONTROL.search(done.out + done.err)


def test_ctrl_c_at_a_terminal(project: Sandbox) -> None:
    """Ctrl-C typed at a terminal ends the start with 130 and nothing left."""
    screen = Terminal(project, "up", command=HELD)
    screen.read_until("waiting for broker")
    screen.type(b"\x03")
    assert screen.end() == 130
    assert "Interrupted" in screen.seen and "Traceback" not in screen.seen
    assert project.processes() == {}


@pytest.mark.release
def test_cluster_outlives_its_terminal(project: Sandbox) -> None:
    """A terminal that is closed after `up` takes nothing with it."""
    screen = Terminal(project, "up")
    assert screen.end() == 0
    assert project.run("status").code == 0


def test_deletion_asks_at_a_terminal(running: Sandbox) -> None:
    """At a terminal `topic.delete` names the topic and asks; anything but yes deletes nothing."""
    assert running.run("topic.create", "asked").code == 0
    screen = Terminal(running, "topic.delete", "asked")
    screen.read_until("[y/N] ")
    assert "asked" in screen.seen
    screen.type(b"\n")
    assert screen.end() == 6
    assert "asked" in running.topics()
    screen = Terminal(running, "topic.delete", "asked")
    screen.read_until("[y/N] ")
    screen.type(b"y\n")
    assert screen.end() == 0
    assert "asked" not in running.topics()


@pytest.mark.parametrize("verb", ["topic.list", "config", "logs --tail 2000", "topic.list -o json"])
def test_pipe_that_is_closed_early(running: Sandbox, verb: str) -> None:
    """`… | head -1` and a reader that is gone at once end without a word on stderr."""
    script = f'"$0" {verb} 2>errors | head -1; "$0" {verb} 2>>errors | true; cat errors'
    done = running.run(command=("sh", "-c", script, COMMAND))
    assert done.out.count("\n") == 1
    assert (running.path / "errors").read_text() == ""


def test_start_whose_reader_is_gone(project: Sandbox) -> None:
    """A closed pipe for progress and result neither undoes a start nor keeps one from undoing."""
    script = '("$0" up $1 2>&1; echo $? >code) | head -1'
    code = project.path / "code"
    done = project.run(command=("sh", "-c", script, COMMAND))
    assert "ok process" in done.out
    assert (code.read_text(), project.run("status").code) == ("0\n", 0)
    assert project.run("down").code == 0
    project.run("--timeout=0.2", command=("sh", "-c", script, COMMAND))
    assert code.read_text() == "5\n"
    assert project.processes() == {}


@pytest.mark.parametrize("closed", telling(["<&-", ">&-", "2>&-", "<&- >&- 2>&-"], "<&- >&- 2>&-"))
def test_streams_that_are_closed(running: Sandbox, closed: str) -> None:
    """Started without a standard stream, as some daemons do, commands work all the same."""
    for verb in ("up", "status", "topic.list", "topic.delete nothing-* --yes"):
        script = f'"$0" {verb} {closed}'
        done = running.run(command=("sh", "-c", script, COMMAND))
        assert done.code == ("delete" in verb), (verb, done)
        assert "Traceback" not in done.err


@pytest.mark.release
def test_up_in_a_process_without_a_session(project: Sandbox) -> None:
    """A start in a session that is then killed as a whole leaves a ready cluster behind."""
    shell = subprocess.Popen(
        ["sh", "-c", '"$0" up >/dev/null 2>&1; sleep 60', COMMAND],
        cwd=project.path,
        env=project.env(),
        start_new_session=True,
    )
    try:
        assert project.run("wait").code == 0
    finally:
        os.killpg(shell.pid, signal.SIGKILL)
        shell.wait()
    assert project.run("status").code == 0
