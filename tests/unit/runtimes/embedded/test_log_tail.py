from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import pytest

from kafka_tasks.runtimes.embedded import log_tail


def test_the_last_lines_are_read(tmp_path: Path) -> None:
    """As many lines as asked for, from the end; fewer where there are fewer."""
    path = tmp_path / "a.log"
    path.write_text("".join(f"line {n}\n" for n in range(5000)))
    assert log_tail.last_lines(path, 2) == ["line 4998", "line 4999"]
    assert len(log_tail.last_lines(path, 200)) == 200
    assert log_tail.last_lines(path, 0) == []


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    """Before the first start there is nothing to show."""
    assert log_tail.last_lines(tmp_path / "none.log", 10) == []


def test_broken_bytes_do_not_hide_a_line(tmp_path: Path) -> None:
    """What is not UTF-8 is shown as far as it can be."""
    path = tmp_path / "a.log"
    path.write_bytes(b"caf\xe9 closed\n")
    assert log_tail.last_lines(path, 1) == ["caf� closed"]


def test_words_count_from_a_position_on(tmp_path: Path) -> None:
    """What was said before does not; a file that was rotated since is all new."""
    path = tmp_path / "a.log"
    assert (log_tail.size(path), log_tail.has_since(path, 0, b"bye")) == (0, False)
    path.write_text("hello, bye\n")
    before = log_tail.size(path)
    assert before == 11
    assert not log_tail.has_since(path, before, b"bye")
    path.write_text("hello, bye\nbye\n")
    assert log_tail.has_since(path, before, b"bye")
    path.write_text("bye\n")
    assert log_tail.has_since(path, before, b"bye")


def test_new_lines_follow_also_after_a_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole lines come as they are written, and a file that was started anew is read anew."""
    path = tmp_path / "a.log"
    path.write_text("old\nnewest\n")
    steps = [
        lambda: path.write_text("old\nnewest\nhalf"),
        lambda: path.write_text("old\nnewest\nhalf a line\n"),
        lambda: path.write_text("anew\n"),
    ]
    monkeypatch.setattr(time, "sleep", lambda seconds: steps.pop(0)())
    assert list(islice(log_tail.follow(path, 1), 3)) == ["newest", "half a line", "anew"]
    assert steps == []
