from __future__ import annotations

import pytest

from kafka_tasks.runtimes.embedded.jars import supported_lines
from kafka_tasks.topics import configs


def test_every_line_that_can_run_has_a_table() -> None:
    """A lock file without a table would let everything through."""
    assert configs.lines() == tuple(sorted(supported_lines()))
    assert all("retention.ms" in configs.table(line) for line in configs.lines())


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("retention.ms", "abc", "retention.ms is 'abc', which is not a whole number (long)"),
        ("retention.ms", "-2", "it starts at -1"),
        ("retention.ms", str(2**63), "not a whole number (long)"),
        ("max.message.bytes", str(2**31), "not a whole number (int)"),
        ("min.cleanable.dirty.ratio", "1.5", "it ends at 1"),
        ("min.cleanable.dirty.ratio", "half", "which is not a number"),
        ("cleanup.policy", "compact,foo", "allowed: a list of compact, delete"),
        ("compression.type", "brotli", "allowed: uncompressed, zstd"),
        ("preallocate", "maybe", "allowed: true, false"),
        ("compression.gzip.level", "10", "allowed: 1 to 9, or -1"),
        ("leader.replication.throttled.replicas", "x", "a list of partition:broker"),
        ("retention.ms", "10_000", "not a whole number (long)"),
        ("min.cleanable.dirty.ratio", "0.0_5", "which is not a number"),
        ("message.format.version", "9.9", "allowed: 0.8.0"),
        ("message.format.version", "2", "allowed: 0.8.0"),
        ("retention.mss", "1", "did you mean retention.ms?"),
        ("zzz", "1", "Kafka 3.9 has no topic setting zzz"),
    ],
)
def test_what_a_broker_would_refuse_is_told(key: str, value: str, said: str) -> None:
    """Type, range, words, and names that are not known."""
    assert said in (configs.problem(key, value, "3.9") or "")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("retention.ms", "-1"),
        ("cleanup.policy", "compact, delete"),
        ("cleanup.policy", "delete"),
        ("min.cleanable.dirty.ratio", "0.5"),
        ("preallocate", "TRUE"),
        ("compression.gzip.level", "-1"),
        ("follower.replication.throttled.replicas", "0:1,1:2"),
        ("follower.replication.throttled.replicas", "*"),
        ("compression.type", " gzip "),
        ("message.format.version", "2.8"),
        ("message.format.version", "2.8.1"),
        ("message.format.version", "0.10.2"),
        ("message.format.version", "0.10.2.1"),
        ("message.format.version", "3.0-IV1"),
    ],
)
def test_what_a_broker_takes_is_no_problem(key: str, value: str) -> None:
    """Good values pass."""
    assert configs.problem(key, value, "3.9") is None


def test_a_setting_of_a_later_line_is_a_problem_of_an_earlier_one() -> None:
    """3.5 has no levels of compression; a cluster of unknown version may have it."""
    assert "Kafka 3.5 has no topic setting" in (
        configs.problem("compression.lz4.level", "9", "3.5") or ""
    )
    assert configs.problem("compression.lz4.level", "9", "3.9") is None
    assert configs.problem("compression.lz4.level", "9", None) is None
    assert configs.problem("nobody.knows", "1", None) is None
    assert configs.problem("nobody.knows", "1", "5.0") is None
    assert configs.unknown("nobody.knows", None) == "Kafka has no topic setting nobody.knows"
    assert configs.unknown("compression.lz4.level", None) is None


def test_a_cluster_of_unknown_version_takes_what_some_line_takes() -> None:
    """Kafka 4.1 asks for segments of a megabyte, Kafka 4.0 does not."""
    assert configs.problem("segment.bytes", "100000", "4.1") is not None
    assert configs.problem("segment.bytes", "100000", "4.0") is None
    assert configs.problem("segment.bytes", "100000", None) is None
    assert configs.problem("message.format.version", "3.0-IV1", None) is None
    assert configs.problem("message.format.version", "3.0-IV1", "4.0") is not None
