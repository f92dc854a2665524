"""The metadata.version of a cluster in KRaft mode, as the data of its nodes has it.

A FeatureLevelRecord in the metadata log or in one of its checkpoints says it. Both are
uncompressed; the log of a cluster that was upgraded has several, and the highest counts.
"""

from __future__ import annotations

import re

from kafka_tasks.model.kafka_line import numbers

_FILES = re.compile(r"bootstrap\.checkpoint|__cluster_metadata-0/[0-9-]+\.(?:log|checkpoint)")
# Frame version 1, key 12, version 0; a compact string; the level; no tagged fields.
_RECORD = re.compile(rb"\x01\x0c\x00\x11metadata\.version(..)\x00", re.DOTALL)
_LENGTH = 23
# Each has its level from 7 on, by `kafka-storage version-mapping` of Kafka 4.4.
_FIRST_LEVEL = 7
_NAMES = (
    *("3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2"),
    *("3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3", "3.7-IV4", "3.8-IV0", "3.9-IV0"),
    *("4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1"),
    *("4.3-IV0", "4.4-IV0", "4.4-IV1", "4.4-IV2"),
)


class Scan:
    """Finds the metadata.version in files that are read in pieces."""

    def __init__(self) -> None:
        self._level = 0
        self._tail = b""

    def begin(self, below: str) -> bool:
        """Begin a file; return whether one of this name below its data directory may have it."""
        self._tail = b""
        return _FILES.fullmatch(below) is not None

    def feed(self, chunk: bytes) -> None:
        """Read the next piece of the file."""
        content = self._tail + chunk
        for found in _RECORD.finditer(content):
            self._level = max(self._level, int.from_bytes(found[1], "big", signed=True))
        self._tail = content[1 - _LENGTH :]

    @property
    def found(self) -> str | None:
        """The highest version so far, such as 4.4-IV2; None for one that Kafka 4.4 has not."""
        at = self._level - _FIRST_LEVEL
        return _NAMES[at] if 0 <= at < len(_NAMES) else None


def is_newer(version: str | None, kafka_line: str) -> bool:
    """Return whether a Kafka line is too old for a metadata.version."""
    release = re.match(r"\d+\.\d+(?=-IV)", version or "", re.ASCII)
    return release is not None and numbers(release[0]) > numbers(kafka_line)
