from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics import export, plan_file
from kafka_tasks.topics.model import TopicSpec, WantedTopics
from kafka_tasks.topics.observe import Observed, planned
from kafka_tasks.topics.plan_file import KeptPlan
from kafka_tasks.topics.topics_yaml import read
from tests.unit.fakes import topic

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
WANTED = WantedTopics((TopicSpec("a", 2, 1, {"retention.ms": "5"}), TopicSpec("b", absent=True)))


def _observed(**topics: TopicState) -> Observed:
    return Observed("id-1", (1,), topics)


def _kept(seen: Observed) -> KeptPlan:
    return plan_file.kept(WANTED, seen, planned(WANTED, seen), prune=False)


def test_an_undo_file_is_a_topics_file_with_the_topics_as_they_were(tmp_path: Path) -> None:
    """What was set on them is there, a dollar stays one, and only the owner reads it."""
    state = topic("orders", 3, 1, {"retention.ms": "5", "cleanup.policy": "compact"})
    odd = topic("odd", 1, 1, {"leader.replication.throttled.replicas": "*"})
    path = export.write_undo(tmp_path / "undo", "id-1", [state, odd], {}, now=NOON)
    wanted = read([path], {})
    assert [(s.name, s.partitions, s.config) for s in wanted.specs] == [
        ("odd", 1, {"leader.replication.throttled.replicas": "*"}),
        ("orders", 3, {"cleanup.policy": "compact", "retention.ms": "5"}),
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    assert export.UNDO_NOTICE in path.read_text()


def test_an_undo_file_keeps_what_groups_had_committed(tmp_path: Path) -> None:
    """Of the topics in it, as comments that no reader of YAML trips over."""
    committed = {"billing": {("orders", 0): 17, ("other", 1): 5}}
    path = export.write_undo(tmp_path, "id-1", [topic("orders")], committed, now=NOON)
    assert "#   billing  orders-0  17" in path.read_text()
    assert "other-1" not in path.read_text()
    assert list(yaml.safe_load(path.read_text())) == ["topics"]


@pytest.mark.parametrize("edited", [{"name": "a b"}, {"partitions": 0}, {"replication_factor": 0}])
def test_a_plan_that_was_edited_into_nonsense_is_none(
    tmp_path: Path, edited: dict[str, Any]
) -> None:
    """What topics.yaml may not say, no kept plan may say either."""
    before = _kept(_observed(b=topic("b")))
    bad = (replace(before.specs[0], **edited), *before.specs[1:])
    plan_file.write(msgspec.structs.replace(before, specs=bad), tmp_path / "plan.json")
    with pytest.raises(InvalidInput, match="is not a plan that"):
        plan_file.read(tmp_path / "plan.json")


def test_a_plan_comes_back_from_its_file(tmp_path: Path) -> None:
    """What was written is what is read, and it fits the cluster that it was made for."""
    before = _kept(_observed(b=topic("b")))
    plan_file.write(before, tmp_path / "plan.json")
    again = plan_file.read(tmp_path / "plan.json")
    assert again == before
    assert again.wanted.specs == WANTED.specs
    plan_file.require_same(again, _kept(_observed(b=topic("b"))))


def test_topics_that_the_plan_is_not_about_do_not_matter() -> None:
    """Somebody else's new topic does not make the plan stale."""
    before = _kept(_observed(b=topic("b")))
    plan_file.require_same(before, _kept(_observed(b=topic("b"), other=topic("other"))))


@pytest.mark.parametrize(
    ("seen", "said"),
    [
        (_observed(), "b: there then, gone now"),
        (_observed(b=topic("b"), a=topic("a")), "a: not there then, there now"),
        (_observed(b=topic("b", 4)), "b: partitions was 1, is 4"),
        (_observed(b=topic("b", config={"x": "1"})), "b: config.x was None, is 1"),
        (replace(_observed(b=topic("b")), brokers=(1, 2)), "brokers: 1 then, 1, 2 now"),
        (replace(_observed(b=topic("b")), racks={1: "a"}), "racks: none then, 1 in a now"),
    ],
)
def test_a_cluster_that_has_changed_is_refused_and_says_how(seen: Observed, said: str) -> None:
    """Exit 6, with what was and what is."""
    with pytest.raises(Refused, match="has changed since") as caught:
        plan_file.require_same(_kept(_observed(b=topic("b"))), _kept(seen))
    assert said in caught.value.evidence
    assert caught.value.exit_code == 6


def test_another_cluster_is_refused() -> None:
    """Both ids are named."""
    other = replace(_observed(b=topic("b")), cluster_id="id-2")
    with pytest.raises(Refused, match="made for cluster id-1, this is id-2"):
        plan_file.require_same(_kept(_observed(b=topic("b"))), _kept(other))


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"nonsense", b"\xff\xfe", b'{"format": 5}', b"[" * 100_000]
)
def test_what_is_no_plan_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    """Garbage, half a file and other JSON are exit 3."""
    path = tmp_path / "plan.json"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match="is not a plan"):
        plan_file.read(path)


def test_a_plan_of_another_format_is_named(tmp_path: Path) -> None:
    """A later version's plan is not guessed at."""
    path = tmp_path / "plan.json"
    plan_file.write(_kept(_observed()), path)
    path.write_text(path.read_text().replace(plan_file._FORMAT, "kafka-tasks plan 9"))
    with pytest.raises(InvalidInput, match="kafka-tasks plan 9"):
        plan_file.read(path)


def test_a_plan_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """The directory is not there."""
    with pytest.raises(InvalidInput, match="cannot be written"):
        plan_file.write(_kept(_observed()), tmp_path / "none" / "plan.json")
