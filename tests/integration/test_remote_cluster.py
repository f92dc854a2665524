"""A remote cluster: looked at, used, and never started or stopped."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.integration.far import far
from tests.tiers import telling

if TYPE_CHECKING:
    from tests.integration.conftest import Done, Sandbox


@pytest.fixture(scope="module")
def guest(running: Sandbox, new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project that is attached to another project's cluster."""
    sandbox = new_project("guest")
    del sandbox.environ["KAFKA_TASKS_RUNTIME"]
    sandbox.environ["KAFKA_TASKS_BOOTSTRAP_SERVERS"] = running.up()["bootstrap_servers"]
    return sandbox


def test_status_wait_and_env_work(running: Sandbox, guest: Sandbox) -> None:
    """The cluster is ready, with its id and without a ZooKeeper or a pid of ours."""
    theirs = running.up()
    for verb in ("status", "wait"):
        done = guest.run(verb, "-o", "json")
        assert done.code == 0, done.out
        found = done.document
        assert (found["runtime"], found["state"]) == ("remote", "ready")
        assert found["cluster_id"] == theirs["cluster_id"]
        assert found["bootstrap_servers"] == theirs["bootstrap_servers"]
        assert found["zookeeper"] is None
        assert [service["pid"] for service in found["services"]] == [None]
    shown = guest.run("env").out
    assert theirs["bootstrap_servers"] in shown and "ZOOKEEPER" not in shown
    assert "bootstrap_servers" in guest.run("env", "-o", "json").document


@pytest.mark.parametrize("round_trip_s", telling([0.05, 0.3, 0.6], 0.6))
def test_a_far_cluster_is_only_slow(running: Sandbox, guest: Sandbox, round_trip_s: float) -> None:
    """A round trip of 600 ms is neither an error nor a reason to call it not ready."""
    port = int(running.up()["bootstrap_servers"].rpartition(":")[2])
    with far(port, round_trip_s) as there:
        env: dict[str, str | None] = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": f"localhost:{there}"}
        found = guest.run("status", "-o", "json", env=env)
        assert (found.code, found.document["state"]) == (0, "ready"), found.out + found.err
        assert guest.run("topic.list", env=env).code == 0


def test_topics_work(running: Sandbox, guest: Sandbox) -> None:
    """Topics are created, proven, listed and described there."""
    assert guest.run("topic", "-o", "json").document["topic"] == "test-topic"
    assert guest.run("topic.create", "guests").code == 0
    listed = guest.run("topic.list", "-o", "json").document
    assert listed["limited"] is None
    assert "guests" in running.topics() and "guests" in guest.topics()
    assert guest.run("topic.describe", "guests").code == 0


@pytest.mark.parametrize(
    "verb", ["up", "down", "down --wipe --yes", "restart", "restart --service kafka", "logs -f"]
)
def test_what_starts_or_stops_is_declined(running: Sandbox, guest: Sandbox, verb: str) -> None:
    """`up`, `down`, `restart` and following logs decline in words and touch nothing."""
    pids = running.pids()
    arguments = [part.replace("-f", "--follow") for part in verb.split()]
    done = guest.run(*arguments)
    done.refused(3, "a remote cluster", "KAFKA_TASKS_BOOTSTRAP_SERVERS")
    if verb != "logs -f":
        assert guest.run(*arguments, "--dry").code == 3
    assert running.pids() == pids
    assert list(guest.path.iterdir()) == []


def pasted(guest: Sandbox, done: Done) -> Done:
    """Run the command that a failure hints at."""
    hint = done.err.rpartition("Hint: invoke kafka.")[2]
    return guest.run(*shlex.split(hint))


def test_delete_wants_the_cluster_id(running: Sandbox, guest: Sandbox) -> None:
    """Deleting there takes --yes and --cluster-id, and the id has to be the right one."""
    cluster_id = running.up()["cluster_id"]
    assert guest.run("topic.create", "dear").code == 0
    first = guest.run("topic.delete", "dear", "--timeout", "20")
    first.refused(6, "--cluster-id", cluster_id)
    wrong = guest.run("topic.delete", "dear", "--yes", "--cluster-id", "other")
    wrong.refused(6, "other", cluster_id)
    second = pasted(guest, first)
    second.refused(6, "dear", "--yes", "--timeout 20")
    assert "dear" in running.topics()
    assert pasted(guest, second).code == 0
    assert "dear" not in running.topics()


def test_list_shows_this_machines_clusters_all_the_same(running: Sandbox, guest: Sandbox) -> None:
    """`list` from an attached project shows the clusters of this machine."""
    listed = guest.run("list", "-o", "json").document["clusters"]
    assert {"project": str(running.path), "state": "ready"}.items() <= next(
        entry for entry in listed if entry["project"] == str(running.path)
    ).items()
    assert str(guest.path) not in [entry["project"] for entry in listed]


def test_one_address_that_is_dead_is_a_notice(running: Sandbox, guest: Sandbox) -> None:
    """A cluster that answers at one of its addresses is ready, and the other one is named."""
    env: dict[str, str | None] = {
        "KAFKA_TASKS_BOOTSTRAP_SERVERS": f"127.0.0.1:9,{running.up()['bootstrap_servers']}"
    }
    waited = guest.run("wait", env=env)
    assert waited.code == 0 and "127.0.0.1:9" in waited.err, waited.err
    seen = guest.run("status", "-o", "json", env=env)
    assert (seen.code, seen.document["state"]) == (0, "ready")
    assert [one["state"] for one in seen.document["services"]] == ["failed", "ready"]


def test_unreachable_cluster(new_project: Callable[..., Sandbox]) -> None:
    """Where nobody answers, each verb says so with the address and exits 5."""
    sandbox = new_project("alone")
    del sandbox.environ["KAFKA_TASKS_RUNTIME"]
    sandbox.environ["KAFKA_TASKS_BOOTSTRAP_SERVERS"] = "127.0.0.1:9"
    listing = sandbox.begin("topic.list")
    seen = sandbox.run("status", "-o", "json")
    assert (seen.code, seen.document["state"]) == (5, "failed")
    sandbox.run("wait", "--timeout", "1").refused(5, "127.0.0.1:9", "broker")
    out, err = listing.communicate(timeout=60)
    assert (listing.returncode, out) == (5, "")
    assert "127.0.0.1:9" in err and "Hint: " in err


def test_remote_without_an_address(project: Sandbox) -> None:
    """The remote runtime without bootstrap servers is invalid input."""
    project.run("status", env={"KAFKA_TASKS_RUNTIME": "remote"}).refused(
        3, "KAFKA_TASKS_BOOTSTRAP_SERVERS"
    )


def test_own_cluster_that_runs_is_not_forgotten(running: Sandbox) -> None:
    """With an address set, the project's own cluster is neither used nor stopped by `down`."""
    pids = running.pids()
    env = {"KAFKA_TASKS_BOOTSTRAP_SERVERS": "127.0.0.1:9", "KAFKA_TASKS_RUNTIME": None}
    running.run("down", env=env).refused(3, "a remote cluster")
    assert running.run("status", "-o", "json", env=env).document["runtime"] == "remote"
    assert running.pids() == pids
