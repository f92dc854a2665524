from __future__ import annotations

import pytest

from kafka_tasks.snapshots.metadata_version import Scan, is_newer

LOG = "__cluster_metadata-0/00000000000000000000.log"


def record(level: int) -> bytes:
    """A FeatureLevelRecord as nodes write it, with the end of its batch's header before it."""
    return b"\0\x01.\x01\x0c\0\x11metadata.version" + level.to_bytes(2, "big") + b"\0\0"


def scanned(*chunks: bytes, below: str = LOG) -> str | None:
    """Return the version that is found in a file of these pieces."""
    scan = Scan()
    if scan.begin(below):
        for chunk in chunks:
            scan.feed(chunk)
    return scan.found


@pytest.mark.parametrize(
    ("level", "name"), [(7, "3.3-IV3"), (21, "3.9-IV0"), (25, "4.0-IV3"), (33, "4.4-IV2")]
)
def test_levels_have_the_names_of_kafkas_tool(level: int, name: str) -> None:
    """As the formatted directories of these lines have them."""
    assert scanned(record(level)) == name


@pytest.mark.parametrize("level", [0, 6, 34, 0x7FFF])
def test_a_level_without_a_name_here_is_not_guessed(level: int) -> None:
    """A later Kafka may have more."""
    assert scanned(record(level)) is None


def test_the_highest_of_an_upgraded_log_counts() -> None:
    """Wherever the pieces are cut."""
    content = b"x" * 50 + record(30) + b"y" * 50 + record(33) + b"z" * 9
    for at in range(len(content)):
        assert scanned(content[:at], content[at:]) == "4.4-IV2"
    assert scanned(*(bytes([byte]) for byte in content)) == "4.4-IV2"


@pytest.mark.parametrize(
    ("below", "found"),
    [
        ("bootstrap.checkpoint", "4.4-IV2"),
        ("__cluster_metadata-0/00000000000000000000-0000000000.checkpoint", "4.4-IV2"),
        ("orders-0/00000000000000000000.log", None),
        ("meta.properties", None),
    ],
)
def test_only_metadata_is_read(below: str, found: str | None) -> None:
    """A user's record with the same bytes says nothing."""
    assert scanned(record(33), below=below) == found


@pytest.mark.parametrize(
    ("version", "line", "newer"),
    [
        ("4.4-IV0", "4.3", True),
        ("4.10-IV0", "4.9", True),
        ("4.3-IV0", "4.4", False),
        ("4.4-IV2", "4.4", False),
        (None, "4.3", False),
        ("level", "3.9", False),
    ],
)
def test_a_line_is_compared_by_numbers(version: str | None, line: str, newer: bool) -> None:
    """What is not known is not judged."""
    assert is_newer(version, line) is newer
