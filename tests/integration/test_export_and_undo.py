"""What a broker accepts can be exported, planned, deleted and applied again, on 3.9 and on 4.4."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import yaml
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kafka_tasks.model.setting import Setting
from kafka_tasks.topics import configs
from tests.integration.answers import call, inside
from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_verbs_and_groups import bootstrap, ok
from tests.tiers import telling

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


@pytest.fixture(params=telling(["3.9", "4.4"], "3.9"))
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


_WHOLE = st.integers(-3, 30) | st.integers(0, 2**31 - 1) | st.integers(-(2**63), 2**63 - 1)
_PART = st.floats(0, 1)
_BLANKS = st.sampled_from(["", " "])


def _written(entry: Setting) -> st.SearchStrategy[str]:
    """Return texts of every kind, and the words of this setting; the broker judges them."""
    words = st.sampled_from([*entry.allowed, "true", "FALSE", "*", "0:1", "12:34"])
    plain = st.one_of(
        *(_WHOLE.map(form.format) for form in ("{}", "{:+d}", "{:012d}")),
        *(_PART.map(form.format) for form in ("{!r}", "{:e}", "{:.3E}", "{:.2f}d", "+{:.4f}F")),
        words,
        st.lists(words, max_size=4).map(",".join),
        st.lists(words, min_size=2, max_size=3).map(" , ".join),
    )
    return st.tuples(_BLANKS, plain, _BLANKS).map("".join)


def _settings(line: str) -> st.SearchStrategy[list[tuple[str, str]]]:
    table = configs.table(line)

    def one(key: str) -> st.SearchStrategy[tuple[str, str]]:
        return st.tuples(st.just(key), _written(table[key]))

    # A broker makes a file of so many bytes for each topic.
    keys = sorted(set(table) - {"segment.index.bytes"})
    return st.lists(st.sampled_from(keys).flatmap(one), min_size=20, max_size=60)


def _planned(broker: Sandbox, file: str, **env: str | None) -> dict[str, int]:
    done = ok(broker.run("topic.plan", "--file", file, "-o", "json", env=env)).document
    pending = [change for change in done["changes"] if change["action"] != "none"]
    assert pending == [], pending[:5]
    return dict(done["summary"])


@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_the_broker_accepts_is_the_same_after_an_export(
    broker: Sandbox, line: str, data: st.DataObject
) -> None:
    """Values of every spelling, not those of a list alone."""
    drawn = data.draw(_settings(line))
    topics = [NewTopic(f"p{n}", 1, 1, config={key: text}) for n, (key, text) in enumerate(drawn)]
    with inside(broker):
        assert call("reset", "--yes").code == 0
        accepted = _accepted(broker, topics)
        _create(broker, accepted)
        assert call("topic.export", "--out", "drawn.yaml", "--yes").code == 0
        planned = call("topic.plan", "--file", "drawn.yaml", "-o", "json")
        assert planned.code == 0, planned.out
        changes = [change for change in planned.document["changes"] if change["action"] != "none"]
        assert changes == []
        assert planned.document["summary"]["unchanged"] == len(accepted)


@pytest.mark.release
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
