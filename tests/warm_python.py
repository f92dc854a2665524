"""Runs `kafka-tasks` in forks of one Python that has imported it.

A command of its own spends more CPU time on imports than on what it does, and the tests run
thousands. What differs for a user, such as signals during the imports, is tested on real commands.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# What commands import sooner or later, besides the package itself.
_IMPORTED = (
    "confluent_kafka.admin",
    "docker",
    "dotenv.main",
    "filelock",
    "kazoo.client",
    "msgspec.json",
    "platformdirs.unix",
    "psutil",
    "rich.console",
    "rich.table",
    "tenacity",
    "yaml",
)
# Not for commands: pytest's, Nox's, and what is run as a program.
_OF_OTHERS = ("acceptance", "fixtures", "pytest_", "sessions", "starters", "testing")
# Python and the C library read these when they start.
_AT_START = ("PYTHON", "LC_", "LANG", "MALLOC_", "LD_")
_LONGEST_REQUEST = 150_000
# A pipe on Linux holds as much.
_LONGEST_INPUT = 65536
_COMMAND = str(Path(sys.executable).with_name("kafka-tasks"))


def run(
    arguments: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    input: bytes | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `kafka-tasks` with these arguments to its end, as `subprocess.run` does.

    `input` is what a pipe can hold. Raises subprocess.TimeoutExpired after `timeout` seconds.
    """
    at_start = {name: env.get(name) for name in {*env, *os.environ} if name.startswith(_AT_START)}
    differs = any(os.environ.get(name) != value for name, value in at_start.items())
    wanted = {
        "cwd": str(cwd),
        "env": dict(env),
        "arguments": list(arguments),
        "reads": input is not None,
    }
    request = json.dumps(wanted).encode()
    longest = len(request) > _LONGEST_REQUEST or len(input or b"") > _LONGEST_INPUT
    if differs or longest or not hasattr(os, "pidfd_open"):
        return run_cold([_COMMAND, *arguments], cwd, env, timeout, input)
    return _server().run(request, timeout, input)


def run_cold(
    command: Sequence[str],
    cwd: Path,
    env: Mapping[str, str],
    timeout: float,
    input: bytes | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run any command to its end, as a process of its own, without a terminal."""
    given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=env,
        **given,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, _text(done.stdout), _text(done.stderr)
    )


def _text(told: bytes) -> str:
    """Return it as text=True does: a line ends as on this system."""
    return told.decode().replace("\r\n", "\n").replace("\r", "\n")


@functools.cache
def _server() -> _Server:
    """Return the one of this test process, which it keeps to its end."""
    return _Server()


class _Server:
    """The Python that has imported everything, at the other end of a socket in a directory."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="warm-")
        self._address = str(Path(self._directory.name, "socket"))
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        listening.bind(self._address)
        listening.listen(64)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_python", str(listening.fileno())],
            cwd=Path(__file__).parent.parent,
            pass_fds=[listening.fileno()],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        listening.close()
        atexit.register(self.close)

    def close(self) -> None:
        """End it: it lives as long as its stdin is open."""
        with self._process:
            pass
        self._directory.cleanup()

    def run(
        self, request: bytes, timeout: float, input: bytes | None
    ) -> subprocess.CompletedProcess[str]:
        """Have one command run, and read what it prints until nobody can print any more."""
        with contextlib.ExitStack() as stack:
            out, err, into = (stack.enter_context(_Pipe()) for _ in range(3))
            os.write(into.writing, input or b"")
            into.close_writing()
            channel = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
            channel.connect(self._address)
            socket.send_fds(channel, [request], [into.reading, out.writing, err.writing])
            pid = int(channel.recv(100))
            for pipe in (out, err):
                pipe.close_writing()
            try:
                printed = _read_both(out, err, timeout)
                channel.settimeout(timeout)
                code = int(channel.recv(100))
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                raise subprocess.TimeoutExpired(request.decode(), timeout) from None
        return subprocess.CompletedProcess(request.decode(), code, *printed)


class _Pipe:
    """A pipe whose ends are closed once."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()

    def __enter__(self) -> _Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_writing()
        os.close(self.reading)

    def close_writing(self) -> None:
        """Leave the writing end to the command."""
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1


def _read_both(out: _Pipe, err: _Pipe, timeout: float) -> tuple[str, str]:
    """Read until both are closed; raises TimeoutError."""
    ends = time.monotonic() + timeout
    read: dict[int, bytearray] = {out.reading: bytearray(), err.reading: bytearray()}
    with selectors.DefaultSelector() as selector:
        for end in read:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            if not (ready := selector.select(ends - time.monotonic())):
                raise TimeoutError
            for key, _ in ready:
                if chunk := os.read(key.fd, 1 << 16):
                    read[key.fd] += chunk
                else:
                    selector.unregister(key.fd)
    # As text=True does: a line ends as on this system.
    told = [bytes(read[end]).decode().replace("\r\n", "\n") for end in read]
    return told[0], told[1]


def _serve(listening: socket.socket) -> dict[str, Any] | None:
    """Fork for each request, and return it in the fork; return None when stdin is closed."""
    running: dict[int, tuple[int, socket.socket]] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        selector.register(listening, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is sys.stdin:
                    return None
                if key.fileobj is not listening:
                    selector.unregister(key.fd)
                    pid, channel = running.pop(key.fd)
                    os.close(key.fd)
                    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
                    with channel, contextlib.suppress(OSError):
                        channel.send(b"%d" % code)
                    continue
                channel, _ = listening.accept()
                message, ends, _, _ = socket.recv_fds(channel, 2 * _LONGEST_REQUEST, 3)
                if not (pid := os.fork()):
                    for number, end in enumerate(ends):
                        os.dup2(end, number)
                    return dict(json.loads(message))
                for end in ends:
                    os.close(end)
                channel.send(b"%d" % pid)
                watched = os.pidfd_open(pid)
                running[watched] = pid, channel
                selector.register(watched, selectors.EVENT_READ)


def _become_command(request: dict[str, Any]) -> None:
    """Be `kafka-tasks`, as far as a process can be told from outside."""
    os.closerange(3, 1024)
    if not request["reads"]:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.closerange(3, 4)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = [_COMMAND, *request["arguments"]]
    sys.path[0] = str(Path(sys.executable).parent)
    main = importlib.import_module("kafka_tasks.__main__").main
    code = 0
    try:
        main()
    except SystemExit as ending:
        if isinstance(ending.code, str):
            raise
        code = ending.code or 0
    _end(code)


def _end(code: int) -> None:
    """Do what Python does at its end but for taking modules apart, half of a short command's CPU.

    A thread that does not end, or stdout that cannot be written, is met as in a command.
    """
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            sys.exit(code)
    os._exit(code)


def _modules() -> list[str]:
    """Return the names of the package's modules, whose import is half of a short command's CPU."""
    package = importlib.import_module("kafka_tasks")
    others = tuple(f"kafka_tasks.{name}" for name in _OF_OTHERS)
    found = pkgutil.walk_packages(package.__path__, "kafka_tasks.")
    return [module.name for module in found if not module.name.startswith(others)]


def _main() -> None:
    # Ctrl-C is for the tests and for the commands that they run.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for name in (*_IMPORTED, *_modules()):
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        request = _serve(listening)
    if request is not None:
        _become_command(request)


if __name__ == "__main__":
    _main()
