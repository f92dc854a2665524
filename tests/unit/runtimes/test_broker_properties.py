from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.errors import InvalidInput
from kafka_tasks.runtimes import broker_properties


def test_a_file_of_further_properties_is_read(tmp_path: Path) -> None:
    """Comments, empty lines, both separators and values with = are understood."""
    path = tmp_path / "broker.properties"
    path.write_text("# a\n! b\n\nlog.retention.hours = 1\nnum.io.threads: 8\nx.y=a=b\nempty=\n")
    assert broker_properties.read(path) == {
        "log.retention.hours": "1",
        "num.io.threads": "8",
        "x.y": "a=b",
        "empty": "",
    }
    assert broker_properties.read(None) == {}


@pytest.mark.parametrize("key", sorted(broker_properties.RESERVED))
def test_what_the_runtime_decides_is_refused_with_its_line(tmp_path: Path, key: str) -> None:
    """A reserved property is exit 3, with file and line."""
    path = tmp_path / "broker.properties"
    path.write_text(f"# mine\n\n{key}=1\n")
    with pytest.raises(InvalidInput) as caught:
        broker_properties.read(path)
    assert caught.value.message == f"{path}, line 3: {key} is decided by kafka-tasks."


@pytest.mark.parametrize("line", ["nonsense", "a b=c", "=1", "{json: true}"])
def test_a_line_that_is_no_property_is_refused(tmp_path: Path, line: str) -> None:
    """What has no name=value form is exit 3, with file and line."""
    path = tmp_path / "broker.properties"
    path.write_text(f"ok=1\n{line}\n")
    with pytest.raises(InvalidInput, match=r"line 2: .* is not a line of the form name=value"):
        broker_properties.read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """A missing or binary file names the variable that pointed to it."""
    path = tmp_path / "broker.properties"
    if content:
        path.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"KAFKA_TASKS_BROKER_PROPERTIES: .* cannot be read"):
        broker_properties.read(path)
