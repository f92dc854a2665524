from __future__ import annotations

import pytest

from kafka_tasks.project import restoring
from kafka_tasks.project.directory import Project

BEGUN = restoring.Restoring(name="base", runtime="embedded", brokers=2)


def test_what_was_written_is_read_until_it_is_forgotten(project: Project) -> None:
    """Whether it is complete is a matter of one file that is replaced."""
    assert restoring.read(project) is None
    restoring.write(project, BEGUN)
    assert restoring.read(project) == BEGUN
    restoring.write(project, BEGUN.complete())
    found = restoring.read(project)
    assert found is not None and found.committed
    assert (project.state / restoring.FILE).stat().st_mode & 0o777 == 0o600
    restoring.forget(project)
    restoring.forget(project)
    assert restoring.read(project) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"schema":2}', b"\xff"])
def test_what_is_no_such_note_is_none(project: Project, content: bytes) -> None:
    """A damaged note is as good as no note: the old data is what is there."""
    (project.state / restoring.FILE).write_bytes(content)
    assert restoring.read(project) is None
