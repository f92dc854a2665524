from __future__ import annotations

import pytest

from kafka_tasks.model import kafka_line
from kafka_tasks.model.kafka_line import UnknownVersion

CONFLUENT = {f"7.{minor}": f"3.{minor}" for minor in range(5, 10)} | {
    f"8.{minor}": f"4.{minor}" for minor in range(4)
}
APACHE = [f"3.{minor}" for minor in range(5, 10)] + [f"4.{minor}" for minor in range(5)]


@pytest.mark.parametrize(("name", "kafka"), CONFLUENT.items())
def test_a_confluent_line_is_a_kafka_line(name: str, kafka: str) -> None:
    """Confluent Platform 7.x is Kafka 3.x and 8.x is 4.x; a line alone is its newest patch."""
    found = kafka_line.of_version(name)
    assert (found.family, found.line.kafka, found.line.confluent) == ("confluent", kafka, name)
    assert found.text == f"{name}.{found.line.confluent_patch}"
    assert found.image == f"confluentinc/cp-kafka:{found.text}"
    assert kafka_line.of_version(f"{name}.77").text == f"{name}.77"


@pytest.mark.parametrize("name", APACHE)
def test_an_apache_line_is_its_newest_patch(name: str) -> None:
    """An Apache version has the images of its own family."""
    found = kafka_line.of_version(name)
    assert (found.family, found.line.kafka) == ("apache", name)
    assert found.text == f"{name}.{found.line.apache_patch}"
    assert found.image == f"apache/kafka:{found.text}"
    assert kafka_line.of_version(f"{name}.77").line == found.line


@pytest.mark.parametrize(
    ("version", "reason", "instead"),
    [
        ("7.4", "older than Confluent Platform 7.5", "7.5"),
        ("7.4.9", "older than Confluent Platform 7.5", "7.5"),
        ("5.5.1", "older than Confluent Platform 7.5", "7.5"),
        ("7.10.0", "not a line of Confluent Platform", "7.9"),
        ("8.4", "newer than Confluent Platform 8.3", "8.3"),
        ("9.0", "newer than Confluent Platform 8.3", "8.3"),
        ("3.4", "older than Apache Kafka 3.5", "3.5"),
        ("2.8.2", "older than Apache Kafka 3.5", "3.5"),
        ("3.10", "not a line of Apache Kafka", "3.9"),
        ("4.5", "newer than Apache Kafka 4.4", "4.4"),
        ("latest", "a tag that moves", "7.9"),
        ("7", "not a version", "7.9"),
        ("", "not a version", "7.9"),
        ("7.9.6-1", "not a version", "7.9"),
        ("7.９.6", "not a version", "7.9"),
    ],
)
def test_other_texts_are_refused_with_the_reason(version: str, reason: str, instead: str) -> None:
    """Too old, too new, between two lines, or no version: each says which, and what to take."""
    with pytest.raises(UnknownVersion, match=reason) as caught:
        kafka_line.of_version(version)
    assert caught.value.instead == instead


@pytest.mark.parametrize(
    ("version", "mode", "why"),
    [
        ("7.9", "zookeeper", None),
        ("7.5", "kraft", None),
        ("3.9", "kraft", None),
        ("3.7", "kraft", None),
        ("4.4", "kraft", None),
        ("3.9", "zookeeper", "has no ZooKeeper mode"),
        ("3.6", "kraft", "begins with 3.7"),
    ],
)
def test_some_apache_versions_have_no_image(
    version: str, mode: kafka_line.Mode, why: str | None
) -> None:
    """The images of Apache Kafka begin with 3.7, and have KRaft alone."""
    found = kafka_line.of_version(version).lacks_image(mode)
    assert (found is None) if why is None else (why in (found or ""))


def test_zookeeper_has_an_image_beside_every_kafka_3() -> None:
    """The ZooKeeper beside an Apache version is Confluent's of the same line."""
    assert kafka_line.of_version("3.9").zookeeper_image == "confluentinc/cp-zookeeper:7.9.11"
    assert kafka_line.of_version("7.9.3").zookeeper_image == "confluentinc/cp-zookeeper:7.9.3"


def test_the_modes_of_a_line_begin_with_its_default() -> None:
    """Kafka 3 has both modes and starts with ZooKeeper; Kafka 4 has KRaft alone."""
    assert kafka_line.DEFAULT.line.modes == ("zookeeper", "kraft")
    assert kafka_line.of_version("4.0").line.modes == ("kraft",)


@pytest.mark.parametrize(
    ("version", "plain", "with_sasl"),
    [
        ("7.5", (11, 25), (11, 21)),
        ("3.8", (11, 25), (11, 21)),
        ("7.9", (11, 25), (11, 25)),
        ("8.0", (17, 25), (17, 25)),
        ("4.4", (17, 25), (17, 25)),
    ],
)
def test_a_line_runs_on_some_javas(
    version: str, plain: tuple[int, int], with_sasl: tuple[int, int]
) -> None:
    """Kafka 3 starts on Java 11, Kafka 4 on 17; before 3.9, brokers do not log in on a new Java."""
    line = kafka_line.of_version(version).line
    assert (line.javas(), line.javas(sasl=True)) == (plain, with_sasl)
