"""Kafka 4, and Kafka 3 in KRaft mode: a quorum instead of ZooKeeper, on real processes."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

KAFKA_4 = {"KAFKA_TASKS_VERSION": "4.4"}


@pytest.fixture(scope="module")
def made(warm_kafka_4: Path, new_project: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    """Makes projects with settings of their own."""

    def make(name: str, **settings: str) -> Sandbox:
        sandbox = new_project(name)
        sandbox.environ.update(KAFKA_4, **settings)
        return sandbox

    return make


@pytest.fixture(scope="module")
def one(made: Callable[..., Sandbox]) -> Sandbox:
    """One combined node of Kafka 4.4."""
    sandbox = made("one")
    sandbox.up()
    return sandbox


def _roles(document: dict[str, Any]) -> dict[str, str]:
    return {service["name"]: service["role"] for service in document["services"]}


def _put(sandbox: Sandbox, topic: str, *values: str) -> None:
    """Produce one record a value, each acknowledged by all in-sync replicas."""
    lines = "".join(json.dumps({"value": value}) + "\n" for value in values)
    source = sandbox.path / "records.jsonl"
    source.write_text(lines)
    done = sandbox.run("produce", topic, "--file", str(source))
    assert done.code == 0, done.err


def _values(sandbox: Sandbox, topic: str) -> list[str]:
    done = sandbox.run("consume", topic, "--from", "start", "--exit")
    assert done.code == 0, done.err
    return [json.loads(line)["value"] for line in done.out.splitlines()]


def test_one_node_is_broker_and_controller(one: Sandbox) -> None:
    """The document has the mode, no ZooKeeper, and the layer quorum; `env` names no ZooKeeper."""
    done = one.run("restart", "-o", "json")
    assert done.code == 0, done.err
    found = done.document
    assert (found["mode"], found["zookeeper"]) == ("kraft", None)
    assert found["kafka_version"] == "4.4.0"
    assert _roles(found) == {"kafka": "combined"}
    layers = dict.fromkeys(mark["layer"] for mark in found["timeline"])
    assert [*layers] == ["stopped", "process", "quorum", "broker", "cluster", "advertised"]
    assert one.run("env", "-o", "json").document["zookeeper"] is None


def test_the_acceptance_criteria_are_those_of_the_quorum(one: Sandbox) -> None:
    """Each holds, and none is about ZooKeeper."""
    done = one.run("verify", "-o", "json")
    assert done.code == 0, done.err
    results = {each["id"]: each["result"] for each in done.document["criteria"]}
    assert set(results.values()) == {"passed"}
    assert {"quorum-running", "quorum-reachable"} <= results.keys()
    assert not any("zookeeper" in id_ for id_ in results)


def test_a_killed_node_is_back_before_its_session_expires(one: Sandbox) -> None:
    """Its registration is removed by name, nothing is lost, and `status` is right in between."""
    assert one.run("topic.create", "kept").code == 0
    _put(one, "kept", "a", "b")
    one.kill("kafka")
    assert one.run("status").code == 5
    done = one.run("up", "-o", "json")
    assert done.code == 0, done.err
    assert "removed the registration of kafka" in done.err
    assert _values(one, "kept") == ["a", "b"]
    _put(one, "kept", "c")
    assert _values(one, "kept") == ["a", "b", "c"]


def test_doctor_finds_nothing_wrong(one: Sandbox) -> None:
    """Its checks of identity and registrations ask the quorum and the data."""
    done = one.run("doctor", "-o", "json")
    assert done.code == 0, done.out
    ids = {each["id"]: each["level"] for each in done.document["findings"]}
    assert ids["cluster-id"] == "ok"
    assert "error" not in ids.values()


def test_a_snapshot_goes_back_into_the_same_quorum(one: Sandbox) -> None:
    """With every record; a project in ZooKeeper mode, or with an older Kafka, refuses it."""
    assert one.run("topic.create", "saved").code == 0
    _put(one, "saved", "x")
    assert one.run("snapshot.save", "base").code == 0
    assert one.run("topic.delete", "saved", "--yes").code == 0
    done = one.run("snapshot.restore", "base", "--yes")
    assert done.code == 0, done.err
    assert _values(one, "saved") == ["x"]
    path = next((one.path / ".kafka-tasks" / "snapshots").glob("base*"))
    (listed,) = one.run("snapshot.list", "-o", "json").document["snapshots"]
    assert (listed["mode"], listed["metadata_version"]) == ("kraft", "4.4-IV2")
    other = {"KAFKA_TASKS_VERSION": "7.9", "KAFKA_TASKS_MODE": "zookeeper"}
    done = one.run("snapshot.restore", str(path), "--yes", env=other)
    done.refused(3, "has Kafka 4.4", "KAFKA_TASKS_VERSION=4.4.0 and KAFKA_TASKS_MODE=kraft")
    done = one.run("snapshot.restore", "base", "--yes", env={"KAFKA_TASKS_VERSION": "4.3"})
    done.refused(3, "Kafka 4.3", "which is older", "mode kraft, metadata.version 4.4-IV2")


@pytest.mark.release
def test_brokers_are_added_and_voters_stay(made: Callable[..., Sandbox]) -> None:
    """A second broker later is no controller; dedicated controllers later are refused."""
    sandbox = made("grows")
    sandbox.up()
    assert sandbox.run("down").code == 0
    done = sandbox.run("up", env={"KAFKA_TASKS_CONTROLLERS": "3"})
    done.refused(3, "has the voters 1, and these settings have 3001, 3002, 3003")
    assert sandbox.processes() == {}
    found = sandbox.up("--brokers", "3")
    assert _roles(found) == {"kafka": "combined", "kafka-2": "broker", "kafka-3": "broker"}
    assert found["mode"] == "kraft"
    assert sandbox.run("down").code == 0
    done = sandbox.run("up", env={"KAFKA_TASKS_CONTROLLERS": "3"})
    done.refused(3, "has the voters 1, and these settings have 3001, 3002, 3003")
    assert sandbox.processes() == {}


@pytest.mark.release
def test_three_voters_survive_one_and_heal_two(made: Callable[..., Sandbox]) -> None:
    """One killed: records go on. Two killed: nothing answers until `up`, and nothing is lost."""
    sandbox = made("three", KAFKA_TASKS_BROKERS="3")
    assert set(_roles(sandbox.up()).values()) == {"combined"}
    created = sandbox.run("topic.create", "orders", "--partitions", "6")
    assert created.code == 0, created.err
    _put(sandbox, "orders", "1", "2", "3")
    sandbox.kill("kafka-2")
    _put(sandbox, "orders", "4")
    assert sandbox.run("status", "-o", "json").document["state"] == "degraded"
    assert sandbox.up()["changed"] is True
    sandbox.kill("kafka", "kafka-3")
    done = sandbox.run("doctor", "-o", "json")
    levels = {each["id"]: each["level"] for each in done.document["findings"]}
    assert (done.code, levels["quorum-lost"]) == (5, "error")
    assert "partitions" not in levels
    assert sandbox.up()["changed"] is True
    assert sorted(_values(sandbox, "orders")) == ["1", "2", "3", "4"]
    done = sandbox.run("down")
    assert done.code == 0
    assert "was killed" not in done.err, done.err


@pytest.mark.release
def test_dedicated_controllers(made: Callable[..., Sandbox]) -> None:
    """Two of three are enough, `up` brings the third back, and all leave in order."""
    sandbox = made("dedicated", KAFKA_TASKS_CONTROLLERS="3", KAFKA_TASKS_BROKERS="2")
    found = sandbox.up()
    assert _roles(found) == {
        **dict.fromkeys(("controller", "controller-2", "controller-3"), "controller"),
        **dict.fromkeys(("kafka", "kafka-2"), "broker"),
    }
    assert len({service["address"] for service in found["services"]}) == 5
    sandbox.kill("controller-2")
    assert sandbox.run("topic.create", "orders").code == 0
    assert sandbox.run("status").code == 5
    assert sandbox.up()["changed"] is True
    sandbox.kill("kafka-2")
    assert sandbox.up()["changed"] is True
    done = sandbox.run("down")
    assert done.code == 0
    assert "was killed" not in done.err, done.err
    for name in ("controller", "controller-2", "controller-3"):
        shutil.rmtree(sandbox.path / ".kafka-tasks" / "data" / name)
    sandbox.run("up").refused(3, "metadata has lost a topic", "(orders)")


def test_data_that_is_incomplete_or_of_another_node_is_refused(one: Sandbox) -> None:
    """Each in a sentence, with nothing started; a log that lost its last bytes is repaired."""
    assert one.run("topic.create", "stays", "--if-not-exists").code == 0
    assert one.run("down").code == 0
    meta = one.path / ".kafka-tasks" / "data" / "kafka" / "meta.properties"
    good = meta.read_text()
    meta.unlink()
    one.run("up").refused(3, "The data of kafka has no meta.properties")
    meta.write_text(good.replace("node.id=1", "node.id=7"))
    one.run("up").refused(3, "belongs to node 7, and kafka is node 1")
    meta.write_text(re.sub(r"(?<=cluster\.id=).*", "A" * 22, good))
    one.run("up").refused(3, "belongs to the cluster AAAAAAAAAAAAAAAAAAAAAA, and the last start")
    meta.write_text(good)
    log = meta.parent / "__cluster_metadata-0" / "00000000000000000000.log"
    content = log.read_bytes()
    log.write_bytes(b"")
    one.run("up").refused(3, "metadata has lost", "stays", "Kafka would delete these records")
    assert one.processes() == {}
    # The last records are those of the shutdown.
    log.write_bytes(content[:-1])
    one.up()
    assert "stays" in one.topics()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--kafka-version", "4.5"), "newer than Apache Kafka 4.4"),
        (("--kafka-version", "9.0"), "newer than Confluent Platform 8.3"),
        (("--kafka-version", "7.4"), "older than Confluent Platform 7.5"),
        (("--kafka-version", "3.4"), "older than Apache Kafka 3.5"),
        (("--kafka-version", "latest"), "a tag that moves from version to version"),
        (("--kafka-version", "4.4", "--mode", "zookeeper"), "Kafka 4 has no ZooKeeper"),
    ],
)
def test_versions_and_modes_that_do_not_go(
    project: Sandbox, flags: tuple[str, ...], words: str
) -> None:
    """Exit 3 with what is allowed."""
    project.run("up", *flags).refused(3, words)


@pytest.mark.release
def test_kafka_3_runs_in_both_modes(project: Sandbox) -> None:
    """The oldest line in KRaft mode: started, killed, healed, stopped in order."""
    found = project.up("--kafka-version", "3.5", "--mode", "kraft")
    assert (found["mode"], found["kafka_version"]) == ("kraft", "3.5.2")
    assert project.run("topic").code == 0
    project.kill("kafka")
    assert project.up()["changed"] is True
    again = project.run("topic", "-o", "json").document
    assert again["created"] is False and again["records"] > 1
    assert "was killed" not in project.run("down").err


@pytest.mark.release
def test_data_goes_up_and_not_down(project: Sandbox) -> None:
    """3.8 to 3.9 with its topics; back, and to the other mode, only by the ways of the hint."""
    assert project.up("--kafka-version", "7.8")["kafka_version"].startswith("3.8.")
    assert project.run("topic", "--name", "kept").code == 0
    for verb in (("up", "--kafka-version", "7.9"), ("restart",)):
        done = project.run(*verb, env={"KAFKA_TASKS_VERSION": "7.9"})
        done.refused(3, "started with other settings", "kafka.down")
    assert project.run("down").code == 0
    done = project.run("up", "--kafka-version", "7.9")
    assert done.code == 0, done.err
    assert done.err.count("upgrading the data from Kafka 3.8.") == 1
    assert project.topics() == ["kept"]
    assert project.run("down").code == 0
    back = project.run("up", "--kafka-version", "7.8")
    back.refused(3, "written by Kafka 3.9.", "which is older", "kafka.snapshot.save before-7.8.")
    other = project.run("up", "--mode", "kraft")
    other.refused(3, "in ZooKeeper mode", "KAFKA_TASKS_MODE=zookeeper")
    assert project.processes() == {}
    assert project.up()["kafka_version"].startswith("3.9.")
    assert project.topics() == ["kept"]
