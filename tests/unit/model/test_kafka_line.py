from __future__ import annotations

import pytest

from kafka_tasks.model import kafka_line


@pytest.mark.parametrize(
    ("version", "kafka", "newest"),
    [("7.5.0", "3.5", "7.5.0"), ("7.9.1", "3.9", "7.9.6"), ("7.10.3", "3.10", "7.10.0")],
)
def test_a_version_has_its_line(version: str, kafka: str, newest: str) -> None:
    """Confluent Platform 7.x is Kafka 3.x, whichever patch it is."""
    line = kafka_line.of_version(version)
    assert (line.kafka, line.newest) == (kafka, newest)
    assert line.modes == ("zookeeper",)


@pytest.mark.parametrize(
    "version", ["7.4.9", "8.0.0", "7.9", "7", "", "latest", "7.9.6-1", "7.９.6"]
)
def test_other_texts_are_no_version(version: str) -> None:
    """Too old, too new, or not whole."""
    with pytest.raises(ValueError, match="is no version of Confluent Platform"):
        kafka_line.of_version(version)


def test_a_line_can_be_named_alone() -> None:
    """A person who types 7.9 is told the newest version of it."""
    line = kafka_line.named("7.9")
    assert line is not None
    assert line.newest == kafka_line.DEFAULT
    assert kafka_line.named("7.4") is None
    assert kafka_line.named("7.9.6") is None


@pytest.mark.parametrize(("java", "runs"), [(8, False), (11, True), (23, True), (24, False)])
def test_a_line_runs_on_some_javas(java: int, runs: bool) -> None:
    """Java 24 and later lack what ZooKeeper mode needs."""
    assert kafka_line.of_version("7.9.6").runs_on(java) is runs
