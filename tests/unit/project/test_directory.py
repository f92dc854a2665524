from __future__ import annotations

import os
from pathlib import Path

import pytest

from kafka_tasks.errors import MachineError
from kafka_tasks.project.directory import Project, unwritable


def test_the_nearest_directory_with_state_or_tasks_is_the_project(tmp_path: Path) -> None:
    """From deep inside, the first directory upwards with .kafka-tasks/ or tasks.py counts."""
    deep = tmp_path / "outer" / "inner" / "src" / "pkg"
    deep.mkdir(parents=True)
    (tmp_path / "outer" / "tasks.py").touch()
    assert Project.find(deep).path == tmp_path / "outer"
    (tmp_path / "outer" / "inner" / ".kafka-tasks").mkdir()
    assert Project.find(deep).path == tmp_path / "outer" / "inner"


def test_without_any_mark_the_directory_itself_is_the_project(tmp_path: Path) -> None:
    """Where nothing upwards is marked, the start counts; marks of another kind are none."""
    start = tmp_path / "a" / "b"
    start.mkdir(parents=True)
    (tmp_path / "a" / "tasks.py").mkdir()
    (tmp_path / "a" / ".kafka-tasks").touch()
    assert Project.find(start).path == start


def test_the_current_directory_is_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a start, the search begins where the process is."""
    (tmp_path / "tasks.py").touch()
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert Project.find().path == tmp_path


def test_a_link_is_followed(tmp_path: Path) -> None:
    """A project reached through a symbolic link is the same project."""
    real = tmp_path / "real"
    real.mkdir()
    (real / "tasks.py").touch()
    (tmp_path / "link").symlink_to(real)
    assert Project.find(tmp_path / "link") == Project.find(real)


def test_a_deleted_current_directory_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who stands in a directory that is gone is told so."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(MachineError, match="has been deleted"):
        Project.find()


def test_the_state_is_private_and_ignored_by_git(tmp_path: Path) -> None:
    """The state directory is the owner's alone, has its own .gitignore and can be made twice."""
    project = Project(tmp_path)
    assert project.make_state() == tmp_path / ".kafka-tasks"
    ignore = project.state / ".gitignore"
    assert ignore.read_text() == "*\n"
    assert project.state.stat().st_mode & 0o777 == 0o700
    ignore.write_text("mine\n")
    project.make_state()
    assert ignore.read_text() == "mine\n"


@pytest.mark.parametrize("blocked", ["a file", "read-only"])
def test_a_state_that_cannot_be_written_is_exit_4(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blocked: str
) -> None:
    """A state directory that cannot be made or written is a sentence with its path."""
    project = Project(tmp_path)
    if blocked == "a file":
        project.state.touch()
    else:
        monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(MachineError) as caught:
        project.make_state()
    assert caught.value.exit_code == 4
    assert caught.value.message.startswith(f"{project.state} cannot be written: ")


@pytest.mark.parametrize(
    ("mine", "owner", "said", "hint"),
    [
        (
            1000,
            "root, as after a start with sudo",
            "belongs to root",
            "sudo kafka-tasks down, then",
        ),
        (None, "user", "belongs to user", "sudo chown -R"),
    ],
)
def test_state_of_another_user_is_told_as_such(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    mine: int | None,
    owner: str,
    said: str,
    hint: str,
) -> None:
    """With the command that makes it one's own; whoever made it stops it first."""
    state = tmp_path / ".kafka-tasks"
    (state / "data" / "kafka").mkdir(parents=True)
    made = state.stat()
    other = 0 if mine else made.st_uid + 1
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = list(real(path, **options))
        found[4] = other if ".kafka-tasks" in path.parts else found[4]
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(os, "geteuid", lambda: made.st_uid + 2)
    found = unwritable(state / "data" / "kafka", PermissionError(13, "Permission denied"))
    assert found.message.startswith(f"{state} belongs to {owner}") and said in found.message
    assert found.hint is not None and hint in found.hint and str(state) in found.hint
    assert unwritable(tmp_path / "elsewhere", PermissionError(13, "no")).hint != found.hint


def test_ones_own_state_has_the_usual_hint(tmp_path: Path) -> None:
    """Without leave to write, the modes are what to look at."""
    found = unwritable(tmp_path / ".kafka-tasks", PermissionError(13, "Permission denied"))
    assert "cannot be written: Permission denied" in found.message
