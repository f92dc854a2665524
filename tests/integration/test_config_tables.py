"""The shipped table of topic settings says what a running broker says."""

from __future__ import annotations

import pytest

from kafka_tasks.topics import configs
from tests.integration.conftest import Sandbox

BAD = [
    ("retention.ms", "abc"),
    ("retention.ms", "-2"),
    ("cleanup.policy", "compact,foo"),
    ("compression.type", "brotli"),
    ("min.insync.replicas", "0"),
    ("max.message.bytes", "-1"),
    ("segment.bytes", "13"),
    ("min.cleanable.dirty.ratio", "1.5"),
    ("message.timestamp.type", "never"),
    ("preallocate", "maybe"),
    ("compression.gzip.level", "10"),
    ("leader.replication.throttled.replicas", "x"),
    ("no.such.setting", "1"),
]
GOOD = [
    ("retention.ms", "-1"),
    ("cleanup.policy", "compact,delete"),
    ("compression.type", "zstd"),
    ("min.insync.replicas", "1"),
    ("segment.bytes", "1048576"),
    ("min.cleanable.dirty.ratio", "0.5"),
    ("preallocate", "true"),
    ("compression.gzip.level", "-1"),
    ("leader.replication.throttled.replicas", "0:1"),
    ("follower.replication.throttled.replicas", "*"),
]


def test_the_table_has_the_settings_of_the_broker(running: Sandbox) -> None:
    """No setting more, and none less; and the defaults where the broker has its own."""
    assert running.run("topic.create", "plain").code == 0
    shown = running.run("topic.describe", "plain", "-o", "json").document["config"]
    assert set(shown) == set(configs.table("3.9"))


@pytest.mark.parametrize(("key", "value"), BAD)
def test_what_the_table_refuses_the_broker_refuses(running: Sandbox, key: str, value: str) -> None:
    """The broker says no to the same values."""
    assert configs.problem(key, value, "3.9") is not None
    done = running.run("topic.create", "refused", "--config", f"{key}={value}")
    assert done.code != 0, f"the broker takes {key}={value}"
    assert "refused" not in running.topics()


def test_what_the_table_takes_the_broker_takes(running: Sandbox) -> None:
    """One topic with all the good values."""
    assert [configs.problem(key, value, "3.9") for key, value in GOOD] == [None] * len(GOOD)
    flags = [flag for key, value in GOOD for flag in ("--config", f"{key}={value}")]
    done = running.run("topic.create", "taken", *flags)
    assert done.code == 0, done.err
