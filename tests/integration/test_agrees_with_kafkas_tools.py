"""What ours print, held against kcat and the Java commands of the same Kafka.

On one broker, on three, and on Kafka 4.
"""

from __future__ import annotations

import json
import re
import subprocess
from typing import Any

import pytest

from tests.integration.conftest import Sandbox, eventually
from tests.integration.test_records_in_and_out import new_topic, produced
from tests.integration.test_verbs_and_groups import (
    GROUPS,
    TOPICS,
    bootstrap,
    consumer,
    java,
    ok,
)
from tests.tiers import telling

pytestmark = pytest.mark.timeout(300)

CONFIGS = {"3": "kafka.admin.ConfigCommand", "4": "org.apache.kafka.tools.ConfigCommand"}
OFFSETS = "org.apache.kafka.tools.GetOffsetShell"


_CLUSTERS = {"running": 1, "running_three": 3, "running_kafka_4": 1}


@pytest.fixture(scope="module", params=telling([*_CLUSTERS], "running_kafka_4"))
def cluster(request: pytest.FixtureRequest) -> Sandbox:
    """A cluster with topics of several shapes, records in them, and a group that has read some."""
    brokers = _CLUSTERS[request.param]
    sandbox: Sandbox = request.getfixturevalue(request.param)
    new_topic(sandbox, "plain")
    new_topic(
        *(sandbox, "shaped", "--partitions", "5", "--replication-factor", str(brokers)),
        *("--config", "retention.ms=5000000", "--config", "cleanup.policy=compact,delete"),
    )
    # A partition on each broker, and no other replica of it.
    one = ("--partitions", "3", "--replication-factor", "1")
    new_topic(sandbox, "a.with-all_kinds.of-letters.9", *one)
    lines = "".join(f'{{"key":"{n}","value":"{n}"}}\n' for n in range(40))
    for topic in ("plain", "shaped"):
        assert produced(sandbox, lines, topic).code == 0
    ok(sandbox.run("topic.trim", "plain", "--before", "7", "--yes"))
    ok(sandbox.run("group.reset", "readers", "--topic", "shaped", "--to", "+2", "--execute"))
    ok(sandbox.run("group.reset", "readers", "--topic", "plain", "--to", "30", "--execute"))
    return sandbox


def ours(sandbox: Sandbox, *line: str) -> dict[str, Any]:
    """The document of a task that has to succeed."""
    return ok(sandbox.run(*line, "-o", "json")).document


def listed(sandbox: Sandbox, *filters: str) -> set[str]:
    """The topics that `topic.list` shows, Kafka's own too."""
    return {
        topic["name"] for topic in ours(sandbox, "topic.list", "--internal", *filters)["topics"]
    }


def described(sandbox: Sandbox, *flags: str) -> dict[tuple[str, int], dict[str, str]]:
    """The partitions that `kafka-topics --describe` shows."""
    found = {}
    for line in java(sandbox, TOPICS, "--describe", *flags).splitlines():
        columns = dict(re.findall(r"(\w+): ([^\t]*)", line))
        if "Partition" in columns:
            found[columns["Topic"], int(columns["Partition"])] = columns
    return found


def numbers(text: str) -> list[int]:
    """1,2 as it stands there."""
    return [int(number) for number in text.strip().split(",") if number]


def test_the_same_topics_are_there(cluster: Sandbox) -> None:
    """`kafka-topics --list` and kcat have the names that `topic.list --internal` has."""
    names = listed(cluster)
    assert names >= {"plain", "shaped", "__consumer_offsets"}
    assert set(java(cluster, TOPICS, "--list").split()) == names
    kcat = subprocess.run(
        ["kcat", "-L", "-J", "-b", bootstrap(cluster)], capture_output=True, check=True, timeout=30
    )
    assert {topic["topic"] for topic in json.loads(kcat.stdout)["topics"]} == names


def test_partitions_have_the_same_leaders_and_replicas(cluster: Sandbox) -> None:
    """`kafka-topics --describe`, every topic."""
    theirs = described(cluster)
    found = {}
    for name in listed(cluster):
        for at in ours(cluster, "topic.describe", name)["partitions"]:
            found[name, at["id"]] = (at["leader"], at["replicas"], sorted(at["isr"]))
    assert found == {
        place: (int(at["Leader"]), numbers(at["Replicas"]), sorted(numbers(at["Isr"])))
        for place, at in theirs.items()
    }


