from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kafka_tasks.runtimes.embedded import properties


def _read_as_java(text: str) -> dict[str, str]:
    """What java.util.Properties would load from lines without continuation or comment."""

    def unescape(piece: str) -> str:
        plain = re.sub(
            r"\\(u([0-9a-fA-F]{4})|(.))",
            lambda m: chr(int(m[2], 16)) if m[2] else {"n": "\n", "t": "\t"}.get(m[3], m[3]),
            piece,
        )
        return plain.encode("utf-16", "surrogatepass").decode("utf-16")

    found = {}
    for line in text.split("\n")[:-1]:
        key, _, value = line.partition("=")
        found[unescape(key)] = unescape(value.lstrip(" \t\f"))
    return found


@given(
    st.dictionaries(
        st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True),
        st.text(max_size=40).filter(lambda text: True),
        max_size=6,
    )
)
def test_any_value_survives_the_properties_file(values: dict[str, str]) -> None:
    """Letters of any script, backslashes and line breaks come back as they went in, in ASCII."""
    text = properties.render(values)
    assert text.isascii()
    assert _read_as_java(text) == values


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 3, 2), (5, 3, 2)]
)
def test_internal_topics_fit_the_number_of_brokers(
    brokers: int, replicas: int, in_sync: int
) -> None:
    """Replication factor min(3, N) and min ISR one below it, but at least one."""
    found = properties.broker("kafka", port=1, zookeeper_port=2, brokers=brokers, further={})
    assert found["offsets.topic.replication.factor"] == str(replicas)
    assert found["transaction.state.log.replication.factor"] == str(replicas)
    assert found["transaction.state.log.min.isr"] == str(in_sync)


def test_a_broker_listens_on_loopback_alone() -> None:
    """Address, id and directory belong to the service; clients are told localhost."""
    found = properties.broker("kafka-3", port=9094, zookeeper_port=2181, brokers=3, further={})
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9094"
    assert found["advertised.listeners"] == "PLAINTEXT://localhost:9094"
    assert found["broker.id"] == "3"
    assert found["log.dirs"] == "./data/kafka-3"
    assert found["zookeeper.connect"] == "127.0.0.1:2181"
    assert found["zookeeper.session.timeout.ms"] == "6000"
    assert found["group.initial.rebalance.delay.ms"] == "0"


def test_further_properties_have_the_last_word() -> None:
    """What the user's file says wins over what is ours to suggest."""
    further = {"num.io.threads": "16", "log.retention.hours": "1"}
    found = properties.broker("kafka", port=1, zookeeper_port=2, brokers=1, further=further)
    assert found["num.io.threads"] == "16"
    assert found["log.retention.hours"] == "1"


def test_zookeeper_opens_one_port_on_loopback() -> None:
    """No web console, and clients only from this machine."""
    found = properties.zookeeper(12181)
    assert (found["clientPort"], found["clientPortAddress"]) == ("12181", "127.0.0.1")
    assert found["admin.enableServer"] == "false"


def test_logs_go_to_a_rotating_file_of_the_service() -> None:
    """Ten megabytes and three older files, relative to the state directory."""
    text = properties.log_settings("kafka-2")
    assert "log4j.appender.file.File=./logs/kafka-2.log\n" in text
    assert "MaxFileSize=10MB\n" in text and "MaxBackupIndex=3\n" in text
