from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.results import Known, Proof, Pulled
from kafka_tasks.model.role import Role
from kafka_tasks.model.topic import ConfigValue, ListedTopic, Offsets, TopicState
from kafka_tasks.render import tables, words
from kafka_tasks.render.views import clusters, proof, pulled, ready, report, topics
from kafka_tasks.render.views import topic as topic_view
from kafka_tasks.render.views.ready import Ready
from kafka_tasks.render.views.topic import Described
from kafka_tasks.render.views.topics import Topics
from tests.unit.fakes import topic
from tests.unit.render.test_documents import REPORT


def _plain(text: str) -> bool:
    return "\x1b" not in text and all(line == line.rstrip() for line in text.splitlines())


def test_a_start_says_how_long_and_where() -> None:
    """One line that says it, then the addresses."""
    assert ready.text(Ready(structs.replace(REPORT, changed=True)), width=80).splitlines() == [
        "Ready after 1.7 s (embedded, Kafka 3.9.1).",
        "  bootstrap servers  localhost:9092",
        "  ZooKeeper          localhost:2181",
        "  cluster id         id",
    ]


def test_what_is_not_known_is_left_out() -> None:
    """A remote cluster has neither ZooKeeper nor version to show."""
    remote = structs.replace(REPORT, runtime="remote", zookeeper=None, kafka_version=None)
    text = ready.text(Ready(remote), width=80)
    assert "(remote)." in text
    assert "ZooKeeper" not in text


def test_a_status_says_what_does_not_hold() -> None:
    """The state, the layer with its reason, and a row a service."""
    sick = structs.replace(
        REPORT, state="degraded", failed_layer="broker", reason="localhost:9092: refused"
    )
    lines = report.text(sick, width=200).splitlines()
    assert lines[:2] == [
        "degraded (embedded, /abs/path)",
        "  layer broker: localhost:9092: refused",
    ]
    (row,) = [line for line in lines if line.startswith("zookeeper")]
    assert row.split() == ["zookeeper", "ready", "localhost:2181", "123", "3", "s"]


def test_a_stopped_cluster_has_a_hint() -> None:
    """Nothing runs: the line that starts it is shown."""
    text = report.text(structs.replace(REPORT, state="stopped", services=()), width=80)
    assert text.splitlines()[-1] == "Hint: invoke kafka.up"


def test_health_is_a_column_only_where_there_is_one() -> None:
    """Containers have a health; processes do not, and then there is no column."""
    process = REPORT.services[0]
    container = ServiceState(
        "kafka", Role.BROKER, True, container="0123456789abcdef", health="healthy"
    )
    assert "health" not in report.text(structs.replace(REPORT, services=(process,)), width=200)
    both = report.text(structs.replace(REPORT, services=(process, container)), width=200)
    assert "health" in both and "0123456789ab " in both and "0123456789abc" not in both


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (5400, "1 h"),
        (86399, "23 h"),
        (200000, "2 d"),
    ],
)
def test_a_duration_has_one_unit_and_is_never_rounded_up(seconds: float | None, text: str) -> None:
    """Sixty seconds are a minute, and what is not yet an hour is not called one."""
    assert words.duration(seconds) == text


def test_clusters_are_listed_or_there_are_none() -> None:
    """A row a cluster, whole paths in a pipe, and a hint when there is none."""
    path = Path("/a/very/long/path") / ("x" * 150)
    found = [Known(path, "embedded", "ready", "localhost:9092", "localhost:2181")]
    text = clusters.text(found, width=1000)
    assert str(path) in text and _plain(text)
    assert clusters.text([], width=80).splitlines()[-1] == "Hint: invoke kafka.up"


@pytest.mark.parametrize(
    ("found", "lines"),
    [
        (
            Proof("test-topic", True, 1, 1, 1, 1, 7.5),
            [
                "Topic test-topic created and proven (1 partition, replication factor 1).",
                "  leaders  1 of 1",
                "  records  1; one record in and out in 7.5 ms",
            ],
        ),
        (
            Proof("mine", False, 3, 2, 3, 40, None),
            [
                "Topic mine found and proven (3 partitions, replication factor 2).",
                "  leaders  3 of 3",
                "  records  40; no record was written to it (--prove allows one)",
            ],
        ),
    ],
)
def test_a_proof_says_what_was_proven(found: Proof, lines: list[str]) -> None:
    """Created or found, its shape, its leaders, and whether a record went through."""
    assert proof.text(found, width=80).splitlines() == lines


