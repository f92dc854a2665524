"""A command that prints a password or a token, run for real."""

from __future__ import annotations

import contextlib
import shlex
import sys
from pathlib import Path

import psutil
import pytest

from kafka_tasks.clients import secret_command
from kafka_tasks.errors import MachineError


def _python(code: str, *arguments: str) -> str:
    return shlex.join([sys.executable, "-c", code, *arguments])


def test_a_command_is_run_without_a_shell() -> None:
    """What a shell would expand is an argument; stdin is empty."""
    code = "import sys; print(sys.argv[1], repr(sys.stdin.read())); sys.exit(3)"
    done = secret_command.run(_python(code, "$HOME;*"))
    assert (done.code, done.output, done.errors) == (3, "$HOME;* ''\n", "")


def test_what_goes_to_stderr_is_kept_apart_where_asked() -> None:
    """It may be shown, and the output may not."""
    code = "import sys; print('secret'); print('why', file=sys.stderr)"
    done = secret_command.run(_python(code), keeps_errors=True)
    assert (done.output, done.errors) == ("secret\n", "why\n")


def test_a_program_that_is_missing_is_named_alone() -> None:
    """An argument may be a secret."""
    with pytest.raises(MachineError, match=r"^no-such-program cannot be run: No such") as caught:
        secret_command.run("no-such-program --secret=x")
    assert "--secret" not in caught.value.message


def test_a_command_that_hangs_is_killed_with_what_it_started(tmp_path: Path) -> None:
    """A descendant would keep its pipe open, and the task would hang."""
    note = tmp_path / "pid"
    waits = f"import sys, subprocess; {_note(note)}; sys.stdin.read()"
    code = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {waits!r}], "
    with pytest.raises(MachineError, match="did not exit within 1 s"):
        secret_command.run(_python(f"{code}stdin=subprocess.PIPE).wait()"), limit_s=1.0)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(int(note.read_text())).wait(30)


def _note(path: Path) -> str:
    return f"import os; open({str(path)!r}, 'w').write(str(os.getpid()))"
