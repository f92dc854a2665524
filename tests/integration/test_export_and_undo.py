"""What a broker accepts can be exported, planned, deleted and applied again, on 3.9 and on 4.4."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from kafka_tasks.topics import configs
from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_verbs_and_groups import bootstrap, ok

pytestmark = pytest.mark.timeout(400)

# Tried with every setting: bounds, spellings of one number, words of any setting, YAML's own words.
VALUES = [
    *("-2", "-1", "0", "1", "09", " 5 ", "+5", "5.0", "0.5", ".5", "1e-3", "1048576", "10_000"),
    *("2147483647", "9223372036854775807", "0x10", "NaN", "true", "TRUE", " False ", "yes"),
    *("", " ", ",", "compact", "delete", "delete,compact", "compact,compact", "compact, delete"),
    *("*", "0:1", "0:1,1:1", "none", "2.8", "2.8.1", "3.0-IV1", "0.10.2", "0.10.2.1", "9.9"),
    *("uncompressed", "producer", "gzip", " gzip ", "zstd", "LogAppendTime", "CreateTime"),
]
# Words that YAML takes for something else than a text, and what a flag looks like.
NAMES = ["-dash", "null", "true", "yes", "1e3", "0x10", "123", "1_000", "1.5", ".", "2024-01-01"]


@pytest.fixture(params=["3.9", "4.4"])
def line(request: pytest.FixtureRequest) -> str:
    """A Kafka line: the newest of each mode."""
    return str(request.param)


@pytest.fixture
def broker(line: str, request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A ready broker of that line, without topics before and after."""
    name = "running" if line == "3.9" else "running_kafka_4"
    sandbox: Sandbox = request.getfixturevalue(name)
    yield sandbox
    ok(sandbox.run("reset", "--yes"))


def _accepted(broker: Sandbox, topics: list[NewTopic]) -> list[NewTopic]:
    """Return those that the broker would create."""
    client = AdminClient({"bootstrap.servers": bootstrap(broker), "log_level": 0})
    found = []
    for at in range(0, len(topics), 300):
        some = {topic.topic: topic for topic in topics[at : at + 300]}
        for name, future in client.create_topics(list(some.values()), validate_only=True).items():
            try:
                future.result(30)
            except KafkaException:
                continue
            found.append(some[name])
    return found


def _create(broker: Sandbox, topics: list[NewTopic]) -> None:
    client = AdminClient({"bootstrap.servers": bootstrap(broker), "log_level": 0})
    for at in range(0, len(topics), 50):
        for future in client.create_topics(topics[at : at + 50]).values():
            future.result(60)
    # A controller accepts topics before the brokers show them.
    wanted = {topic.topic for topic in topics}
    eventually(lambda: wanted <= set(client.list_topics(timeout=10).topics), "all topics")


def _variety(line: str) -> list[NewTopic]:
    values = [(key, value) for key in sorted(configs.table(line)) for value in VALUES]
    return [
        *(NewTopic(name, 1, 1) for name in NAMES),
        *(NewTopic(f"t{n}", 1, 1, config={key: value}) for n, (key, value) in enumerate(values)),
    ]


def _planned(broker: Sandbox, file: str, **env: str | None) -> dict[str, int]:
    done = ok(broker.run("topic.plan", "--file", file, "-o", "json", env=env)).document
    pending = [change for change in done["changes"] if change["action"] != "none"]
    assert pending == [], pending[:5]
    return dict(done["summary"])


def test_an_export_plans_to_nothing_and_an_undo_file_brings_all_back(
    broker: Sandbox, line: str
) -> None:
    """Each setting with each value that this broker takes: on this cluster, and as a remote one."""
    topics = _accepted(broker, _variety(line))
    assert len(topics) > 150
    assert {key for topic in topics for key in topic.config or ()} == set(configs.table(line))
    _create(broker, topics)
    ok(broker.run("topic.export", "--out", "export.yaml", "--yes"))
    unchanged = {"create": 0, "update": 0, "delete": 0, "unchanged": len(topics), "blocked": 0}
    assert _planned(broker, "export.yaml") == unchanged
    address = bootstrap(broker)
    assert _planned(broker, "export.yaml", KAFKA_TASKS_BOOTSTRAP_SERVERS=address,
                    KAFKA_TASKS_RUNTIME=None) == unchanged  # fmt: skip
    gone = ok(broker.run("topic.delete", "*", "--yes", "-o", "json")).document
    assert broker.topics() == []
    ok(broker.run("topic.apply", "--file", gone["undo"], "--yes"))
    assert _planned(broker, "export.yaml") == unchanged


def test_the_cluster_decides_about_a_setting_that_no_table_has(broker: Sandbox, line: str) -> None:
    """On a remote cluster: warnings of `validate` and `plan`; `apply` shows the broker's answer."""
    remote: dict[str, str | None] = {
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": bootstrap(broker),
        "KAFKA_TASKS_RUNTIME": None,
    }
    ok(broker.run("topic.create", "there"))
    declared = [
        {"name": "there", "config": {"retention.mss": 5}},
        {"name": "new", "config": {"nobody.knows": "x", "retention.ms": 5}},
    ]
    (broker.path / "strange.yaml").write_text(yaml.safe_dump({"topics": declared}))
    checked = ok(broker.run("topic.validate", "--file", "strange.yaml", "-o", "json", env=remote))
    assert [text.split(": ")[1] for text in checked.document["warnings"]] == [
        "Kafka has no topic setting retention.mss; did you mean retention.ms?",
        "Kafka has no topic setting nobody.knows",
    ]
    done = ok(broker.run("topic.plan", "--file", "strange.yaml", "-o", "json", env=remote))
    assert [change["action"] for change in done.document["changes"]] == ["create", "update"]
    said = "this cluster has no topic setting retention.mss; did you mean retention.ms?"
    assert f"{said}; the cluster decides" in done.err
    applied = broker.run("topic.apply", "--file", "strange.yaml", env=remote)
    assert applied.code == 1
    assert "nobody.knows" in applied.out and "retention.mss" in applied.out
    here = broker.run("topic.plan", "--file", "strange.yaml", "-o", "json")
    assert here.error["exit_code"] == 3
    assert f"Kafka {line} has no topic setting nobody.knows" in json.dumps(here.error)
