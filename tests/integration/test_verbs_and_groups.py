"""alter, trim, list, describe, groups and reset on a real broker, and Kafka's own tools agree."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from kafka_tasks import settings
from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes.embedded import jars
from kafka_tasks.runtimes.embedded.java import choose as java_of
from tests.integration.answers import call, inside
from tests.integration.conftest import Done, Sandbox, eventually
from tests.integration.test_records_in_and_out import new_topic, produced


def bootstrap(sandbox: Sandbox) -> str:
    """The broker's address."""
    return f"127.0.0.1:{sandbox.recorded()['services'][-1]['port']}"


TOPICS = "org.apache.kafka.tools.TopicCommand"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


@cache
def _command(path: Path, environ: frozenset[tuple[str, str]]) -> list[str]:
    """The Java of the cluster in this project, with its jars; compiled in haste, for one answer."""
    chosen = settings.load(path, environ=dict(environ))
    jar_paths = jars.ensure(jars.load_lock(chosen.line.kafka), chosen.cache, Recorder())
    class_path = os.pathsep.join(map(str, jar_paths))
    return [
        str(java_of(chosen).executable),
        *("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", class_path),
    ]


def java(sandbox: Sandbox, tool: str, *arguments: str) -> str:
    """What one of Kafka's own commands prints, with the jars and the Java of the cluster."""
    command = _command(sandbox.path, frozenset(sandbox.environ.items()))
    done = subprocess.run(
        [*command, tool, "--bootstrap-server", bootstrap(sandbox), *arguments],
        cwd=sandbox.path,
        env=sandbox.env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


@contextmanager
def consumer(sandbox: Sandbox, group: str, topic: str) -> Iterator[subprocess.Popen[bytes]]:
    """Somebody who reads with a group, from the start, until the block ends."""
    process = subprocess.Popen(
        ["kcat", "-b", bootstrap(sandbox), "-G", group, "-X", "auto.offset.reset=earliest", topic],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=30)


def ok(done: Done) -> Done:
    """The same, which has to have succeeded."""
    assert done.code == 0, done.out + done.err
    return done


def test_a_topic_is_altered_and_kafkas_own_tools_see_it(running: Sandbox) -> None:
    """Partitions and settings, from and to; a second time there is nothing to do."""
    topic = new_topic(running, "altered", "--config", "retention.ms=5")
    fields = ok(
        running.run(
            *("topic.alter", topic, "--partitions", "3", "--set", "segment.bytes=1048576"),
            *("--delete", "retention.ms", "--append", "cleanup.policy=compact", "-o", "json"),
        )
    ).document["fields"]
    assert {"field": "partitions", "from": 1, "to": 3} in fields
    assert {"field": "config.cleanup.policy", "from": "delete", "to": "delete,compact"} in fields
    described = java(running, TOPICS, "--describe", "--topic", topic)
    assert "PartitionCount: 3" in described
    assert "segment.bytes=1048576" in described
    assert "retention.ms" not in described
    again = ok(running.run("topic.alter", topic, "--partitions", "3"))
    assert "nothing changed" in again.out
    running.run("topic.alter", topic, "--partitions", "1").refused(3, "cannot remove any")
    running.run("topic.alter", topic, "--set", "retention.mss=1").refused(3, "retention.ms?")
    running.run("topic.alter", topic).refused(3, "nothing to change")
    running.run("topic.alter", "alterd", "--partitions", "9").refused(1, "did you mean altered?")


def test_records_are_trimmed_after_a_confirmation(running: Sandbox) -> None:
    """Only what is before goes; the undo file is named; a compacted topic cannot be trimmed."""
    topic = new_topic(running, "trimmed")
    produced(running, "".join(f'{{"value":"{n}"}}\n' for n in range(10)), topic)
    refused = running.run("topic.trim", topic, "--before", "4")
    refused.refused(6, "4 records of trimmed would be deleted")
    done = ok(running.run("topic.trim", topic, "--before", "4", "--yes"))
    assert "the records themselves are not in it" in done.err
    described = running.run("topic.describe", topic, "-o", "json").document
    assert [(p["start"], p["end"]) for p in described["partitions"]] == [(4, 10)]
    assert "Nothing to delete" in ok(running.run("topic.trim", topic, "--before", "2")).out
    ok(running.run("topic.alter", topic, "--set", "cleanup.policy=compact"))
    running.run("topic.trim", topic, "--before", "end", "--yes").refused(3, "only compacted")


def test_lists_are_filtered_and_measured(running: Sandbox) -> None:
    """By name, by emptiness, with records and bytes."""
    full, empty = new_topic(running, "list-full"), new_topic(running, "list-empty")
    produced(running, '{"value":"x"}\n' * 3, full)

    def names(*flags: str) -> list[str]:
        found = ok(running.run("topic.list", "--name", "list-*", "-o", "json", *flags)).document
        return [topic["name"] for topic in found["topics"]]

    assert names() == [empty, full]
    assert names("--empty") == [empty]
    assert names("--unavailable") == []
    assert names("--under-replicated") == []
    sized = running.run("topic.list", "--name", full, "--sizes", "-o", "json").document["topics"]
    log = running.path / ".kafka-tasks" / "data"
    on_disk = sum(path.stat().st_size for path in log.rglob(f"{full}-0/*.log"))
    assert sized[0]["records"] == 3
    assert sized[0]["bytes"] == on_disk


def test_a_group_is_seen_reset_and_deleted(running: Sandbox) -> None:
    """Lag as Kafka's own tool counts it; an active group is left alone; dry by default."""
    topic = new_topic(running, "grouped")
    produced(running, '{"value":"x"}\n' * 5, topic)
    ok(running.run("group.reset", "readers", "--topic", topic, "--to", "2", "--execute"))
    described = running.run("group.describe", "readers", "-o", "json").document
    assert [(p["committed"], p["end"], p["lag"]) for p in described["partitions"]] == [(2, 5, 3)]
    row = next(
        line.split()
        for line in java(running, GROUPS, "--describe", "--group", "readers").splitlines()
        if line.startswith("readers")
    )
    assert row[1:6] == [topic, "0", "2", "5", "3"]
    with consumer(running, "readers", topic):
        eventually(
            lambda: running.run("group.describe", "readers", "-o", "json").document["members"],
            "the consumer has joined",
        )
        running.run("group.reset", "readers", "--to", "end").refused(1, "is active", "rdkafka")
        running.run("group.delete", "readers", "--yes").refused(1, "still active")
    eventually(
        lambda: running.run("group.describe", "readers", "-o", "json").document["state"] == "empty",
        "the consumer has left",
    )
    dry = ok(running.run("group.reset", "readers", "--to", "-1"))
    assert "Nothing was changed" in dry.out
    assert ok(running.run("topic.describe", topic)).out.count("readers") == 1
    running.run("group.describe", "reader").refused(1, "did you mean readers?")
    running.run("group.delete", "readers").refused(6, "would be deleted")
    ok(running.run("group.delete", "readers", "--yes"))
    listed = running.run("group.list", "-o", "json").document["groups"]
    assert "readers" not in [group["name"] for group in listed]


def test_rights_need_an_authorizer(running: Sandbox) -> None:
    """Without one, none is granted, and an empty list is not shown."""
    with inside(running):
        for line in ("acl.list", "acl.grant alice read orders"):
            refused = call(*line.split())
            assert refused.code == 3 and "The cluster has no authorizer" in refused.err
            assert "authorizer.class.name" in refused.err
        assert "every client may do everything" in call("whoami").out


def test_a_reset_leaves_an_empty_cluster_whose_names_are_free(running: Sandbox) -> None:
    """Topics and groups are gone, the same names can be made at once, five times in a row."""
    for _ in range(5):
        for name in ("again", "and-again"):
            new_topic(running, name, "--partitions", "5")
        ok(running.run("group.reset", "someone", "--topic", "again", "--to", "start", "--execute"))
        running.run("reset").refused(6, "would be deleted")
        done = ok(running.run("reset", "--yes", "-o", "json")).document
        assert {"again", "and-again"} <= set(done["topics"])
        assert done["groups"] == ["someone"]
        assert running.topics() == []
    assert running.run("status").code == 0
    assert ok(running.run("reset", "-o", "json")).document["topics"] == []


def test_a_deleted_topic_comes_back_from_its_undo_file(running: Sandbox) -> None:
    """Spec and settings are as they were."""
    topic = new_topic(running, "undone", "--partitions", "2", "--config", "retention.ms=7")
    undo = ok(running.run("topic.delete", topic, "--yes", "-o", "json")).document["undo"]
    ok(running.run("topic.apply", "--file", undo))
    back = running.run("topic.describe", topic, "-o", "json").document
    assert len(back["partitions"]) == 2
    assert back["config"]["retention.ms"]["value"] == "7"
