"""Topics as code on three real brokers: plan, apply, plan again; export; replicas that move."""

from __future__ import annotations

import json
import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.conftest import Done, Sandbox, eventually
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)

CONFIGS = {
    "retention.ms": ["5000000", "604800000"],
    "cleanup.policy": ["delete", "compact", "compact,delete"],
    "min.insync.replicas": ["1", "2"],
    "segment.bytes": ["1048576", "1073741824"],
}


@pytest.fixture(scope="module")
def three(running_three: Sandbox) -> Sandbox:
    """The cluster of three brokers that modules share; each test takes all topics away first."""
    return running_three


def declare(sandbox: Sandbox, *topics: dict[str, Any], **top: Any) -> None:
    """Write topics.yaml."""
    text = yaml.safe_dump({**top, "topics": list(topics)}, sort_keys=False)
    (sandbox.path / "topics.yaml").write_text(text)


def planned(sandbox: Sandbox, *flags: str) -> dict[str, Any]:
    """The document of `topic.plan`."""
    done = sandbox.run("topic.plan", "-o", "json", *flags)
    assert done.code in (0, 2), done.out + done.err
    return done.document


def applied(sandbox: Sandbox, *flags: str) -> dict[str, Any]:
    """The document of a `topic.apply` that has to succeed."""
    done = sandbox.run("topic.apply", "-o", "json", *flags)
    assert done.code == 0, done.out + done.err
    return done.document


