from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.diagnosis import explanation, last_failure
from kafka_tasks.diagnosis.explanation import Explanation
from kafka_tasks.errors import NotReady, ServiceDied
from kafka_tasks.model.finding import Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.testing import FakeRuntime
from tests.unit.tasks.conftest import Run


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


def test_secrets_in_last_words_are_masked(
    run: Run, runtime: FakeRuntime, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that a server logged is neither printed nor remembered."""
    monkeypatch.setenv("KAFKA_TASKS_SASL_PASSWORD", "hush-hush")
    said = "the log says hush-hush"
    runtime.refuses = ServiceDied("kafka exited: hush-hush.", service="kafka", evidence=[said])
    leaking = Finding("x", "error", f"Title: {said}.", cause=said, evidence=(said,), fix=said)
    monkeypatch.setattr(explanation, "explain", lambda *_: Explanation((leaking,)))
    ran = run("up -o json")
    assert ran.document["error"]["cause"] == "Title: the log says ***. the log says ***"
    kept = last_failure.recall(project)
    assert kept is not None and kept.findings[0].title == "Title: the log says ***."
    path = project.state / "run" / last_failure.FILE
    assert "hush" not in ran.out + ran.err + path.read_text() + run("up").err


def test_an_error_is_masked_once(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What looks like a secret is replaced once: a mask of a mask would be another text."""
    from kafka_tasks.diagnosis.secrets import Masker

    seen: list[str] = []
    plain = Masker.sentence

    def counting(self: Masker, text: str) -> str:
        seen.append(text)
        return plain(self, text)

    monkeypatch.setattr(Masker, "sentence", counting)
    runtime.refuses = NotReady("It is not ready.", hint="wait")
    assert run("up").code == 5
    assert seen.count("It is not ready.") == 1


def test_a_start_that_fails_is_remembered_until_one_succeeds(
    run: Run, runtime: FakeRuntime, project: Project
) -> None:
    """`doctor` finds it; an invalid flag is not remembered."""
    runtime.refuses = NotReady("It is not ready.")
    assert run("up").code == 5
    kept = last_failure.recall(project)
    assert kept is not None and (kept.doing, kept.message) == ("up", "It is not ready.")
    runtime.refuses = None
    assert run("up --brokers 99").code == 3
    assert last_failure.recall(project) == kept
    assert run("up").code == 0
    assert last_failure.recall(project) is None


def test_an_examination_that_fails_takes_nothing_away(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is shown as it was."""

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(explanation, "explain", broken)
    runtime.refuses = NotReady("It is not ready.", hint="wait")
    assert run("up").err.endswith("Error: It is not ready.\nHint: wait\n")


def test_ctrl_c_ends_the_examination(
    run: Run, runtime: FakeRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 130 and one document, as at any other moment."""

    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(explanation, "explain", interrupt)
    runtime.refuses = NotReady("It is not ready.")
    ran = run("up -o json")
    assert (ran.code, ran.document["error"]["code"]) == (130, "interrupted")