def test_topics_are_listed_with_what_is_wrong() -> None:
    """A topic without all its leaders stands out."""
    found = [ListedTopic(topic("a", 2), None), ListedTopic(topic("b", 3, leader=None), None)]
    lines = topics.text(Topics(found), width=200).splitlines()
    assert lines[-2].split() == ["a", "2", "1"]
    assert lines[-1].split() == ["b", "3", "1", "0", "leaders", "only"]
    assert topics.text(Topics([]), width=80) == "There are no topics."
    assert topics.text(Topics([], filtered=True), width=80) == "No topic matches."


def test_a_topic_shows_its_own_settings_only() -> None:
    """Defaults are not listed; what was set is, with where it comes from."""
    state = topic("t", 1, config={"retention.ms": "5"}, leader=None)
    state = replace(
        state, config={**state.config, "cleanup.policy": ConfigValue("delete", "default", False)}
    )
    text = topic_view.text(Described(state, {0: Offsets(2, 8)}), width=200)
    assert text.startswith("t: 1 partition, replication factor 1\n")
    (row,) = [line for line in text.splitlines() if line.startswith("0")]
    assert row.split() == ["0", "none", "1", "1", "2", "8"]
    assert "retention.ms" in text and "cleanup.policy" not in text
    assert "rack" not in text
    racked = topic_view.text(Described(state, {}, racks={1: "eu-1"}), width=200)
    assert racked.splitlines()[-1].split() == ["1", "eu-1"]
    bare = TopicState("t", state.partitions)
    assert "Every setting has its default." in topic_view.text(Described(bare, {}), width=200)


def test_text_from_elsewhere_is_not_markup() -> None:
    """Brackets and colons in a cell are shown as they are."""
    text = tables.table(["a"], [["[red]x[/red] :smile: [bold"]], width=200)
    assert "[red]x[/red] :smile: [bold" in text
    assert _plain(text)


def test_a_narrow_screen_wraps_and_loses_nothing() -> None:
    """Every character of a long cell is still there at 40 columns."""
    text = tables.table(["name", "value"], [["n", "v" * 100]], width=40)
    assert text.count("v") == 101
    assert max(map(len, text.splitlines())) <= 40


def test_the_rest_is_in_words() -> None:
    """`pull` lists what is there; an address is shown as one."""
    assert pulled.text(Pulled("embedded", ("30 jars", "Java 17"), 2.0), width=80).splitlines() == [
        "Everything that kafka.up needs is here (2.0 s):",
        "  30 jars",
        "  Java 17",
    ]
    assert tables.pairs([("a", None), ("at", Address("h", 1))]) == "  at  h:1"
    assert (words.counted(1, "topic"), words.counted(0, "topic")) == ("1 topic", "0 topics")


NAMES = ["orders", "a." + "very.long." * 7, "x" * 249]


def test_a_narrow_screen_breaks_long_names_and_no_number() -> None:
    """Numbers, headings and short words stay whole; nothing is lost, and no line is longer."""
    found = [ListedTopic(topic(name, 6), 123_456, 123_456_789_012) for name in NAMES]
    lines = topics.text(Topics(found), width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["topic", "partitions", "replication", "records", "bytes"]
    assert sum("123456 " in line and "123456789012" in line for line in lines) == 3
    first = "".join(line.split()[0] for line in lines[2:])
    assert first == "".join(NAMES)


def test_a_pipe_gets_a_line_a_row_however_long() -> None:
    """What reads it splits lines."""
    text = tables.table(["group", "topics"], [["g", ", ".join(NAMES * 99)]] * 2, width=1_000_000)
    assert len(text.splitlines()) == 4


@given(
    rows=st.lists(
        st.tuples(st.text(st.characters(min_codepoint=32, max_codepoint=126)), st.integers()),
        min_size=1,
        max_size=5,
    )
)
def test_what_needs_no_wrapping_looks_as_rich_would_have_it(rows: list[tuple[str, int]]) -> None:
    """The short way draws the same table."""
    texts = [[name.strip(), str(number)] for name, number in rows]
    widths = [max(map(len, column)) for column in zip(["a", "number"], *texts, strict=True)]
    assert tables._unwrapped(["a", "number"], texts, widths) == tables._wrapped(
        ["a", "number"], texts, widths, 1000
    )
