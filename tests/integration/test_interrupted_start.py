"""`up` that is interrupted, ended or killed, at every place where it can be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import eventually
from tests.tiers import telling

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

FAULTS = (sys.executable, str(Path(__file__).with_name("faults.py")))
LAYERS = ["process", "zookeeper", "broker", "cluster", "advertised"]


def faulty(sandbox: Sandbox, fault: str, where: object, *arguments: str) -> tuple[int, str, str]:
    """Run a command with a fault; returns exit code, stdout and stderr."""
    done = sandbox.run(fault, str(where), *arguments, command=FAULTS)
    return done.code, done.out, done.err


@pytest.mark.parametrize("layer", telling(LAYERS, "broker"))
def test_ctrl_c_at_each_layer_leaves_nothing(project: Sandbox, layer: str) -> None:
    """Ctrl-C while a layer is waited for exits 130, and what was started is stopped again."""
    code, out, err = faulty(project, "int-layer", layer, "up")
    assert (code, out) == (130, "")
    assert "Error: Interrupted" in err and "Traceback" not in err
    assert "stopping again: zookeeper, kafka" in err
    assert project.processes() == {}
    assert project.run("status", "-o", "json").document["state"] == "stopped"


@pytest.mark.release
def test_ctrl_c_while_a_quorum_forms_leaves_nothing(warm_kafka_4: Path, project: Sandbox) -> None:
    """The same in KRaft mode: all nodes are stopped, and what was formatted starts later."""
    project.environ.update(KAFKA_TASKS_VERSION="4.4", KAFKA_TASKS_BROKERS="2")
    code, out, err = faulty(project, "int-layer", "quorum", "up")
    assert (code, out) == (130, ""), err
    assert "Error: Interrupted" in err and "Traceback" not in err
    assert "stopping again: kafka, kafka-2" in err
    assert project.processes() == {}
    assert project.up()["state"] == "ready"


@pytest.mark.parametrize("name", telling(["term", "hup"], "term"))
def test_termination_is_tidy_too(project: Sandbox, name: str) -> None:
    """SIGTERM and a closed terminal end a start as Ctrl-C does; JSON stays one document."""
    done = project.run(f"{name}-layer", "broker", "up", "-o", "json", command=FAULTS)
    assert done.code == 130
    assert done.error["code"] == "interrupted"
    assert project.processes() == {}


@pytest.mark.parametrize("count", telling([1, 2], 2))
def test_ctrl_c_between_spawn_and_record(project: Sandbox, count: int) -> None:
    """Ctrl-C right after a server was spawned, before that is recorded, leaves nothing either."""
    code, _, err = faulty(project, "int-spawn", count, "up")
    assert code == 130, err
    assert project.processes() == {}


@pytest.mark.parametrize(
    "line", telling([None, "ok process", "ok zookeeper", "ok broker"], "ok zookeeper")
)
def test_ctrl_c_from_outside_at_any_moment(
    project: Sandbox, until: Callable[..., object], line: str | None
) -> None:
    """Whenever Ctrl-C comes, `up` exits 130 with nothing left, or 0 with a ready cluster.

    Before its first line, or after that line, which may be its last ones on a quick machine.
    """
    process = project.begin("up")
    # Python itself answers Ctrl-C, with a traceback, until it has come as far as `main`.
    until(project.state_file.parent.is_dir, "the directory of the state")
    if line is not None:
        read_up_to(process, line)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    if process.returncode == 0:
        assert line == "ok broker"
        assert set(project.pids()) == {"zookeeper", "kafka"}
        assert project.run("down").code == 0
    else:
        assert process.returncode == 130, err
    assert project.processes() == {}


def read_up_to(process: subprocess.Popen[str], *lines: str) -> None:
    """Read what a command says until a line that has the words of one of these."""
    assert process.stderr is not None
    seen = []
    for said in process.stderr:
        seen.append(said)
        if any(line in said for line in lines):
            return
    pytest.fail(f"never said: {lines}\n{''.join(seen)}")


def test_second_ctrl_c_does_not_stop_the_cleaning_up(
    project: Sandbox, until: Callable[..., object]
) -> None:
    """Impatient Ctrl-Cs while a suspended broker is stopped again still leave nothing."""
    process = project.begin("up")
    until(lambda: "kafka" in project.pids(), "the broker's process")
    broker = project.pids()["kafka"]
    os.kill(broker, signal.SIGSTOP)
    # It may be seen to stand still before it is seen at all.
    read_up_to(process, "ok process    kafka", "kafka suspended")
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    read_up_to(process, "stopping again")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert project.processes() == {}


@pytest.mark.release
def test_ctrl_c_in_a_repair_stops_only_what_it_started(breakable: Sandbox) -> None:
    """An interrupted repair takes its own ZooKeeper away and leaves the broker that ran before."""
    breakable.up()
    broker = breakable.pids()["kafka"]
    breakable.kill("zookeeper")
    code, _, err = faulty(breakable, "int-layer", "cluster", "up")
    assert code == 130, err
    assert breakable.pids() == {"kafka": broker}
    breakable.up()
    assert breakable.pids()["kafka"] == broker


def test_ctrl_c_in_wait_leaves_the_cluster_alone(project: Sandbox) -> None:
    """`wait` that is interrupted exits 130 and has changed nothing."""
    services = "kafka_tasks.runtimes.embedded.runtime:EmbeddedRuntime.observe@3"
    code, _, err = faulty(project, "int-call", services, "wait")
    assert code == 130, err
    assert "Error: Interrupted" in err and "Traceback" not in err
    assert list(project.path.iterdir()) == []


@pytest.mark.parametrize(
    ("fault", "count", "left"),
    telling(
        [
            ("kill-record", 1, set()),
            ("kill-spawn", 1, {"zookeeper"}),
            ("kill-record", 2, {"zookeeper"}),
            ("kill-spawn", 2, {"zookeeper", "kafka"}),
            ("kill-record", 3, {"zookeeper", "kafka"}),
        ],
        ("kill-spawn", 1, {"zookeeper"}),
    ),
)
def test_up_after_up_was_killed(project: Sandbox, fault: str, count: int, left: set[str]) -> None:
    """`up` after SIGKILL of an `up` half-way takes over what that left, each service once."""
    code, _, _ = faulty(project, fault, count, "up")
    assert code == -signal.SIGKILL
    before = project.pids()
    assert set(before) == left
    seen = project.run("status", "-o", "json").document
    assert {s["name"] for s in seen["services"] if s["pid"]} <= left
    project.up()
    after = project.pids()
    assert set(after) == {"zookeeper", "kafka"}
    assert {name: after[name] for name in before} == before
    assert project.run("topic").code == 0


@pytest.mark.parametrize("fault", [("kill-spawn", 2), ("kill-layer", "broker")])
def test_down_after_up_was_killed(project: Sandbox, fault: tuple[str, object]) -> None:
    """`down` after SIGKILL of an `up` half-way stops what that left, recorded or not."""
    code, _, _ = faulty(project, *fault, "up")
    assert code == -signal.SIGKILL
    # A process that was begun a moment ago may have no command line of its own yet.
    eventually(lambda: set(project.pids()) == {"zookeeper", "kafka"}, "two servers")
    assert project.run("down").out.startswith("Stopped kafka, zookeeper.")
    assert project.processes() == {}


@pytest.mark.release
def test_restart_killed_half_way(breakable: Sandbox) -> None:
    """`up` after a `restart` that was killed between stop and start is ready with its data."""
    first = breakable.up()
    code, _, _ = faulty(breakable, "kill-record", 3, "restart")
    assert code == -signal.SIGKILL
    assert breakable.up()["cluster_id"] == first["cluster_id"]


@pytest.mark.parametrize(
    "command", telling(["down", "restart", "snapshot.save base"], "snapshot.save base")
)
def test_a_broker_that_was_told_to_end_has_ended_after_ctrl_c(
    breakable: Sandbox, command: str
) -> None:
    """Ctrl-C while it ends leaves none that answers as if it ran on; `up` is ready after it."""
    breakable.up()
    broker = breakable.pids()["kafka"]
    code, _, err = faulty(breakable, "int-call", "psutil:Process.send_signal@1", *command.split())
    assert code == 130, err
    assert breakable.pids().get("kafka") != broker
    assert breakable.up()["state"] == "ready"


@pytest.mark.release
def test_up_after_a_broker_was_ended_while_it_registered(
    breakable: Sandbox, until: Callable[..., object]
) -> None:
    """A broker that is told to end before it has started halts and stays registered for a while.

    Kafka refuses to shut down then; its registration is removed before the next one starts.
    """
    breakable.up()
    log = breakable.path / ".kafka-tasks" / "logs" / "kafka.log"
    begun = len(log.read_bytes())
    for _ in range(6):
        said = len(log.read_bytes())
        process = breakable.begin("restart", "--service", "kafka")
        until(lambda said=said: b"Registered broker 1" in log.read_bytes()[said:], "its znode")
        broker = breakable.pids()["kafka"]
        os.kill(broker, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        caught = process.returncode == 130 and b"still starting up" in log.read_bytes()[said:]
        done = breakable.run("up")
        assert done.code == 0, done.err
        # On a slow machine that session may have ended before anybody looks.
        if caught and "removed its registration from ZooKeeper" in done.err:
            break
    else:
        pytest.fail("no broker was caught while it registered")
    assert "stopping again: kafka" in err
    assert b"NodeExists" not in log.read_bytes()[begun:]
