from __future__ import annotations

import pytest

from kafka_tasks.project import written_by
from kafka_tasks.project.directory import Project
from kafka_tasks.project.written_by import WrittenBy

_OLD = WrittenBy(version="7.5.14", kafka_version="3.5.2", mode="zookeeper")


def test_each_runtime_has_a_record_of_its_own(project: Project) -> None:
    """Its data is another one; what is forgotten is not known any more."""
    assert written_by.read(project, "embedded") is None
    written_by.write(project, "embedded", _OLD)
    assert written_by.read(project, "embedded") == _OLD
    assert written_by.read(project, "compose") is None
    written_by.forget(project, "embedded")
    written_by.forget(project, "embedded")
    assert written_by.read(project, "embedded") is None


@pytest.mark.parametrize("version", ["", "3", "latest", "3.9.1-ccs", "1.2.3.4", "9" * 40])
def test_what_is_no_version_is_not_known(project: Project, version: str) -> None:
    """A damaged record judges nothing."""
    odd = WrittenBy(version="7.5.14", kafka_version=version, mode="zookeeper")
    written_by.write(project, "embedded", odd)
    assert written_by.read(project, "embedded") is None


def test_lines_sort_by_their_numbers() -> None:
    """3.10 would come after 3.9."""
    lines = [
        WrittenBy(version=text, kafka_version=text, mode="kraft").kafka_line
        for text in ("3.9.1", "3.10", "4.0.2")
    ]
    assert lines == [(3, 9), (3, 10), (4, 0)]
