from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from msgspec.structs import replace

from kafka_tasks.clients import machine, processes
from kafka_tasks.clients.processes import Identity, PortHolder, command_digest
from kafka_tasks.errors import MachineError


@pytest.fixture
def child() -> Iterator[Identity]:
    """A process of another parent's making that waits for its input to end."""
    code = "import sys; print('here', flush=True); sys.stdin.read()"
    arguments = [sys.executable, "-c", code, "-marked=yes"]
    started = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.stdout is not None
    started.stdout.readline()
    process = psutil.Process(started.pid)
    created = round(process.create_time() - psutil.boot_time(), 2)
    yield Identity(started.pid, created, command_digest(arguments))
    started.communicate()


def test_a_process_is_itself(child: Identity) -> None:
    """Same pid, same start and same command line: it is the one that was written down."""
    assert processes.is_running(child)


@pytest.mark.parametrize("change", [{"started_s": 1.0}, {"command": "another"}, {"pid": 2**22 + 1}])
def test_a_recycled_pid_is_another_process(child: Identity, change: dict[str, Any]) -> None:
    """With another start, another command line or no process at all, it is not ours."""
    assert not processes.is_running(replace(child, **change))


@pytest.mark.parametrize(
    ("change", "exited"),
    [
        ({}, False),
        ({"started_s": 1.0}, True),
        ({"command": "another"}, False),
        ({"pid": 2**22 + 1}, True),
    ],
)
def test_an_exit_is_certain_by_pid_and_start(
    child: Identity, change: dict[str, Any], exited: bool
) -> None:
    """A later process of the pid, or none: this one has exited. Its command line proves nothing."""
    assert processes.has_exited(replace(child, **change)) is exited


@pytest.mark.parametrize(
    ("status", "threads", "exited"),
    [
        (psutil.STATUS_STOPPED, 9, False),
        (psutil.STATUS_DISK_SLEEP, 9, False),
        (psutil.STATUS_ZOMBIE, 9, False),
        (psutil.STATUS_ZOMBIE, 1, True),
    ],
)
def test_a_process_that_stands_still_has_not_exited(
    child: Identity, monkeypatch: pytest.MonkeyPatch, status: str, threads: int, exited: bool
) -> None:
    """Only a zombie without further threads has; one that is hidden is not judged."""
    monkeypatch.setattr(psutil.Process, "status", lambda self: status)
    monkeypatch.setattr(psutil.Process, "num_threads", lambda self: threads)
    assert processes.has_exited(child) is exited

    def denied(self: psutil.Process) -> str:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "status", denied)
    assert not processes.has_exited(child)


def test_a_process_that_is_just_beginning_is_running(
    child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its command line is empty for a moment, which does not make it another process."""
    real = psutil.Process.cmdline
    answers: list[list[str]] = [[], [], []]
    monkeypatch.setattr(
        psutil.Process, "cmdline", lambda self: answers.pop() if answers else real(self)
    )
    assert processes.is_running(child)
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: [])
    assert not processes.is_running(child)


def test_a_child_is_running_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this very process has started is known without asking the system, until it ends."""
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: [])
    identity = processes.spawn_detached(
        [sys.executable, "-c", "import time; time.sleep(60)"],
        cwd=tmp_path,
        environ={},
        output=tmp_path / "out",
    )
    assert processes.is_running(identity)
    assert not processes.is_running(replace(identity, command="another"))
    assert processes.exit_code(identity.pid) is None
    os.kill(identity.pid, signal.SIGKILL)
    processes._children[identity.pid].wait()
    assert processes.exit_code(identity.pid) == -signal.SIGKILL
    assert not processes.is_running(identity)
    assert processes.exit_code(identity.pid) is None


