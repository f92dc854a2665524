from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import hcl2
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from kafka_tasks.topics import export
from kafka_tasks.topics.plan import plan
from kafka_tasks.topics.topics_yaml import read
from tests.unit.any_text import CHARACTERS
from tests.unit.fakes import topic

ORDERS = topic("shop.Orders", 3, 2, {"cleanup.policy": "compact", "retention.ms": "604800000"})
PLAIN = topic("plain")


def _parsed(text: str) -> dict[str, Any]:
    """Label to body; the parser keeps the quotes of both."""
    blocks = hcl2.loads(text)["resource"]
    return {label.strip('"'): body for b in blocks for k in b.values() for label, body in k.items()}


def test_an_exported_file_plans_to_nothing(tmp_path: Path) -> None:
    """What is written is read as what is there, with the owner's prefixes."""
    path = tmp_path / "topics.yaml"
    path.write_text(export.topics_yaml([PLAIN, ORDERS], cluster_id="id", owner=["shop.", "plain"]))
    wanted = read([path], {}, kafka_line="3.9")
    assert wanted.owner == ("shop.", "plain")
    observed = {state.name: state for state in (PLAIN, ORDERS)}
    assert plan(wanted.specs, observed, brokers=2).pending == ()


def test_strimzi_has_a_resource_for_each_topic() -> None:
    """A name that Kubernetes would not take stands in topicName."""
    orders, plain = yaml.safe_load_all(export.strimzi([ORDERS, PLAIN], kafka="shop"))
    assert orders["kind"] == "KafkaTopic"
    assert orders["metadata"] == {
        "name": "shop.orders",
        "labels": {"strimzi.io/cluster": "shop"},
    }
    assert orders["spec"] == {
        "topicName": "shop.Orders",
        "partitions": 3,
        "replicas": 2,
        "config": {"cleanup.policy": "compact", "retention.ms": 604800000},
    }
    assert plain["metadata"]["name"] == "plain"
    assert "topicName" not in plain["spec"]


def test_names_that_become_the_same_are_told_apart() -> None:
    """Two topics that differ in case or in characters have two resources."""
    twins = [topic("A_b"), topic("a-b"), topic("a_b")]
    names = [r["metadata"]["name"] for r in yaml.safe_load_all(export.strimzi(twins, kafka="k"))]
    assert names == ["a-b", "a-b-2", "a-b-3"]
    assert list(_parsed(export.terraform([topic("a.b"), topic("a_b")]))) == ["a_b", "a_b-2"]


@given(
    st.lists(
        st.from_regex(r"[A-Za-z0-9._-]{1,249}", fullmatch=True, alphabet=CHARACTERS),
        min_size=1,
        max_size=8,
        unique=True,
    )
)
@example(["a..b", "a.-b", "a-.b", "a", "a-2", "A", "_", "-", "...x"])
def test_kubernetes_takes_each_name(names: list[str]) -> None:
    """Each part between dots begins and ends with a letter or a digit, and no two are the same."""
    written = yaml.safe_load_all(export.strimzi([topic(name) for name in names], kafka="k"))
    made = [resource["metadata"]["name"] for resource in written]
    part = "[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
    assert all(re.fullmatch(rf"{part}(?:\.{part})*", name) and len(name) <= 253 for name in made)
    assert len(set(made)) == len(names)


def test_terraform_reads_what_is_written() -> None:
    """A parser of HCL finds name, numbers and settings."""
    body = _parsed(export.terraform([ORDERS]))["shop_Orders"]
    assert body["name"].strip('"') == "shop.Orders"
    assert (body["partitions"], body["replication_factor"]) == (3, 2)
    config = {key.strip('"'): value.strip('"') for key, value in body["config"].items()}
    assert config == {"cleanup.policy": "compact", "retention.ms": "604800000"}


def test_a_template_of_terraform_is_no_template() -> None:
    """A dollar and a percent sign before a brace are doubled."""
    text = export.terraform([topic("t", config={"x": 'a"${b}%{c}'})])
    assert '"x" = "a\\"$${b}%%{c}"' in text


_values = st.one_of(
    st.sampled_from(
        ["yes", "1e3", "0o7", "010", "null", "~", "${X}", "$", "$$", "*", "a: b", "#", "'"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)


@given(value=_values)
def test_any_value_survives_the_file(value: str) -> None:
    """Whatever YAML or a variable could be taken for, the reader finds the text again."""
    from kafka_tasks.topics.nodes import Problems, Reader

    text = export.topics_yaml([topic("t", config={"x": value})], cluster_id="id", owner=[])
    root = yaml.compose(text, yaml.SafeLoader)
    assert root is not None
    reader = Reader(Problems(), {})
    entry = reader.mapping(root.value[0][1].value[0], "a topic")
    read_back = reader.scalar(reader.mapping(entry["config"][1], "config")["x"][1], "x")
    assert read_back == (value, "str")
    assert reader.problems.found == []