def test_settings_have_the_same_values_from_the_same_source(cluster: Sandbox) -> None:
    """`kafka-configs --describe --all`, of every topic."""
    tool = CONFIGS[cluster.recorded()["kafka_version"][0]]
    printed = java(cluster, tool, "--describe", "--all", "--entity-type", "topics")
    _, *parts = re.split(r"^All configs for topic (\S+) are:$", printed, flags=re.MULTILINE)
    theirs = dict(zip(parts[::2], parts[1::2], strict=True))
    assert set(theirs) == listed(cluster)
    for topic, dynamic in (("plain", set()), ("shaped", {"retention.ms", "cleanup.policy"})):
        rows = re.findall(
            r"^  (\S+?)=(.*) sensitive=\w+ synonyms=\{(\w*)", theirs[topic], re.MULTILINE
        )
        config = ours(cluster, "topic.describe", topic)["config"]
        assert {key: at["value"] for key, at in config.items()} == {row[0]: row[1] for row in rows}
        for key, _, source in rows:
            named = source.removesuffix("_CONFIG").lower().replace("_", "-") or "default"
            assert config[key]["source"] == named, key
        set_here = {key for key, at in config.items() if at["source"] == "dynamic-topic"}
        assert set_here == dynamic


def test_offsets_are_the_same(cluster: Sandbox) -> None:
    """`kafka-get-offsets`, first and last of each partition of every topic."""
    partitions = {
        (name, at["id"]): at
        for name in listed(cluster)
        for at in ours(cluster, "topic.describe", name)["partitions"]
    }
    for moment, field in (("-2", "start"), ("-1", "end")):
        theirs = {}
        for line in java(cluster, OFFSETS, "--time", moment).split():
            topic, number, offset = line.rsplit(":", 2)
            theirs[topic, int(number)] = int(offset)
        assert theirs == {place: at[field] for place, at in partitions.items()}


def group_rows(sandbox: Sandbox, group: str) -> dict[tuple[str, int], tuple[str, ...]]:
    """What `kafka-consumer-groups --describe` says: committed, end, lag, member, host, client."""
    found = {}
    for line in java(sandbox, GROUPS, "--describe", "--group", group).splitlines():
        columns = line.split()
        if columns[:1] == [group]:
            found[columns[1], int(columns[2])] = tuple(columns[3:9])
    return found


def our_rows(sandbox: Sandbox, group: str) -> dict[tuple[str, int], tuple[str, ...]]:
    """The same of `group.describe`."""
    document = ours(sandbox, "group.describe", group)
    members = {member["id"]: member for member in document["members"]}

    def shown(at: dict[str, Any]) -> tuple[str, ...]:
        member = members.get(at["member"])
        whose = (member["id"], f"/{member['host']}", member["client_id"]) if member else ("-",) * 3
        counts = (at["committed"], at["end"], at["lag"])
        return (*("-" if count is None else str(count) for count in counts), *whose)

    return {(at["topic"], at["partition"]): shown(at) for at in document["partitions"]}


def test_an_idle_group_has_the_same_lag(cluster: Sandbox) -> None:
    """`kafka-consumer-groups --describe`, of a group that has read two topics."""
    theirs = group_rows(cluster, "readers")
    assert len(theirs) == 6
    assert theirs["plain", 0][:3] == ("30", "40", "10")
    assert our_rows(cluster, "readers") == theirs
    listed_groups = {group["name"] for group in ours(cluster, "group.list")["groups"]}
    assert set(java(cluster, GROUPS, "--list").split()) == listed_groups


def test_an_active_group_has_the_same_members(cluster: Sandbox) -> None:
    """While somebody reads: who reads which partition, from where, and how far it has come."""
    with consumer(cluster, "busy", "shaped"):
        eventually(
            lambda: (
                ours(cluster, "group.list")["groups"][0]["lag"] == 0
                and ours(cluster, "group.describe", "busy")["state"] == "stable"
            ),
            "the consumer has read and committed all",
        )
        theirs = group_rows(cluster, "busy")
        assert {row[5] for row in theirs.values()} == {"rdkafka"}
        assert our_rows(cluster, "busy") == theirs
        state = java(cluster, GROUPS, "--describe", "--group", "busy", "--state")
        assert "Stable" in state


def test_a_lost_broker_is_seen_alike(cluster: Sandbox) -> None:
    """Partitions that are not in sync, or have no leader, by `kafka-topics` and by `topic.list`."""
    brokers = sum(each["name"].startswith("kafka") for each in cluster.recorded()["services"])
    if brokers == 1:
        assert listed(cluster, "--under-replicated") == listed(cluster, "--unavailable") == set()
        return
    cluster.kill("kafka-2")

    def agreed() -> bool:
        return bool(listed(cluster, "--under-replicated") and listed(cluster, "--unavailable"))

    eventually(agreed, "the loss is seen")
    for ours_flag, theirs_flag in (
        ("--under-replicated", "--under-replicated-partitions"),
        ("--unavailable", "--unavailable-partitions"),
    ):
        theirs = {name for name, _ in described(cluster, theirs_flag)}
        assert theirs
        assert listed(cluster, ours_flag) == theirs, ours_flag
    text = ok(cluster.run("topic.list")).out
    assert "leaders only" in text or "under-replicated" in text
    cluster.up()
    eventually(lambda: not listed(cluster, "--under-replicated"), "all are in sync again")
