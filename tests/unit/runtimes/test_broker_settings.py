from __future__ import annotations

import pytest

from kafka_tasks.runtimes import broker_settings
from kafka_tasks.runtimes.embedded.jars import supported_lines


@pytest.mark.parametrize("line", supported_lines())
def test_every_line_has_its_broker_settings(line: str) -> None:
    """Each has what every broker has, with type and default, and ZooKeeper only before Kafka 4."""
    found = broker_settings.table(line)
    assert (found["num.io.threads"].type, found["num.io.threads"].default) == ("int", "8")
    assert len(found) > 250
    assert ("zookeeper.connect" in found) is line.startswith("3.")


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("num.io.threads", "4.4", None),
        ("listener.name.secure.ssl.client.auth", "4.4", None),
        ("num.io.thread", "4.4", "no broker setting num.io.thread; did you mean num.io.threads?"),
        ("zookeeper.connect", "4.0", "no broker setting zookeeper.connect; only Kafka 3.5 to 3.9"),
        ("alter.config.policy.kraft.compatibility.enable", "4.4", "only Kafka 3.9 had it"),
        ("nobody.knows.this", "3.9", "Kafka 3.9 has no broker setting nobody.knows.this"),
    ],
)
def test_an_unknown_property_is_named(name: str, line: str, said: str | None) -> None:
    """A typo has the nearest name, and what was removed has the lines that had it."""
    found = broker_settings.unknown(name, line)
    assert (found is None) if said is None else (said in (found or ""))


@pytest.mark.parametrize(
    ("name", "value", "refused"),
    [
        ("num.io.threads", "8", False),
        ("num.io.threads", "many", True),
        ("num.io.threads", "${file:/x:threads}", False),
        ("log.retention.ms", "-1", False),
        ("log.retention.ms", "9223372036854775808", True),
        ("auto.create.topics.enable", "yes", True),
        ("nobody.knows.this", "x", False),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, value: str, refused: bool) -> None:
    """A broker does not start with text for a number, nor with a number that is too long."""
    assert (broker_settings.refused(name, value, "4.4") is not None) is refused
