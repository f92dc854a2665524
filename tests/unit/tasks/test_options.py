from __future__ import annotations

import io
import os
import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.errors import (
    InvalidInput,
    KafkaTasksError,
    NotReady,
    PortTaken,
    Refused,
    TopicDiffers,
)
from kafka_tasks.tasks import _options
from kafka_tasks.tasks import cluster as cluster_tasks
from kafka_tasks.tasks._options import Call, Outcome, confirmed, encoded, number
from kafka_tasks.testing import FakeRuntime
from tests.unit.tasks.conftest import Run


@given(value=st.integers(-(10**9), 10**9))
def test_whole_numbers_are_read(value: int) -> None:
    """What is a number is that number; what was not given is none."""
    assert number(str(value), "--tail") == value
    assert number(None, "--tail") is None


@pytest.mark.parametrize("value", ["abc", "1.5", "", " ", "1e3", "0x10", "9" * 5000])
def test_what_is_no_number_is_a_sentence(value: str) -> None:
    """The sentence has the flag and what was typed."""
    with pytest.raises(InvalidInput) as caught:
        number(value, "--partitions")
    assert caught.value.message == f"--partitions is {value!r}, which is not a whole number."


FAILURES: list[tuple[KafkaTasksError, int, str]] = [
    (KafkaTasksError("m"), 1, "failed"),
    (TopicDiffers("m"), 1, "topic-differs"),
    (InvalidInput("m"), 3, "invalid"),
    (PortTaken("m"), 4, "port-taken"),
    (NotReady("m"), 5, "not-ready"),
    (Refused("m"), 6, "refused"),
]


@pytest.mark.parametrize(
    ("encoding", "errors", "shown"),
    [
        ("ascii", "strict", b"-- 3 -> 6 Pr\\xfcf..."),
        ("ascii", "surrogateescape", b"-- 3 -> 6 Pr\\xfcf..."),
        ("latin-1", "strict", b"-- 3 -> 6 Pr\xfcf..."),
        ("utf-8", "surrogateescape", "── 3 → 6 Prüf…".encode()),
    ],
)
def test_every_encoding_shows_what_it_can(
    monkeypatch: pytest.MonkeyPatch, encoding: str, errors: str, shown: bytes
) -> None:
    """A table keeps its width, and the C locale, which does not call itself strict, fails not."""
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors=errors))
    _options._make_streams_writable()
    print("── 3 → 6 Prüf…", end="", flush=True)
    assert raw.getvalue() == shown


@pytest.mark.parametrize(("error", "code", "word"), FAILURES)
def test_errors_become_exit_codes_and_documents(
    run: Run, runtime: FakeRuntime, error: KafkaTasksError, code: int, word: str
) -> None:
    """With -o json a failure is one document on stdout, nothing on stderr, and the exit code."""
    runtime.refuses = error
    ran = run("up -o json")
    assert ran.code == code
    assert ran.document["schema"] == 1
    assert (ran.document["error"]["code"], ran.document["error"]["message"]) == (word, "m")


def test_an_error_in_text_has_sentence_evidence_and_hint(run: Run, runtime: FakeRuntime) -> None:
    """On stderr: what went wrong, the evidence, a hint; nothing on stdout and no traceback."""
    runtime.refuses = PortTaken("Port 9092 is held.", hint="kill 77", evidence=["nc -l"])
    ran = run("up")
    assert (ran.code, ran.out) == (4, "")
    assert ran.err.splitlines() == ["Error: Port 9092 is held.", "  | nc -l", "Hint: kill 77"]


