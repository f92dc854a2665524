from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.project import private


@pytest.fixture(autouse=True)
def careless() -> Iterator[None]:
    """A umask that takes nobody's rights away."""
    before = os.umask(0)
    yield
    os.umask(before)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_new_file_is_its_owners(tmp_path: Path) -> None:
    """Whatever the umask, nobody else may read it."""
    path = tmp_path / "new"
    private.write(path, b"content")
    assert (path.read_bytes(), _mode(path)) == (b"content", 0o600)
    with open(tmp_path / "other", "x", opener=private.opener) as out:
        out.write("text")
    assert _mode(tmp_path / "other") == 0o600


def test_a_file_that_was_there_is_closed_to_others(tmp_path: Path) -> None:
    """One that an earlier version left open is no longer so once it is written again."""
    path = tmp_path / "old"
    path.write_text("longer than what comes")
    path.chmod(0o666)
    private.write(path, b"short")
    assert (path.read_bytes(), _mode(path)) == (b"short", 0o600)


@pytest.mark.parametrize("text", [" secret", "\tsecret\n"])
def test_a_password_that_begins_with_a_blank_is_refused(text: str) -> None:
    """The library of the clients would send another one."""
    with pytest.raises(InvalidInput, match="begins with a blank"):
        private.required(text, "stdin")
    assert private.required(text.strip() + " \r\n", "stdin") == "secret "
