"""Versions and lines of Kafka: which family they belong to, their modes, and the Java they need."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Mode = Literal["zookeeper", "kraft"]
Family = Literal["apache", "confluent"]

_BOTH: tuple[Mode, ...] = ("zookeeper", "kraft")
_TEXT = re.compile(r"(?P<line>\d{1,2}\.\d{1,2})(?:\.(?P<patch>\d{1,3}))?", re.ASCII)
_DEFAULT = "7.9"
# Confluent Platform counts its major versions from 5 on, Apache Kafka has 4 of them.
_FIRST_CONFLUENT_MAJOR = 5
_FIRST_APACHE_IMAGE = (3, 7)


class KafkaLine(Struct, frozen=True):
    """One line, such as Kafka 3.9, which is Confluent Platform 7.9.

    `modes` begins with the default. `java` is the oldest and the newest Java release that run its
    servers, `newest_java_with_sasl` the newest where brokers log in to each other. `apache_patch`
    and `confluent_patch` are the newest patch releases known here.
    """

    kafka: str
    apache_patch: int
    confluent: str | None = None
    confluent_patch: int = 0
    modes: tuple[Mode, ...] = ("kraft",)
    java: tuple[int, int] = (17, 25)
    newest_java_with_sasl: int = 25
    log_backend: Literal["reload4j", "log4j2"] = "log4j2"

    def javas(self, *, sasl: bool = False) -> tuple[int, int]:
        """Return the oldest and the newest Java; `sasl` where brokers log in to each other."""
        oldest, newest = self.java
        return oldest, self.newest_java_with_sasl if sasl else newest


class KafkaVersion(Struct, frozen=True):
    """A whole version with its line: 7.9.11 (Confluent Platform) or 4.4.0 (Apache Kafka)."""

    text: str
    family: Family
    line: KafkaLine

    @property
    def newest(self) -> KafkaVersion:
        """The newest known version of its family and line."""
        line = self.line
        if self.family == "apache":
            return KafkaVersion(f"{line.kafka}.{line.apache_patch}", self.family, line)
        return KafkaVersion(_newest_confluent(line), self.family, line)

    @property
    def image(self) -> str:
        """The broker image of the family in this version."""
        name = "apache/kafka" if self.family == "apache" else "confluentinc/cp-kafka"
        return f"{name}:{self.text}"

    @property
    def zookeeper_image(self) -> str:
        """The ZooKeeper image beside it: Confluent's of the same line, the only family with one."""
        line = self.line
        same = self.family == "confluent" or line.confluent is None
        return f"confluentinc/cp-zookeeper:{self.text if same else _newest_confluent(line)}"

    def lacks_image(self, mode: Mode) -> str | None:
        """Return why no image runs it in this mode, or None where one does."""
        if self.family == "confluent":
            return None
        if mode == "zookeeper":
            return "apache/kafka has no ZooKeeper mode"
        has_one = numbers(self.line.kafka) >= _FIRST_APACHE_IMAGE
        return None if has_one else "apache/kafka begins with 3.7"


def _newest_confluent(line: KafkaLine) -> str:
    return f"{line.confluent}.{line.confluent_patch}"


def mode_title(mode: Mode) -> str:
    """Return the name of a mode in a sentence."""
    return "KRaft" if mode == "kraft" else "ZooKeeper"


class UnknownVersion(ValueError):
    """A text that names no supported version: the reason, and a version to take instead."""

    def __init__(self, reason: str, instead: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.instead = instead


def _three(minor: int, apache_patch: int, confluent_patch: int) -> KafkaLine:
    return KafkaLine(
        kafka=f"3.{minor}",
        apache_patch=apache_patch,
        confluent=f"7.{minor}",
        confluent_patch=confluent_patch,
        modes=_BOTH,
        # Tried on Java 25, both modes. A log-in between brokers asks Java for the current subject
        # in a way that it refuses since Java 23; Kafka 3.9 asks in another way.
        java=(11, 25),
        newest_java_with_sasl=25 if minor >= 9 else 21,
        log_backend="reload4j",
    )


_LINES = (
    _three(5, 2, 14),
    _three(6, 2, 15),
    _three(7, 2, 13),
    _three(8, 1, 12),
    _three(9, 2, 11),
    KafkaLine("4.0", 2, "8.0", 8),
    KafkaLine("4.1", 2, "8.1", 6),
    KafkaLine("4.2", 2, "8.2", 3),
    KafkaLine("4.3", 1, "8.3", 2),
    KafkaLine("4.4", 0),
)
_BY_NAME: dict[str, tuple[Family, KafkaLine]] = {
    **{line.kafka: ("apache", line) for line in _LINES},
    **{line.confluent: ("confluent", line) for line in _LINES if line.confluent},
}


def of_version(text: str) -> KafkaVersion:
    """Return the version that a text means: a whole one, or a line, which is its newest patch.

    Raises `UnknownVersion`.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        raise UnknownVersion(_no_version(text), _DEFAULT)
    name = match["line"]
    if name not in _BY_NAME:
        raise _outside(name)
    found = KafkaVersion(text, *_BY_NAME[name])
    return found if match["patch"] else found.newest


def _no_version(text: str) -> str:
    if text == "latest":
        return "a tag that moves from version to version and says nothing about the data"
    return "not a version"


def _outside(name: str) -> UnknownVersion:
    """Return the error for a line that is older or newer than those known, or between them."""
    family = "confluent" if numbers(name)[0] >= _FIRST_CONFLUENT_MAJOR else "apache"
    title = "Confluent Platform" if family == "confluent" else "Apache Kafka"
    known = sorted((each for each in _BY_NAME if _BY_NAME[each][0] == family), key=numbers)
    older = [each for each in known if numbers(each) < numbers(name)]
    if not older:
        return UnknownVersion(f"older than {title} {known[0]}, the oldest supported", known[0])
    if len(older) == len(known):
        return UnknownVersion(f"newer than {title} {known[-1]}, the newest supported", known[-1])
    return UnknownVersion(f"not a line of {title}", older[-1])


def numbers(name: str) -> tuple[int, ...]:
    """Return the numbers of a line or a version, which sort as the lines do: 3 and 9 for 3.9."""
    return tuple(map(int, name.split(".")))


def _span(family: Family, major: int) -> str:
    known = [name for name, (of, _) in _BY_NAME.items() if of == family]
    mine = [name for name in known if numbers(name)[0] == major]
    return f"{mine[0]}–{mine[-1]}"


# What is started unless another version is set.
DEFAULT = of_version(_DEFAULT)
# Every supported version, in words.
SUPPORTED = (
    f"Confluent Platform {_span('confluent', 7)} and {_span('confluent', 8)}, "
    f"Apache Kafka {_span('apache', 3)} and {_span('apache', 4)}; whole ({DEFAULT.text}) or a line "
    f"({_DEFAULT}: its newest known patch)"
)