def test_a_recycled_pid_is_never_signalled(
    child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping what is no longer ours sends nothing and counts as ended."""
    sent: list[int] = []
    monkeypatch.setattr(psutil.Process, "send_signal", lambda self, number: sent.append(number))
    assert processes.stop(replace(child, started_s=1.0), grace_s=1.0)
    assert sent == []


def test_a_process_that_does_not_end_is_killed_after_the_grace(
    child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM first, SIGKILL when the grace is over, and the caller learns of it."""
    sent: list[int] = []
    monkeypatch.setattr(psutil.Process, "send_signal", lambda self, number: sent.append(number))
    assert not processes.stop(child, grace_s=5.0)
    assert sent == [signal.SIGTERM, signal.SIGKILL]


def test_a_process_has_ended_when_its_last_thread_has(
    child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A zombie whose threads are still ending holds its ports, and is waited for."""
    threads = [1, 2, 8]
    ended: list[int] = []
    real = psutil.Process.status
    monkeypatch.setattr(psutil.Process, "send_signal", lambda self, number: ended.append(number))
    monkeypatch.setattr(
        psutil.Process, "status", lambda self: psutil.STATUS_ZOMBIE if ended else real(self)
    )
    monkeypatch.setattr(psutil.Process, "num_threads", lambda self: threads.pop())
    assert processes.stop(child, grace_s=5.0)
    assert (ended, threads) == ([signal.SIGTERM], [])


def test_a_process_of_another_user_is_a_sentence(
    child: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What may not be signalled is an error with the pid."""

    def denied(self: psutil.Process, number: int) -> None:
        raise psutil.AccessDenied(self.pid)

    monkeypatch.setattr(psutil.Process, "send_signal", denied)
    with pytest.raises(MachineError, match=f"Process {child.pid} belongs to another user"):
        processes.stop(child, grace_s=1.0)


def test_marked_processes_are_found(child: Identity) -> None:
    """A process is found by an argument of its command line, with its identity."""
    found = {entry.identity.pid: entry for entry in processes.find("-marked=")}
    assert found[child.pid].identity.command == child.command
    assert found[child.pid].arguments[-1] == "-marked=yes"
    assert os.getpid() not in found


def test_a_command_line_is_known_by_its_arguments() -> None:
    """Where one argument ends and the next begins matters."""
    assert command_digest(["a b"]) != command_digest(["a", "b"])
    assert command_digest(["ü"]) == command_digest(["ü"])


def test_a_command_that_does_not_exist_is_a_sentence(tmp_path: Path) -> None:
    """A missing program is exit 4, run or spawned."""
    missing = str(tmp_path / "nothing")
    with pytest.raises(MachineError, match="did not run"):
        processes.run([missing], timeout_s=1)
    with pytest.raises(MachineError, match="cannot be started"):
        processes.spawn_detached([missing], cwd=tmp_path, environ={}, output=tmp_path / "out")


def test_a_command_gives_code_and_both_streams() -> None:
    """Exit code and output of a command come back, stderr included."""
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    done = processes.run([sys.executable, "-uc", code], timeout_s=30)
    assert (done.code, done.output.split()) == (3, ["out", "err"])


class _At(NamedTuple):
    ip: str
    port: int


class _Connection(NamedTuple):
    laddr: _At
    status: str
    pid: int | None


def test_the_holder_of_a_port_is_named(child: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all connections, the listener on this port is the holder."""
    listed = [
        _Connection(_At("127.0.0.1", 9092), psutil.CONN_ESTABLISHED, 1),
        _Connection(_At("127.0.0.1", 9093), psutil.CONN_LISTEN, 1),
        _Connection(_At("127.0.0.1", 9092), psutil.CONN_LISTEN, child.pid),
    ]
    monkeypatch.setattr(psutil, "net_connections", lambda kind: listed)
    found = processes.port_holder(9092)
    assert found is not None and found.pid == child.pid
    assert f"(process {child.pid}: " in str(found)


def test_a_holder_that_the_system_hides_is_still_a_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rights to look, a taken port is held by a process of another user."""

    def denied(kind: str) -> list[_Connection]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", denied)
    monkeypatch.setattr(processes, "port_is_free", lambda port: False)
    assert str(processes.port_holder(9092)) == "a process of another user"
    monkeypatch.setattr(processes, "port_is_free", lambda port: True)
    assert processes.port_holder(9092) is None


def test_a_long_command_line_is_cut(child: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class path of a thousand characters does not fill the screen."""
    listed = [_Connection(_At("127.0.0.1", 9092), psutil.CONN_LISTEN, child.pid)]
    monkeypatch.setattr(psutil, "net_connections", lambda kind: listed)
    monkeypatch.setattr(psutil.Process, "cmdline", lambda self: ["java", "x" * 1000])
    found = processes.port_holder(9092)
    assert found == PortHolder(9092, child.pid, found.name if found else "", found.command)  # type: ignore[union-attr]
    assert found is not None and found.command is not None
    assert len(found.command) == 120 and found.command.endswith("...")


def test_a_command_line_is_one_line(child: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that was given after -c does not break the sentence that names its process."""
    listed = [_Connection(_At("127.0.0.1", 9092), psutil.CONN_LISTEN, child.pid)]
    monkeypatch.setattr(psutil, "net_connections", lambda kind: listed)
    monkeypatch.setattr(psutil.Process, "name", lambda self: "my\nserver")
    monkeypatch.setattr(
        psutil.Process, "cmdline", lambda self: ["python", "-c", "import os\r\n\tos.wait()\n"]
    )
    assert processes.port_holder(9092) == PortHolder(
        9092, child.pid, "my server", "python -c import os os.wait()"
    )


def test_free_space_is_counted_in_bytes(tmp_path: Path) -> None:
    """The number is that of the file system."""
    numbers = os.statvfs(tmp_path)
    assert 0 < machine.free_bytes(tmp_path) <= numbers.f_blocks * numbers.f_frsize


def test_a_suspended_process_lives_and_goes_on(child: Identity) -> None:
    """SIGSTOP suspends it, which is not its end; `resume` lets it go on."""
    assert not processes.is_suspended(child)
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert processes.is_suspended(child)
    assert processes.is_running(child)
    processes.resume(child)
    os.waitid(os.P_PID, child.pid, os.WCONTINUED)
    assert not processes.is_suspended(child)
    assert processes.is_running(child)


def test_a_suspended_process_is_ended_without_waiting_out_its_grace(child: Identity) -> None:
    """It sees SIGTERM only once it goes on, so `stop` lets it."""
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    assert processes.stop(child, grace_s=30.0)


def test_killed_processes_are_gone(child: Identity) -> None:
    """Also one that is suspended; one that is gone before gets no signal."""
    os.kill(child.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, child.pid, os.WSTOPPED)
    processes.kill([child, Identity(2**22 + 1, 1.0, "none")])
    assert processes.has_exited(child)


def test_what_is_gone_is_not_suspended() -> None:
    """A process that does not exist is neither suspended nor resumed."""
    gone = Identity(2**22 + 1, 1.0, "none")
    assert not processes.is_suspended(gone)
    processes.resume(gone)
