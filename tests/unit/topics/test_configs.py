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
        ("min.cleanable.dirty.ratio", "0_1", "which is not a number"),
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


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("log.retention.ms", "a broker's name; a topic has retention.ms"),
        ("log.retention.minutes", "a topic has retention.ms, in milliseconds"),
        ("log.retention.hours", "a topic has retention.ms, in milliseconds"),
        ("log.retention.bytes", "a topic has retention.bytes"),
        ("log.roll.hours", "a topic has segment.ms, in milliseconds"),
        ("log.cleaner.min.cleanable.ratio", "a topic has min.cleanable.dirty.ratio"),
        ("log.cleaner.delete.retention.ms", "a topic has delete.retention.ms"),
        ("message.max.bytes", "a topic has max.message.bytes"),
        ("num.partitions", "which is no setting; use the key partitions"),
        ("replication.factor", "which is no setting; use the key replication_factor"),
        ("retention.mss", "did you mean retention.ms?"),
    ],
)
def test_a_name_of_brokers_is_told_as_that_of_topics(key: str, said: str) -> None:
    """Spelling alone would lead to another setting that looks alike."""
    assert (configs.problem(key, "1", "3.9") or "").endswith(said)


def test_a_setting_of_other_lines_names_them() -> None:
    """A file that moves to Kafka 4 may have one that is gone."""
    assert configs.problem("message.format.version", "3.0", "4.4") == (
        "Kafka 4.4 has no topic setting message.format.version; only Kafka 3.5 to 3.9 had it"
    )


@pytest.mark.parametrize("version", ["2.8", "3.0", "0.10.2", "2.8.1", "0.8.2.1", "3.0-IV1"])
def test_versions_are_taken_in_short_form(version: str) -> None:
    """Brokers take the first two or three numbers."""
    assert configs.problem("message.format.version", version, "3.9") is None
    assert configs.problem("message.format.version", "9.9", "3.9") is not None


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("retention.ms", "007", " +7"),
        ("min.cleanable.dirty.ratio", "0.5", "5e-1"),
        ("min.cleanable.dirty.ratio", ".50", "0.5d"),
        ("cleanup.policy", "compact,delete", "delete, compact"),
        ("cleanup.policy", "delete,delete", "delete"),
        ("preallocate", "TRUE", " true "),
        ("compression.type", "lz4 ", "lz4"),
        ("message.format.version", "2.8", "2.8-IV1"),
        ("message.format.version", "0.10.2.1", "0.10.2-IV0"),
        ("vendor.setting", "7", "007"),
        ("vendor.setting", "b,a", "a,b"),
    ],
)
def test_values_are_compared_as_brokers_read_them(key: str, one: str, other: str) -> None:
    """Otherwise a plan would change a topic that is right."""
    assert configs.same_value(key, one, other)


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("retention.ms", "7", "70"),
        ("min.cleanable.dirty.ratio", "0.5", "0.05"),
        ("cleanup.policy", "compact", "compact,delete"),
        ("message.format.version", "2.8-IV0", "2.8"),
        ("preallocate", "true", "false"),
        ("compression.type", "lz4", "zstd"),
    ],
)
def test_other_values_differ(key: str, one: str, other: str) -> None:
    """A short version is the last of its kind, not the first."""
    assert not configs.same_value(key, one, other)


@pytest.mark.parametrize(
    ("key", "value", "certain"),
    [
        ("compression.type", "brotli", False),
        ("segment.bytes", "5", False),
        ("retention.ms", "abc", True),
        ("preallocate", "maybe", True),
    ],
)
def test_where_the_line_is_not_known_the_cluster_decides(
    key: str, value: str, certain: bool
) -> None:
    """But a value that is no number is none on any broker."""
    assert configs.problem(key, value, None) is not None
    assert configs.is_certain(key, value, None) is certain
    assert configs.is_certain(key, value, "3.9")
