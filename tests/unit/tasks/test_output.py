from __future__ import annotations

import io
import sys
from typing import Any

import pytest
from invoke.config import Config
from invoke.context import Context

from kafka_tasks.errors import (
    InvalidInput,
    KafkaTasksError,
    NotReady,
    PortTaken,
    Refused,
    TopicDiffers,
)
from kafka_tasks.tasks import output as output_module
from kafka_tasks.tasks import task as task_module
from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import encoded, shown
from kafka_tasks.testing import FakeRuntime
from tests.unit.tasks.conftest import Run

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
    output_module.make_streams_writable()
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


def test_a_reader_that_left_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """`… | head -1` ends with 0 and without a complaint."""
    left: list[str] = []
    monkeypatch.setattr(task_module, "abandon_stdout", lambda: left.append("gone") or 0)  # type: ignore[func-returns-value]

    class View:
        @staticmethod
        def document(_: None) -> dict[str, Any]:
            return {}

        @staticmethod
        def text(_: None, *, width: int) -> str:
            raise BrokenPipeError(32, "Broken pipe")

    task_module._carry_out(lambda call: shown(None, View), Call(Context(Config())), {})
    assert left == ["gone"]


def test_an_error_does_not_steer_the_terminal(run: Run, runtime: FakeRuntime) -> None:
    """What is repeated of a name, a log or a file is written out."""
    runtime.refuses = KafkaTasksError("\x1b[2J.", hint="\x07", evidence=["\x9b1m at x\r"])
    done = run("up")
    assert done.err.endswith("Error: \\x1b[2J.\n  | \\x9b1m at x\nHint: \\x07\n")
