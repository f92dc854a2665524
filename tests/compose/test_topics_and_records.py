"""Topics as code, records, groups and reset on a cluster in containers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from tests import warm_python
from tests.compose.conftest import Bench, Result, exposed_on_loopback_alone, make_project, named
from tests.compose.test_snapshots import FAULTS


def ok(done: Result) -> Result:
    """The same, which has to have succeeded."""
    assert done.code == 0, done.out + done.err
    return done


def test_the_everyday_work_is_the_same_in_containers(project: Bench) -> None:
    """Apply, plan to nothing, records in and out, a group, a trim, an export, a reset."""
    ok(project.run("up"))
    (project.path / "topics.yaml").write_text(
        "topics:\n- {name: a, partitions: 2, config: {retention.ms: -1}}\n- {name: b}\n"
    )
    ok(project.run("topic.apply"))
    summary = ok(project.run("topic.plan", "-o", "json")).json["summary"]
    assert summary["unchanged"] == 2
    sent = subprocess.run(
        [str(Path(sys.executable).parent / "kafka-tasks"), "produce", "a"],
        cwd=project.path,
        env=project.environ,
        input='{"value":"x","partition":0}\n{"value":{"base64":"/w=="},"partition":0}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert sent.stdout == "2 records sent to a.\n"
    lines = ok(project.run("consume", "a", "--exit")).out.splitlines()
    assert [json.loads(line)["value"] for line in lines] == ["x", {"base64": "/w=="}]
    ok(project.run("group.reset", "g", "--topic", "a", "--to", "start", "--execute"))
    group = ok(project.run("group.describe", "g", "-o", "json")).json
    assert group["lag"] == 2
    ok(project.run("topic.alter", "a", "--partitions", "3"))
    ok(project.run("topic.trim", "a", "--before", "end", "--yes"))
    exported = ok(project.run("topic.export")).out
    assert "partitions: 3" in exported
    emptied = ok(project.run("reset", "--yes", "-o", "json")).json
    assert (emptied["topics"], emptied["groups"]) == (["a", "b"], ["g"])
    assert ok(project.run("topic.list", "-o", "json")).json["topics"] == []


@pytest.fixture(scope="module")
def three(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project whose three brokers run."""
    bench = make_project(tmp_path_factory.mktemp(named("three")), engine)
    try:
        started = ok(bench.run("up", "--brokers", "3", "-o", "json")).json
        assert len(started["bootstrap_servers"].split(",")) == 3
        yield bench
    finally:
        bench.clean()


@pytest.mark.release
def test_three_brokers(three: Bench) -> None:
    """`--brokers 3` gives three registered brokers and internal topics with three replicas."""
    ok(three.run("topic.create", "three", "--replication-factor", "3", "-o", "json"))
    environment = three.containers["kafka-3"].attrs["Config"]["Env"]
    assert "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR=3" in environment
    assert "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR=2" in environment
    ok(three.run("topic.delete", "three", "--yes"))


@pytest.mark.release
def test_ports_of_three_brokers_are_published_on_loopback_alone(three: Bench) -> None:
    """One port for each service, on 127.0.0.1 and nowhere else."""
    exposed_on_loopback_alone(three, brokers=3)


@pytest.mark.release
def test_three_brokers_in_containers_move_replicas_and_keep_plans(three: Bench) -> None:
    """What the host asks for reaches every broker: replicas, sizes, groups, plans, deletions."""
    project = three
    file = project.path / "topics.yaml"
    file.write_text("topics:\n- {name: a, partitions: 3, replication_factor: 1}\n")
    ok(project.run("topic.apply"))
    file.write_text("topics:\n- {name: a, partitions: 3, replication_factor: 3}\n")
    ok(project.run("topic.plan", "--out", "plan.json"))
    ok(project.run("topic.apply", "--plan", "plan.json"))
    assert project.run("topic.apply", "--plan", "plan.json").code == 6
    described = ok(project.run("topic.describe", "a", "-o", "json")).json
    assert [sorted(at["isr"]) for at in described["partitions"]] == [[1, 2, 3]] * 3
    ok(project.run("topic", "--name", "a", "--prove"))
    sized = ok(project.run("topic.list", "--name", "a", "--sizes", "-o", "json")).json["topics"]
    assert sized[0]["records"] == 1
    assert sized[0]["bytes"] > 0
    assert ok(project.run("topic.list", "--under-replicated", "-o", "json")).json["topics"] == []
    ok(project.run("topic.create", "b"))
    empty = ok(project.run("topic.list", "--empty", "-o", "json")).json["topics"]
    assert [topic["name"] for topic in empty] == ["b"]
    ok(project.run("group.reset", "g", "--topic", "a", "--to", "end", "--execute"))
    listed = ok(project.run("group.list", "-o", "json")).json["groups"]
    assert [(group["name"], group["lag"]) for group in listed] == [("g", 0)]
    # The patience of a shell may be over before a busy broker answers.
    typed = ("--complete", "--", "kafka-tasks", "group.describe")
    line = (sys.executable, str(FAULTS), "patient-completion", "60", *typed)
    done = warm_python.run_cold(line, project.path, project.environ, 120)
    assert (done.returncode, done.stdout) == (0, "g\n"), done.stderr
    ok(project.run("group.delete", "g", "--yes"))
    undo = ok(project.run("topic.delete", "a,b", "--yes", "-o", "json")).json["undo"]
    ok(project.run("topic.apply", "--file", undo))
    assert ok(project.run("topic.plan", "-o", "json")).json["summary"]["unchanged"] == 1
