from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.program import KafkaTasks
from kafka_tasks.tasks import kafka


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
    code = 0
    try:
        program.run(["kafka-tasks", *words])
    except SystemExit as end:
        code = int(end.code or 0)
    return code, capsys.readouterr().err


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b": [", b"[1]", b"run: 5", b"kafka: {port: !!int x}", b"\xff\xfe", b"[" * 100_000],
)
def test_an_invoke_yaml_that_is_none_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    """Exit 3, with Invoke's own words as evidence."""
    (tmp_path / "invoke.yaml").write_bytes(content)
    code, said = _run(capsys, "env")
    assert code == 3
    assert said.startswith("Error: Invoke cannot read") and "Hint: " in said


@pytest.mark.parametrize(
    "words",
    [
        ("-T", "abc", "env"),
        ("-D", "abc", "--list"),
        ("--list-format", "odd", "--list"),
        ("-f", "/etc/hosts", "env"),
    ],
)
def test_invokes_own_flags_are_read_in_words(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """What Invoke does not check itself is no traceback."""
    code, said = _run(capsys, *words)
    assert code == 3
    assert "  | " in said and "Hint: " in said


def test_a_word_that_is_no_task_is_shown_without_its_escapes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Invoke repeats a flag as it was typed."""
    code, said = _run(capsys, "env", "--\x1b[31m")
    assert code == 1
    assert "\x1b" not in said and said.strip()


def test_a_fault_of_a_task_is_not_hidden(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this package does wrong itself is a traceback, to be reported."""

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("kafka_tasks.tasks.task.make_streams_writable", broken)
    with pytest.raises(ZeroDivisionError):
        _run(capsys, "env")


@pytest.mark.parametrize("words", [("topic.create", "--help"), ("topic", "orders", "--help")])
def test_help_after_a_task_is_the_tasks_help(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    """A task that takes a name takes no flag for it."""
    program = KafkaTasks(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
    with pytest.raises(SystemExit) as end:
        program.run(["kafka-tasks", *words])
    assert not end.value.code
    printed = capsys.readouterr().out
    assert printed.startswith(f"Usage: kafka-tasks [--core-opts] {words[0]} ")
