from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from filelock import FileLock

from kafka_tasks.errors import MachineError, NotReady
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import exclusive, holder, is_held
from kafka_tasks.testing import FakeClock


def _held_elsewhere(project: Project, doing: str = "restart") -> FileLock:
    other = FileLock(project.state / "lock")
    other.acquire()
    note = {"pid": 4242, "doing": doing, "since": 0.0}
    (project.state / "lock.json").write_text(json.dumps(note))
    return other


def test_the_lock_is_held_inside_and_free_after(project: Project, clock: FakeClock) -> None:
    """Inside the block the project is held by this process, afterwards by nobody."""
    assert not is_held(project)
    with exclusive(project, "up", clock.deadline(1)):
        assert is_held(project)
        found = holder(project)
        assert found is not None
        assert (found.pid, found.doing) == (os.getpid(), "up")
    assert not is_held(project)
    assert holder(project) is None


def test_an_error_inside_lets_go(project: Project, clock: FakeClock) -> None:
    """The lock does not outlive a block that fails."""
    with pytest.raises(LookupError), exclusive(project, "up", clock.deadline(1)):
        raise LookupError
    assert not is_held(project)


def test_who_waits_is_told_once_for_whom(project: Project, clock: FakeClock) -> None:
    """The notice names the command and the process, once, and the wait ends at the deadline."""
    other = _held_elsewhere(project)
    told: list[str] = []
    with (
        pytest.raises(NotReady) as caught,
        exclusive(project, "up", clock.deadline(5), waiting=told.append),
    ):
        pytest.fail("two held the lock")
    other.release()
    assert len(told) == 1
    assert told[0].startswith("waiting for kafka.restart (process 4242) since ")
    assert caught.value.message.startswith(
        "Another command is changing this cluster: kafka.restart (process 4242) since "
    )
    assert caught.value.exit_code == 5
    assert "--timeout" in (caught.value.hint or "")
    assert clock.now == pytest.approx(5)


def test_the_turn_comes_when_the_other_ends(project: Project, clock: FakeClock) -> None:
    """As soon as the other lets go, the waiting one goes on."""
    other = _held_elsewhere(project)
    with exclusive(project, "up", clock.deadline(5), waiting=lambda _: other.release()):
        found = holder(project)
        assert found is not None and found.doing == "up"
    assert clock.now < 1


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff"])
def test_a_damaged_note_is_no_holder(project: Project, content: bytes) -> None:
    """The note beside the lock is for people; a damaged one is nobody."""
    (project.state / "lock.json").write_bytes(content)
    assert holder(project) is None
    other = FileLock(project.state / "lock")
    with other:
        assert is_held(project)


def test_a_project_without_state_is_not_held(tmp_path: Path) -> None:
    """Looking at the lock of a directory without state creates nothing."""
    assert not is_held(Project(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_made_is_exit_4(
    project: Project, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state directory in which no lock can be made is a sentence about the directory."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    with (
        pytest.raises(MachineError, match="cannot be written: Permission denied"),
        exclusive(project, "up", clock.deadline(1)),
    ):
        pytest.fail("held without a lock")


@pytest.mark.parametrize("note", [b"[" * 100_000, b'{"pid": "\xff"}', b'{"since": 1e308}'])
def test_a_damaged_note_about_the_holder_is_none(project: Project, note: bytes) -> None:
    """Whatever stands there, nobody is named, and nothing fails."""
    (project.state / "lock.json").write_bytes(note)
    assert holder(project) is None


def test_a_moment_that_no_calendar_has_is_no_note(project: Project) -> None:
    """Since when is a time of day, or nobody is named."""
    (project.state / "lock.json").write_bytes(b'{"pid": 1, "doing": "up", "since": 1e300}')
    assert holder(project) is None
