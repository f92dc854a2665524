"""While brokers restart, what a task answers is the cluster's, not one broker's empty cache."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterable
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from kafka_tasks import settings
from kafka_tasks.clients.kafka import offsets
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.lifecycle.session import open_session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.project.directory import Project
from tests.integration.answers import Questions, Tally, call, inside

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


# 500 calls take a quarter of an hour on a busy machine.
pytestmark = pytest.mark.timeout(3600)


def _loop(sandbox: Sandbox, brokers: Iterable[str], calls: int) -> Tally:
    """Ask until so many calls are answered, while one broker after the other restarts."""
    tally, services = Tally(), cycle(brokers)
    with inside(sandbox):
        questions = Questions(sandbox, replicas=len(sandbox.pids()) - 1)
        restarting: subprocess.Popen[str] | None = None
        restarts = 0
        while tally.calls < calls or restarting is None or restarting.poll() is None:
            if restarting is None or (restarting.poll() is not None and tally.calls < calls):
                assert restarting is None or restarting.returncode == 0, restarting.communicate()
                restarting = sandbox.begin("restart", "--service", next(services))
                restarts += 1
            questions.ask(tally)
    assert restarting.returncode == 0, restarting.communicate()
    print(f"{tally.calls} calls answered, {tally.away} without a broker, {restarts} restarts")
    print(*tally.wrong, sep="\n")
    return tally


def test_one_broker_that_restarts_has_no_empty_answer(
    running: Sandbox, pytestconfig: pytest.Config
) -> None:
    """Its cache is empty when it answers again; no task takes that for the cluster's topics."""
    assert not _loop(running, ["kafka"], pytestconfig.getoption("--calls")).wrong


@pytest.mark.release
def test_a_rolling_restart_of_three_brokers_is_not_seen(
    running_three: Sandbox, pytestconfig: pytest.Config
) -> None:
    """Topics stay complete, and errors that pass are not seen, whichever broker answers."""
    names = ["kafka", "kafka-2", "kafka-3"]
    tally = _loop(running_three, names, pytestconfig.getoption("--calls"))
    assert not tally.wrong
    assert not tally.away


def test_a_remote_cluster_is_asked_broker_by_broker(running: Sandbox) -> None:
    """Nothing is delayed that is there; what is not there is believed after a second."""
    with inside(running):
        address = call("status", "-o", "json").document["bootstrap_servers"]
        assert call("topic.create", "there").code == 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KAFKA_TASKS_BOOTSTRAP_SERVERS", address)
            patch.delenv("KAFKA_TASKS_RUNTIME")
            restarting = running.begin("restart", "--service", "kafka")
            asked = 0
            while restarting.poll() is None:
                found = call("topic.list", "--timeout", "60", "-o", "json")
                assert found.code == 0, found.out + found.err
                assert "there" in {topic["name"] for topic in found.document["topics"]}
                asked += 1
            assert restarting.returncode == 0 and asked
            began = time.monotonic()
            missing = call("topic.describe", "nowhere")
            assert missing.code == 1 and "There is no topic nowhere" in missing.err
            assert time.monotonic() - began >= 1.0


@pytest.mark.release
def test_a_topic_whose_replicas_were_moved_is_described_at_once(running_three: Sandbox) -> None:
    """New leaders have other epochs, of which a client that stays connected learns in a second."""
    files = {}
    places = [("moved", number) for number in range(6)]
    for replicas in (1, 3):
        files[replicas] = running_three.path / f"moved-{replicas}.yaml"
        topic = f"{{name: moved, partitions: 6, replication_factor: {replicas}}}"
        files[replicas].write_text(f"topics:\n  - {topic}\n")
    with inside(running_three):
        assert call("topic.apply", "--file", str(files[1])).code == 0
        with Admin(_cluster()) as kept:
            for replicas in (3, 1, 3):
                assert len(offsets.ranges(kept, places)) == len(places)
                done = call("topic.apply", "--file", str(files[replicas]))
                assert done.code == 0, done.out + done.err
                found = call("topic.describe", "moved", "-o", "json")
                assert found.code == 0, found.out
                assert {len(p["replicas"]) for p in found.document["partitions"]} == {replicas}
            assert len(offsets.ranges(kept, places)) == len(places)


def _cluster() -> Cluster:
    project = Project.find()
    return open_session(project, settings.load(project.path)).cluster()