def test_ctrl_c_is_130(run: Run, runtime: FakeRuntime) -> None:
    """An interrupted task says so and exits with 130, in JSON too."""

    def interrupt(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    runtime.start = interrupt  # type: ignore[method-assign]
    ran = run("up")
    assert ran.code == 130
    assert ran.err.startswith("Error: Interrupted")
    assert run("up -o json").document["error"]["code"] == "interrupted"


@pytest.mark.parametrize("number_", [signal.SIGTERM, signal.SIGHUP])
def test_termination_ends_a_task_as_ctrl_c_does(
    run: Run, runtime: FakeRuntime, number_: signal.Signals
) -> None:
    """SIGTERM and a closed terminal are an interrupt, and the handlers are put back."""
    before = signal.getsignal(number_)

    def terminate(*_: Any, **__: Any) -> Any:
        signal.raise_signal(number_)

    runtime.start = terminate  # type: ignore[method-assign]
    assert run("up").code == 130
    assert signal.getsignal(number_) == before


def test_a_full_disk_is_a_sentence(run: Run, runtime: FakeRuntime) -> None:
    """An error of the system, wherever it comes from, is exit 4 and names the file."""

    def full(*_: Any, **__: Any) -> Any:
        raise OSError(28, "No space left on device", "/some/file")

    runtime.start = full  # type: ignore[method-assign]
    ran = run("up")
    assert ran.code == 4
    assert ran.err.splitlines()[0] == (
        "Error: The system refused: No space left on device (/some/file)."
    )


@pytest.mark.parametrize("output", ["xml", "JSON", ""])
def test_an_unknown_output_is_refused(run: Run, runtime: FakeRuntime, output: str) -> None:
    """Only text, json and yaml are outputs; nothing is done for another."""
    ran = run(f"up --output={output}")
    assert (ran.code, runtime.calls) == (3, [])
    assert f"--output is {output!r}; allowed: text, json, yaml." in ran.err


def test_yaml_is_the_same_document(run: Run, runtime: FakeRuntime) -> None:
    """-o yaml prints what -o json prints."""
    import yaml

    as_yaml = yaml.safe_load(run("status -o yaml").out)
    as_json = run("status -o json").document
    assert {**as_yaml, "elapsed_s": 0} == {**as_json, "elapsed_s": 0}


def test_json_keeps_letters_of_any_script() -> None:
    """A path with ß is a path with ß, on one line."""
    assert encoded("json", {"path": "/größe"}) == '{"path": "/größe"}'
    assert encoded("yaml", {"path": "/größe"}) == "path: /größe"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        """Somebody sits there."""
        return True


@pytest.mark.parametrize(("answer", "goes"), [("y\n", True), ("YES\n", True), ("\n", False)])
def test_a_question_is_asked_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: str,
    goes: bool,
) -> None:
    """y and yes go on; anything else, also nothing at all, is exit 6."""
    monkeypatch.setattr(sys, "stdin", _Terminal(answer))
    ask: Callable[[], None] = lambda: confirmed(["All goes."], yes=False, hint="--yes")  # noqa: E731
    if goes:
        ask()
    else:
        with pytest.raises(Refused, match="nothing was changed"):
            ask()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "All goes.\nGo on? [y/N] ")


@pytest.mark.parametrize("stdin", [io.StringIO("y\n"), None])
def test_without_a_terminal_nothing_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stdin: Any
) -> None:
    """A pipe that says yes does not confirm; --yes does."""
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(Refused, match="no terminal to ask at") as caught:
        confirmed(["All goes."], yes=False, hint="--yes")
    assert caught.value.hint == "--yes"
    confirmed(["All goes."], yes=True, hint="")
    assert capsys.readouterr().err == ""


def test_a_reader_that_left_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """`… | head -1` ends with 0 and without a complaint."""
    left: list[str] = []
    monkeypatch.setattr(_options, "reader_gone", lambda: left.append("gone") or 0)  # type: ignore[func-returns-value]

    def text() -> str:
        raise BrokenPipeError(32, "Broken pipe")

    from invoke.config import Config
    from invoke.context import Context

    call = Call(Context(Config()))
    _options._carry_out(lambda call: Outcome({}, text), call, {})
    assert left == ["gone"]


def test_every_task_has_output_with_its_short_flag() -> None:
    """-o belongs to --output in each task, and no other flag is shortened by Invoke."""
    from kafka_tasks.tasks import kafka

    for name in kafka.task_names:
        task: Any = kafka[name]
        flags = {flag for argument in task.get_arguments() for flag in argument.names}
        assert {"output", "o"} <= flags, name
        assert [flag for flag in flags if len(flag) == 1] == ["o"], name


def test_tasks_with_the_same_code_are_two() -> None:
    """A task equals itself alone."""
    one, other = cluster_tasks.up, cluster_tasks.down
    assert one == cluster_tasks.up and one != other
    assert len({one, other, one}) == 2


def test_help_speaks_of_flags_that_exist(run: Run) -> None:
    """Each task's help can be shown."""
    from kafka_tasks.tasks import kafka

    for name in kafka.task_names:
        ran = run(f"--help {name}")
        assert ran.code == 0 and "--output" in ran.out, name


def test_nobody_else_may_write_what_a_task_makes(tmp_path: Path) -> None:
    """A careless umask makes no difference, and is as it was afterwards."""
    before = os.umask(0)
    try:
        with _options._nobody_else_writes():
            (tmp_path / "made").write_text("x")
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o644


def test_an_error_is_said_without_secrets(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote the sentence, the evidence or the hint."""
    monkeypatch.setenv("KAFKA_TASKS_SASL_PASSWORD", "hunter22")
    runtime.refuses = NotReady(
        "hunter22 was wrong at http://me:other@example.org",
        hint="try hunter22 again",
        evidence=["sasl.password=hunter22", "token: abc123"],
    )
    ran = run("up")
    assert ran.code == 5
    assert "hunter22" not in ran.err and "abc123" not in ran.err and "other@" not in ran.err
    assert "Error: *** was wrong at http://me:***@example.org" in ran.err


def test_an_error_does_not_steer_the_terminal(run: Run, runtime: FakeRuntime) -> None:
    """What is repeated of a name, a log or a file is written out."""
    runtime.refuses = KafkaTasksError("\x1b[2J.", hint="\x07", evidence=["\x9b1m at x\r"])
    done = run("up")
    assert done.err.endswith("Error: \\x1b[2J.\n  | \\x9b1m at x\nHint: \\x07\n")
