"""Processes, ports and disk space of this machine: the only importer of subprocess."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import signal
import socket
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import psutil
from msgspec import Struct

from kafka_tasks.errors import MachineError
from kafka_tasks.project import private
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy

# Children of this process: not reaped, they stay as zombies that look alive.
_children: dict[int, subprocess.Popen[bytes]] = {}


class Identity(Struct, frozen=True):
    """The identity of a process, which tells it from a later one with the same pid.

    `started_s` is seconds from the boot of the machine to the start of the process, so that
    setting the clock changes nothing; `command` is the sha256 of the argument list.
    """

    pid: int
    started_s: float
    command: str


class Found(Struct, frozen=True):
    """A running process with its arguments."""

    identity: Identity
    arguments: tuple[str, ...]


class PortHolder(Struct, frozen=True):
    """The process that listens on a port; `pid` is None where the system hides it."""

    port: int
    pid: int | None = None
    name: str | None = None
    command: str | None = None

    def __str__(self) -> str:
        if self.pid is None:
            return "a process of another user"
        return f"{self.name} (process {self.pid}: {self.command})"


class Completed(Struct, frozen=True):
    """A command that has exited."""

    code: int
    output: str


def command_digest(arguments: Sequence[str]) -> str:
    """Return the sha256 of an argument list."""
    return hashlib.sha256("\0".join(arguments).encode(errors="surrogateescape")).hexdigest()


def run(
    arguments: Sequence[str],
    *,
    timeout_s: float,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Completed:
    """Run a command until it exits, with both streams in one; raises `MachineError`."""
    try:
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env=None if environ is None else dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            text=True,
            errors="replace",
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"{arguments[0]} did not run: {error}.") from error
    return Completed(done.returncode, done.stdout)


def spawn_detached(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    output: Path,
    nice: int = 0,
    umask: int = -1,
) -> Identity:
    """Start a process in its own session, so that it outlives this one and its terminal.

    Both streams go to the file `output`, truncated first and readable by the owner alone; `umask`
    does the same for other files that it writes (-1 leaves the umask unchanged). Raises
    `MachineError`.
    """
    try:
        with open(output, "wb", opener=private.opener) as stream:
            child = subprocess.Popen(
                arguments,
                cwd=cwd,
                env=dict(environ),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                close_fds=True,
                umask=umask,
            )
    except OSError as error:
        raise MachineError(f"{arguments[0]} cannot be started: {error}.") from error
    _children[child.pid] = child
    if nice:
        with contextlib.suppress(psutil.Error, OSError):
            psutil.Process(child.pid).nice(nice)
    return _identity(child.pid, arguments)


def _identity(pid: int, arguments: Sequence[str]) -> Identity:
    try:
        started = _started_s(psutil.Process(pid))
    except psutil.Error:
        started = 0.0
    return Identity(pid, started, command_digest(arguments))


def is_running(identity: Identity) -> bool:
    """Return True if this process still runs: same pid, same start, same command line."""
    child = _children.get(identity.pid)
    if child is not None:
        if child.poll() is not None:
            del _children[identity.pid]
            return False
        # It was not reaped yet, so no other process has its pid.
        return command_digest(child.args) == identity.command  # type: ignore[arg-type]
    try:
        process = psutil.Process(identity.pid)
        return (
            abs(_started_s(process) - identity.started_s) < 0.5
            and command_digest(_arguments(process)) == identity.command
        )
    except psutil.Error:
        return False


def _arguments(process: psutil.Process) -> list[str]:
    """Return the command line, which is empty for a moment while a process starts or exits."""

    def read() -> list[str]:
        if process.status() == psutil.STATUS_ZOMBIE:
            raise psutil.ZombieProcess(process.pid)
        if not (found := process.cmdline()):
            raise NotYet("no command line")
        return found

    try:
        return RetryPolicy(first_s=0.001, cap_s=0.01).until(read, Deadline.after(0.1))
    except OutOfTime:
        return []


def is_suspended(identity: Identity) -> bool:
    """Return True if this process is suspended by a signal (SIGSTOP, a debugger)."""
    try:
        stopped = psutil.Process(identity.pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
    return stopped and is_running(identity)


def resume(identity: Identity) -> None:
    """Resume a suspended process."""
    with contextlib.suppress(psutil.Error):
        if is_running(identity):
            psutil.Process(identity.pid).send_signal(signal.SIGCONT)


def exit_code(pid: int) -> int | None:
    """Return the exit code of a child of this process; None for any other."""
    child = _children.get(pid)
    return child.poll() if child else None


def stop(identity: Identity, *, grace_s: float) -> bool:
    """Stop a process: SIGTERM, and SIGKILL after `grace_s` seconds; return whether it took none."""
    ask_to_end(identity)
    return ended_within(identity, grace_s)


def ask_to_end(identity: Identity) -> None:
    """Send SIGTERM to a process, if it still runs."""
    if is_running(identity):
        _signal(identity, signal.SIGTERM)


def ended_within(identity: Identity, grace_s: float) -> bool:
    """Return whether a process that was asked to end does so in time; SIGKILL after that."""
    if await_end(identity, grace_s):
        return True
    kill([identity])
    return False


def kill(identities: Sequence[Identity]) -> None:
    """Kill those that run at the same moment, and wait up to 10 s for each."""
    running = [identity for identity in identities if is_running(identity)]
    for identity in running:
        _signal(identity, signal.SIGKILL)
    for identity in running:
        await_end(identity, 10.0)


def _signal(identity: Identity, number: signal.Signals) -> None:
    try:
        psutil.Process(identity.pid).send_signal(number)
        # A suspended process handles SIGTERM only when it is resumed.
        if is_suspended(identity):
            resume(identity)
    except psutil.NoSuchProcess:
        return
    except psutil.AccessDenied as error:
        raise MachineError(f"Process {identity.pid} belongs to another user.") from error


def await_end(identity: Identity, wait_s: float) -> bool:
    """Wait until a process that was signalled exits; return whether it did in time."""

    def gone() -> None:
        # Not psutil's wait: the init of a container may leave the process as a zombie for long.
        if not has_exited(identity):
            raise NotYet("it is still running")

    try:
        RetryPolicy(first_s=0.005, cap_s=0.02).until(gone, Deadline.after(wait_s))
    except OutOfTime:
        return False
    return True


def has_exited(identity: Identity) -> bool:
    """Return True if this very process is known to have exited, with all of its threads.

    A zombie with threads left still holds its ports. A process that is suspended, frozen or hidden
    has not exited, even where `is_running` does not find it.
    """
    try:
        process = psutil.Process(identity.pid)
        if abs(_started_s(process) - identity.started_s) >= 0.5:
            return True
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def uptime_s(identity: Identity) -> float:
    """Return the seconds since the process started."""
    import time

    return max(0.0, time.time() - psutil.boot_time() - identity.started_s)


def find(marker: str) -> list[Found]:
    """Return every process of this machine with an argument that starts with `marker`."""
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
            if not any(argument.startswith(marker) for argument in arguments):
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            identity = Identity(process.pid, _started_s(process), command_digest(arguments))
        except psutil.Error:
            continue
        found.append(Found(identity, tuple(arguments)))
    return found


def port_is_free(port: int) -> bool:
    """Return True if a service can listen on this port of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError as error:
            raise MachineError(
                f"This user has no permission to use port {port}.",
                hint="choose a port from 1024 upwards",
            ) from error
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
                return False
            raise
    return True


def port_holder(port: int) -> PortHolder | None:
    """Return the process that listens on this port, or None for a free port."""
    for process in _listeners(port):
        if process is None:
            continue
        with contextlib.suppress(psutil.Error):
            # A script after -c may have several lines, and so may the name of a process.
            name, command = _on_one_line(process.name()), _on_one_line(*process.cmdline())
            shown = command if len(command) <= 120 else command[:117] + "..."
            return PortHolder(port, process.pid, name, shown)
    return PortHolder(port) if not port_is_free(port) else None


def _on_one_line(*words: str) -> str:
    return " ".join(" ".join(words).split())


def _listeners(port: int) -> Iterable[psutil.Process | None]:
    try:
        connections = psutil.net_connections(kind="tcp")
    except (psutil.Error, OSError):
        return
    for connection in connections:
        address = connection.laddr
        if connection.status != psutil.CONN_LISTEN or not address or address.port != port:
            continue
        if connection.pid:
            with contextlib.suppress(psutil.Error):
                yield psutil.Process(connection.pid)


def _started_s(process: psutil.Process) -> float:
    return round(process.create_time() - psutil.boot_time(), 2)
