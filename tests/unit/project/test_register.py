from __future__ import annotations

import shutil
from pathlib import Path

from kafka_tasks.project import register
from kafka_tasks.project.directory import Project


def test_a_noted_project_is_found_again(project: Project) -> None:
    """A project noted twice is listed once."""
    register.remember(project)
    register.remember(project)
    assert list(register.remembered()) == [project]


def test_a_project_without_state_is_dropped(project: Project) -> None:
    """The note of a project whose state is gone is removed, for good."""
    register.remember(project)
    shutil.rmtree(project.state)
    assert list(register.remembered()) == []
    project.make_state()
    assert list(register.remembered()) == []


def test_a_home_that_cannot_be_written_costs_only_the_note(project: Project, home: Path) -> None:
    """Where no note can be kept, nothing fails and nothing is listed."""
    (home / ".local").touch()
    (home / "Library").touch()
    register.remember(project)
    assert list(register.remembered()) == []


def test_any_path_can_be_noted(tmp_path: Path) -> None:
    """Spaces, letters of any script and line breaks in a path do no harm."""
    odd = Project(tmp_path / "größe und\nzeile")
    odd.path.mkdir()
    odd.make_state()
    register.remember(odd)
    assert list(register.remembered()) == [odd]


def test_a_damaged_note_hides_no_project(project: Project, home: Path) -> None:
    """What is no path, or no file, is dropped; the notes after it are read."""
    register.remember(project)
    (folder,) = {note.parent for note in home.rglob("projects/*")}
    for name, content in (("0", b"x" * 5000), ("1", b"a\0b"), ("2", b"relative"), ("3", b"/\xff")):
        (folder / name).write_bytes(content)
    (folder / "4").mkdir()
    assert list(register.remembered()) == [project]
    assert len(list(folder.iterdir())) == 2