def described(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """The document of `topic.describe`."""
    return sandbox.run("topic.describe", name, "-o", "json").document


def clean(sandbox: Sandbox) -> None:
    """Take all topics away; a broker may still show one that is gone."""
    if sandbox.topics():
        done = sandbox.run("topic.delete", "*", "--yes")
        assert done.code == 0 or "No topic matches" in done.err, done.err


def test_a_file_is_planned_applied_and_planned_to_nothing(three: Sandbox) -> None:
    """Create, alter, grow, move replicas, delete: each shows in the plan and is gone after."""
    clean(three)
    declare(
        three,
        {"name": "a", "partitions": 2, "replication_factor": 1, "config": {"retention.ms": 5}},
        {"name": "b", "partitions": 1},
    )
    first = planned(three, "--detailed-exitcode")
    assert first["summary"] == {
        "create": 2, "update": 0, "delete": 0, "unchanged": 0, "blocked": 0,
    }  # fmt: skip
    assert [at["topic"] for at in applied(three)["done"]] == ["a", "b"]
    assert three.run("topic.plan", "--detailed-exitcode").code == 0
    declare(
        three,
        {"name": "a", "partitions": 4, "replication_factor": 3, "config": {"retention.ms": 6}},
        {"name": "b", "state": "absent"},
    )
    assert three.run("topic.plan", "--detailed-exitcode").code == 2
    changes = {change["topic"]: change for change in planned(three)["changes"]}
    assert changes["a"]["fields"] == [
        {"field": "partitions", "from": 2, "to": 4},
        {"field": "replication_factor", "from": 1, "to": 3},
        {"field": "config.retention.ms", "from": "5", "to": "6"},
    ]
    assert changes["b"]["action"] == "delete"
    done = applied(three, "--yes")
    assert "name: b" in Path(done["undo"]).read_text()
    seen = described(three, "a")
    assert [len(p["isr"]) for p in seen["partitions"]] == [3] * 4
    assert seen["config"]["retention.ms"]["value"] == "6"
    assert planned(three)["summary"]["unchanged"] == 2


@pytest.mark.parametrize(("before", "after"), telling([(1, 3), (3, 1), (2, 3), (3, 2)], (1, 3)))
def test_replicas_move_with_their_records(three: Sandbox, before: int, after: int) -> None:
    """Every partition is in sync on as many brokers as asked for, and the records are there."""
    name = f"moved-{before}-{after}"
    declare(three, {"name": name, "partitions": 3, "replication_factor": before})
    applied(three)
    assert three.run("topic", "--name", name, "--prove").code == 0
    leaders = [p["leader"] for p in described(three, name)["partitions"]]
    declare(three, {"name": name, "partitions": 3, "replication_factor": after})
    applied(three)
    seen = described(three, name)["partitions"]
    assert [sorted(p["isr"]) == sorted(p["replicas"]) for p in seen] == [True] * 3
    assert [len(p["replicas"]) for p in seen] == [after] * 3
    assert [p["leader"] for p in seen] == leaders
    assert sum(p["end"] - p["start"] for p in seen) == 1
    listed = subprocess.run(
        ["kcat", "-L", "-b", bootstrap(three), "-t", name, "-J"],
        capture_output=True,
        check=True,
        timeout=30,
    )
    kcat = json.loads(listed.stdout)["topics"][0]["partitions"]
    assert [sorted(r["id"] for r in p["replicas"]) for p in kcat] == [
        sorted(p["replicas"]) for p in seen
    ]


def bootstrap(sandbox: Sandbox) -> str:
    """The address of the cluster."""
    return str(sandbox.run("status", "-o", "json").document["bootstrap_servers"])


def test_what_is_blocked_changes_nothing_and_the_rest_is_done(three: Sandbox) -> None:
    """Exit 1 with the reasons; fewer partitions, too many replicas and a protected topic stay."""
    clean(three)
    declare(three, {"name": "own.a", "partitions": 3}, owner="own.")
    applied(three)
    before = described(three, "own.a")
    declare(
        three,
        {"name": "own.a", "partitions": 1, "config": {"retention.ms": 1}},
        {"name": "own.b", "replication_factor": 9},
        {"name": "other"},
        {"name": "own.c", "partitions": 2},
        owner="own.",
    )
    done = three.run("topic.apply", "-o", "json")
    assert done.code == 1
    assert [at["topic"] for at in done.document["done"]] == ["own.c"]
    assert [at["topic"] for at in done.document["blocked"]] == ["other", "own.a", "own.b"]
    assert all(at["reason"] for at in done.document["blocked"])
    assert described(three, "own.a") == before
    assert three.topics() == ["own.a", "own.c"]


def test_undeclared_topics_go_only_with_prune_and_a_confirmation(three: Sandbox) -> None:
    """Below the owner's prefixes alone, listed, and not without --yes where nobody can answer."""
    clean(three)
    for name in ("mine.old", "theirs"):
        assert three.run("topic.create", name).code == 0
    declare(three, {"name": "mine.new"}, owner=["mine."])
    assert planned(three)["summary"]["delete"] == 0
    refused = three.run("topic.apply", "--prune")
    assert refused.code == 6
    assert "mine.old" in refused.err
    assert three.topics() == ["mine.old", "theirs"]
    applied(three, "--prune", "--yes")
    assert three.topics() == ["mine.new", "theirs"]
    declare(three, {"name": "mine.new"})
    three.run("topic.plan", "--prune").refused(3, "--prune needs an owner")


def test_a_kept_plan_is_applied_once_and_to_its_cluster(three: Sandbox) -> None:
    """The same plan again is refused, and says what has changed."""
    clean(three)
    declare(three, {"name": "kept", "partitions": 2})
    planned(three, "--out", "plan.json")
    declare(three, {"name": "not-in-the-plan"})
    applied(three, "--plan", "plan.json")
    assert three.topics() == ["kept"]
    again = three.run("topic.apply", "--plan", "plan.json")
    again.refused(6, "has changed since", "kept: not there then, there now")
    kept = json.loads((three.path / "plan.json").read_text())
    kept["cluster_id"] = "another"
    (three.path / "plan.json").write_text(json.dumps(kept))
    three.run("topic.apply", "--plan", "plan.json").refused(6, "made for cluster another")


def test_an_export_plans_to_nothing(three: Sandbox) -> None:
    """topics.yaml of a live cluster is the cluster, settings included."""
    clean(three)
    for name, flags in {
        "one": ("--config", "retention.ms=5", "--config", "cleanup.policy=compact"),
        "two": ("--partitions", "3", "--replication-factor", "2"),
    }.items():
        assert three.run("topic.create", name, *flags).code == 0
    done = three.run("topic.export", "--out", "topics.yaml", "--yes")
    assert done.code == 0, done.err
    assert planned(three)["summary"] == {
        "create": 0, "update": 0, "delete": 0, "unchanged": 2, "blocked": 0,
    }  # fmt: skip
    three.run("topic.export", "--out", "topics.yaml").refused(6, "would be overwritten")
    strimzi = list(yaml.safe_load_all(three.run("topic.export", "--format", "strimzi").out))
    assert [r["spec"]["partitions"] for r in strimzi] == [1, 3]
    document = three.run("topic.export", "--format", "terraform", "-o", "json").document
    assert 'resource "kafka_topic" "two"' in document["text"]


def _random_topic(dice: random.Random, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name}
    if dice.random() < 0.15:
        return {**entry, "state": "absent"}
    if dice.random() < 0.7:
        entry["partitions"] = dice.randint(1, 4)
    if dice.random() < 0.6:
        entry["replication_factor"] = dice.randint(1, 3)
    keys = dice.sample(sorted(CONFIGS), dice.randint(0, 3))
    return {**entry, "config": {key: dice.choice(CONFIGS[key]) for key in keys}}


def test_any_declaration_on_any_cluster_ends_as_declared(
    three: Sandbox, pytestconfig: pytest.Config
) -> None:
    """Plan, apply, plan, over random declarations: empty but for what is blocked, untouched."""
    clean(three)
    seed = 20_261
    dice = random.Random(seed)
    for turn in range(8 if pytestconfig.getoption("--full") else 2):
        declare(three, *(_random_topic(dice, f"r{n}") for n in dice.sample(range(8), 6)))
        first = planned(three)
        blocked = [c["topic"] for c in first["changes"] if c["action"] == "blocked"]
        there = set(three.topics()) if blocked else set()
        before = {name: described(three, name) for name in blocked if name in there}
        done = three.run("topic.apply", "-o", "json", "--yes")
        assert done.code == (1 if blocked else 0), f"seed {seed}, turn {turn}: {done.out}"
        left = [c for c in planned(three)["changes"] if c["action"] != "none"]
        assert [c["topic"] for c in left] == blocked, f"seed {seed}, turn {turn}: {left}"
        for name, was in before.items():
            assert described(three, name)["config"] == was["config"], f"seed {seed}: {name}"


def test_ctrl_c_gives_a_true_account_and_the_next_apply_ends_it(three: Sandbox) -> None:
    """What the account calls done is done; the same command again does the rest."""
    clean(three)
    names = [f"c{n:03}" for n in range(250)]
    declare(three, *({"name": name, "partitions": 1} for name in names))
    process = three.begin("topic.apply", "-o", "json")
    eventually(lambda: len(three_topics(three)) >= 20, "some topics are there")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    done = Done(process.returncode, out, err)
    assert done.code == 130, done.err
    account = done.document
    assert account["interrupted"]
    done_names = {at["topic"] for at in account["done"]}
    # The broker that kcat asks may hear of new topics a moment after the others.
    eventually(lambda: done_names <= set(three_topics(three)), "every broker knows what is done")
    assert not set(account["not_begun"]) & set(three_topics(three))
    assert len(account["done"]) + len(account["unknown"]) + len(account["not_begun"]) == 250
    assert account["not_begun"]
    applied(three)
    eventually(lambda: set(three_topics(three)) == set(names), "every broker knows all")


@pytest.mark.release
def test_ctrl_c_in_a_deletion_says_what_is_gone(three: Sandbox) -> None:
    """Exit 130; no topic that it calls gone is there, and what was not reached is called so."""
    clean(three)
    declare(three, *({"name": f"g{n:02}", "partitions": 3} for n in range(60)))
    applied(three)
    # The broker that kcat asks may hear of new topics a moment after the others.
    eventually(lambda: len(three_topics(three)) == 60, "every broker knows all")
    process = three.begin("topic.delete", "g*", "--yes", "-o", "json")
    eventually(lambda: len(three_topics(three)) < 60, "the deletion has begun")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    done = Done(process.returncode, out, err)
    assert done.code == 130, err
    assert done.error["message"] == "Interrupted; requests already sent were not rolled back."
    said = {line.partition(": ")[0]: line for line in done.error["evidence"]}
    assert said and set(said) <= {"gone", "not gone yet"}
    # The broker that it asked, and the one that kcat asks, may hear of it a moment apart.
    names = set(said.get("gone", "").partition("(")[2].rstrip(")").split(", "))
    eventually(lambda: not names & set(three_topics(three)), "every broker knows what is gone")


def three_topics(sandbox: Sandbox) -> list[str]:
    """The names, as kcat sees them: fast enough to look while something runs."""
    done = subprocess.run(
        ["kcat", "-L", "-J", "-b", _known_bootstrap(sandbox)],
        capture_output=True,
        check=True,
        timeout=30,
    )
    return [t["topic"] for t in json.loads(done.stdout)["topics"] if t["topic"][:2] != "__"]


def _known_bootstrap(sandbox: Sandbox) -> str:
    return f"127.0.0.1:{sandbox.recorded()['services'][-1]['port']}"


@pytest.mark.release
def test_two_applies_at_once_end_as_declared(three: Sandbox) -> None:
    """Neither fails, whoever made a topic."""
    clean(three)
    declare(three, *({"name": f"d{n:02}", "partitions": 2} for n in range(40)))
    both = [three.begin("topic.apply") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=90)
        assert process.returncode == 0, out + err
    assert planned(three)["summary"]["unchanged"] == 40


@pytest.mark.release
def test_a_topic_that_is_being_deleted_is_made_anew(three: Sandbox) -> None:
    """A deletion that is under way when the plan is made does not stand in the way."""
    clean(three)
    declare(three, *({"name": f"e{n:02}", "partitions": 3} for n in range(20)))
    applied(three)
    deleting = three.begin("topic.delete", "e*", "--yes")
    eventually(lambda: len(three_topics(three)) < 20, "the deletion has begun")
    deadline = three.run("topic.apply", "-o", "json")
    deleting.communicate(timeout=60)
    assert deadline.code == 0, deadline.out
    assert three.run("topic.apply").code == 0
    assert planned(three)["summary"]["unchanged"] == 20


@pytest.mark.release
# The 90 s count again for each batch of requests, and for the leaders.
@pytest.mark.timeout(600)
def test_a_broker_that_dies_in_the_middle_does_not_end_the_apply(
    project: Sandbox,
) -> None:
    """The apply goes on when the broker is back, and everything is as declared."""
    project.up()
    declare(project, *({"name": f"f{n:03}", "partitions": 1} for n in range(150)))
    process = project.begin("topic.apply", "-o", "json", "--timeout", "90")
    eventually(lambda: len(three_topics(project)) >= 10, "some topics are there")
    project.kill("kafka")
    project.up()
    out, err = process.communicate(timeout=450)
    assert process.returncode == 0, out + err
    assert planned(project)["summary"]["unchanged"] == 150
