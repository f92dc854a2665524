"""`up` after servers were killed: what is dead is repaired, what lives is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


@pytest.fixture(scope="module")
def three(new_project: Callable[..., Sandbox]) -> Sandbox:
    """A cluster of three brokers."""
    sandbox = new_project("three")
    sandbox.up("--brokers", "3")
    return sandbox


def test_a_killed_broker_is_named_by_every_command(breakable: Sandbox) -> None:
    """`status` exits 5 and tells what is dead, topics and groups say so, and `up` heals it."""
    assert breakable.run("topic").code == 0
    breakable.kill("kafka")
    seen = breakable.run("status", "-o", "json")
    assert (seen.code, seen.document["state"]) == (5, "degraded")
    states = {s["name"]: s["state"] for s in seen.document["services"]}
    assert states == {"zookeeper": "ready", "kafka": "failed"}
    for verb in ("topic.list", "group.list", "topic"):
        breakable.run(verb).refused(5, "kafka has exited", "invoke kafka.up")
    assert breakable.run("wait", "--timeout", "0.2").code == 5
    assert breakable.up()["changed"] is True
    again = breakable.run("topic", "-o", "json").document
    assert again["created"] is False and again["records"] > 1


@pytest.mark.release
def test_restart_after_kill_waits_for_the_old_registration(breakable: Sandbox) -> None:
    """`restart` right after SIGKILL of a broker does not die of its predecessor's znode."""
    breakable.kill("kafka")
    done = breakable.run("restart")
    assert done.code == 0, done.out + done.err
    assert "NodeExists" not in breakable.run("logs", "--service", "kafka").out
    assert breakable.run("topic").code == 0


def test_down_with_a_dead_zookeeper_ends_the_broker(breakable: Sandbox) -> None:
    """`down` ends a broker that cannot say goodbye to its ZooKeeper, and `up` works after it."""
    breakable.kill("zookeeper")
    done = breakable.run("down", "-o", "json")
    assert done.document["stopped"] == ["kafka"]
    assert breakable.processes() == {}
    breakable.up()


@pytest.mark.release
def test_other_settings_on_a_half_dead_cluster_are_refused(breakable: Sandbox) -> None:
    """A repair with other settings would be at odds with what still runs, so it is refused."""
    breakable.kill("zookeeper")
    left = breakable.pids()
    done = breakable.run("up", env={"KAFKA_TASKS_ZOOKEEPER_PORT": "20999"})
    done.refused(3, "KAFKA_TASKS_ZOOKEEPER_PORT is 20999")
    assert breakable.pids() == left
    breakable.up()


def test_state_deleted_under_a_running_cluster(new_project: Callable[..., Sandbox]) -> None:
    """Servers whose state directory was deleted are found by their property and stopped."""
    sandbox = new_project("rm-rf")
    sandbox.up()
    pids = sandbox.pids()
    shutil.rmtree(sandbox.path / ".kafka-tasks")
    seen = sandbox.run("status", "-o", "json").document
    assert {s["name"]: s["pid"] for s in seen["services"]} == pids
    assert sandbox.run("down", "-o", "json").document["stopped"] == ["kafka", "zookeeper"]
    assert sandbox.processes() == {}


@pytest.mark.release
def test_three_brokers_share_topics(three: Sandbox) -> None:
    """With three brokers internal topics get three replicas, and others may have them."""
    found = three.up()
    assert [s["name"] for s in found["services"]] == ["zookeeper", "kafka", "kafka-2", "kafka-3"]
    assert found["bootstrap_servers"].count(",") == 2
    done = three.run("topic", "--name", "spread", "--replication-factor", "3", "--partitions", "3")
    assert done.code == 0, done.out + done.err
    described = three.run("topic.describe", "spread", "-o", "json").document
    assert [sorted(p["isr"]) for p in described["partitions"]] == [[1, 2, 3]] * 3
    properties = (three.path / ".kafka-tasks" / "conf" / "kafka-2.properties").read_text()
    assert "offsets.topic.replication.factor=3" in properties
    assert "transaction.state.log.min.isr=2" in properties


@pytest.mark.release
def test_one_of_three_brokers_is_repaired(three: Sandbox) -> None:
    """`up`, without repeating --brokers, starts the one dead broker and leaves the others alone."""
    before = three.pids()
    three.kill("kafka-2")
    seen = three.run("status", "-o", "json").document
    assert seen["state"] == "degraded"
    assert {s["name"]: s["state"] for s in seen["services"]} == {
        "zookeeper": "ready",
        "kafka": "ready",
        "kafka-2": "failed",
        "kafka-3": "ready",
    }
    found = three.up()
    assert len(found["services"]) == 4
    after = three.pids()
    assert [name for name in before if before[name] != after[name]] == ["kafka-2"]


@pytest.mark.release
def test_fewer_brokers_after_a_stop(three: Sandbox) -> None:
    """A stopped cluster of three brokers starts as one when one is asked for, and is then whole."""
    assert three.run("down").code == 0
    found = three.up("--brokers", "1")
    assert [s["name"] for s in found["services"]] == ["zookeeper", "kafka"]
    assert set(three.pids()) == {"zookeeper", "kafka"}
    assert three.run("status").code == 0
    assert three.run("up").out.startswith("Already ready")
