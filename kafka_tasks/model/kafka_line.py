"""A line of Apache Kafka: the versions that belong to it, its modes, and the Java that runs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_Mode = Literal["zookeeper", "kraft"]

# Confluent Platform 7.5 is Kafka 3.5, …, 7.9 is Kafka 3.9.
_OLDEST_MINOR = 5
_VERSION = re.compile(r"7\.(\d{1,2})\.(\d{1,3})", re.ASCII)
_LINE = re.compile(r"7\.([5-9]|\d\d)", re.ASCII)
# Newest patch per line that was looked up; a line that is not here begins at .0.
_PATCHES = {9: 6}


@dataclass(frozen=True, slots=True)
class KafkaLine:
    """One line, such as Kafka 3.9 and Confluent Platform 7.9.

    `java` is the oldest and the newest Java release that run it: Kafka 3 starts on Java 11, and in
    ZooKeeper mode Java 24 and later lack the security manager that JAAS asks for.
    """

    kafka: str
    confluent: str
    modes: tuple[_Mode, ...] = ("zookeeper",)
    java: tuple[int, int] = (11, 23)

    @property
    def newest(self) -> str:
        """The newest Confluent Platform version of the line that is known here."""
        minor = int(self.confluent.partition(".")[2])
        return f"{self.confluent}.{_PATCHES.get(minor, 0)}"

    def runs_on(self, java: int) -> bool:
        """Return whether a Java release (17, 21, …) runs its servers."""
        oldest, newest = self.java
        return oldest <= java <= newest


def of_version(version: str) -> KafkaLine:
    """Return the line of a whole Confluent Platform version, such as 7.9.6; raises `ValueError`."""
    match = _VERSION.fullmatch(version)
    if not match or int(match[1]) < _OLDEST_MINOR:
        raise ValueError(f"{version} is no version of Confluent Platform 7.5 to 7.x")
    return _line(int(match[1]))


def named(text: str) -> KafkaLine | None:
    """Return the line that a text such as 7.9 names; None where it names none."""
    match = _LINE.fullmatch(text)
    return _line(int(match[1])) if match else None


def _line(minor: int) -> KafkaLine:
    return KafkaLine(kafka=f"3.{minor}", confluent=f"7.{minor}")


DEFAULT = _line(9).newest
