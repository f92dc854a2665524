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


@pytest.fixture(scope="module", params=["3.9", "4.4"])
def line(request: pytest.FixtureRequest) -> str:
    """A Kafka line: the newest of each mode."""
    return str(request.param)


@pytest.fixture(scope="module")
def broker(line: str, request: pytest.FixtureRequest) -> Sandbox:
    """A ready cluster of that line."""
    if line == "3.9":
        shared: Sandbox = request.getfixturevalue("running")
        return shared
    own: Sandbox = request.getfixturevalue("new_project")(f"kafka-{line}")
    own.environ["KAFKA_TASKS_VERSION"] = line
    own.up()
    return own


def test_the_table_has_the_settings_of_the_broker(broker: Sandbox, line: str) -> None:
    """No setting more, and none less; and the defaults where the broker has its own."""
    assert broker.run("topic.create", "plain").code == 0
    shown = broker.run("topic.describe", "plain", "-o", "json").document["config"]
    assert set(shown) == set(configs.table(line))


@pytest.mark.parametrize(("key", "value"), BAD)
def test_what_the_table_refuses_the_broker_refuses(
    broker: Sandbox, line: str, key: str, value: str
) -> None:
    """The broker says no to the same values."""
    assert configs.problem(key, value, line) is not None
    done = broker.run("topic.create", "refused", "--config", f"{key}={value}")
    assert done.code != 0, f"the broker takes {key}={value}"
    assert "refused" not in broker.topics()


def test_what_the_table_takes_the_broker_takes(broker: Sandbox, line: str) -> None:
    """One topic with all the good values."""
    assert [configs.problem(key, value, line) for key, value in GOOD] == [None] * len(GOOD)
    flags = [flag for key, value in GOOD for flag in ("--config", f"{key}={value}")]
    done = broker.run("topic.create", "taken", *flags)
    assert done.code == 0, done.err
