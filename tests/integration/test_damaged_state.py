"""A record that is stale, foreign or damaged: nothing foreign is signalled, nothing is lost."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import psutil
import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "garbage": lambda _: b"\x00\xff not json",
    "empty": lambda _: b"",
    "truncated": lambda whole: whole[: len(whole) // 2],
    "another shape": lambda _: b'{"schema": 7}',
    "a list": lambda _: b"[]",
}


@pytest.fixture
def bystander() -> Iterator[psutil.Process]:
    """A process that has nothing to do with Kafka and has to live on."""
    process = subprocess.Popen(["sleep", "300"])
    yield psutil.Process(process.pid)
    assert process.poll() is None, "a foreign process was signalled"
    process.kill()
    process.wait()


def change_record(sandbox: Sandbox, **fields: Any) -> None:
    """Put these values into every service of the record."""
    record = sandbox.recorded()
    del record["checksum"]
    record["services"] = [{**service, **fields} for service in record["services"]]
    sandbox.state_file.write_text(json.dumps(record))


def started_s(process: psutil.Process) -> float:
    """Seconds from the machine's boot to the process's start."""
    return process.create_time() - psutil.boot_time()


@pytest.fixture(scope="module")
def stopped(new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project whose cluster ran once."""
    sandbox = new_project("stopped")
    sandbox.up()
    assert sandbox.run("down").code == 0
    return sandbox


def as_schema_1(record: dict[str, Any]) -> dict[str, Any]:
    """Return the record as the version before wrote it: a count and two ports, without roles."""
    old = {key: value for key, value in record.items() if key != "checksum"}
    ports = {service["name"]: service["port"] for service in record["services"]}
    services = [
        {key: value for key, value in service.items() if key != "role"}
        for service in record["services"]
    ]
    old |= {"schema": 1, "brokers": len(ports) - 1, "services": services}
    old |= {"port": ports["kafka"], "zookeeper_port": ports["zookeeper"]}
    canonical = msgspec.json.encode(old, order="sorted")
    return {**old, "checksum": hashlib.sha256(canonical).hexdigest()}


def test_a_cluster_that_the_version_before_started_is_managed(breakable: Sandbox) -> None:
    """Its record says less: it is ready, keeps its processes and data, and stops in order."""
    up = breakable.up()
    assert breakable.run("topic.create", "managed").code == 0
    before = breakable.pids()
    breakable.state_file.write_text(json.dumps(as_schema_1(breakable.recorded())))
    found = breakable.run("status", "-o", "json")
    assert (found.code, found.document["state"]) == (0, "ready")
    assert found.document["bootstrap_servers"] == up["bootstrap_servers"]
    assert found.document["zookeeper"] == up["zookeeper"]
    roles = {service["name"]: service["role"] for service in found.document["services"]}
    assert roles == {"zookeeper": "zookeeper", "kafka": "broker"}
    assert breakable.up()["cluster_id"] == up["cluster_id"]
    assert breakable.pids() == before
    assert breakable.run("down").code == 0
    assert breakable.pids() == {}
    assert breakable.recorded()["schema"] == 2
    breakable.up()
    assert "managed" in breakable.topics()


@pytest.mark.parametrize("part", ["pid", "pid and start", "pid and command"])
def test_recycled_pid_is_never_signalled(
    stopped: Sandbox, bystander: psutil.Process, part: str
) -> None:
    """A recorded pid that belongs to another process by now counts as dead and is left alone."""
    command = json.loads(stopped.state_file.read_bytes())
    fields: dict[str, Any] = {"pid": bystander.pid, "started_s": 1.0, "command": "0" * 64}
    if part == "pid and start":
        fields["started_s"] = started_s(bystander)
    if part == "pid and command":
        from kafka_tasks.clients.processes import command_digest

        fields["command"] = command_digest(bystander.cmdline())
    change_record(stopped, **fields)
    assert {s["pid"] for s in stopped.recorded()["services"]} == {bystander.pid}
    seen = stopped.run("status", "-o", "json").document
    assert [service["pid"] for service in seen["services"]] == [None, None]
    assert stopped.run("down").out == "Nothing was running.\n"
    assert bystander.is_running()
    stopped.state_file.write_text(json.dumps(command))


@pytest.mark.release
def test_up_over_recycled_pids(stopped: Sandbox, bystander: psutil.Process) -> None:
    """`up` over a record full of foreign pids starts a cluster and leaves those processes alone."""
    change_record(stopped, pid=bystander.pid, started_s=1.0, command="0" * 64)
    stopped.up()
    assert bystander.pid not in stopped.pids().values()
    assert stopped.run("restart").code == 0
    assert stopped.run("down").code == 0


def test_pids_of_dead_processes_count_as_dead(stopped: Sandbox) -> None:
    """A record of processes that are gone, after a reboot say, is a cluster that failed."""
    record = stopped.state_file.read_bytes()
    change_record(stopped, pid=2**22 - 3, started_s=5.0, command="0" * 64)
    changed = {**stopped.recorded(), "wanted": "running"}
    stopped.state_file.write_text(json.dumps(changed))
    seen = stopped.run("status", "-o", "json")
    assert (seen.code, seen.document["state"]) == (5, "failed")
    assert stopped.run("down").code == 0
    stopped.state_file.write_bytes(record)


@pytest.mark.parametrize("damage", DAMAGE)
def test_damaged_record_of_a_running_cluster(breakable: Sandbox, damage: str) -> None:
    """A cluster whose record is unreadable is seen by every verb and taken over by `up`."""
    breakable.up()
    pids, whole = breakable.pids(), breakable.state_file.read_bytes()
    breakable.state_file.write_bytes(DAMAGE[damage](whole))
    seen = breakable.run("status", "-o", "json")
    assert (seen.code, seen.document["state"]) == (0, "ready")
    assert {s["name"]: s["pid"] for s in seen.document["services"]} == pids
    assert breakable.run("topic.list").code == 0
    done = breakable.run("up")
    assert done.code == 0, done.out + done.err
    assert breakable.pids() == pids
    kept = breakable.state_file.with_name("state.json.corrupt")
    assert kept.read_bytes() == DAMAGE[damage](whole)
    assert {s["name"]: s["pid"] for s in breakable.recorded()["services"]} == pids
    breakable.state_file.write_bytes(whole)


@pytest.mark.parametrize("damage", ["garbage", "empty", "truncated"])
def test_damaged_record_of_a_stopped_cluster(stopped: Sandbox, damage: str) -> None:
    """An unreadable record of nothing that runs is a stopped cluster, not an error."""
    whole = stopped.state_file.read_bytes()
    stopped.state_file.write_bytes(DAMAGE[damage](whole))
    assert stopped.run("status", "-o", "json").document["state"] == "stopped"
    assert stopped.run("list").code == 0
    assert stopped.run("down").code == 0
    stopped.state_file.write_bytes(whole)


@pytest.mark.release
def test_up_over_a_damaged_record_keeps_the_data(breakable: Sandbox) -> None:
    """`up` after a lost record of a stopped cluster finds its topics again."""
    first = breakable.up()
    assert breakable.run("topic.create", "kept").code == 0
    assert breakable.run("down").code == 0
    breakable.state_file.write_bytes(b"{")
    done = breakable.run("up", "-o", "json")
    assert done.code == 0, done.out + done.err
    assert "the state file was unreadable" in done.err
    assert done.document["cluster_id"] == first["cluster_id"]
    assert "kept" in breakable.topics()


@pytest.mark.release
def test_damaged_record_of_a_half_dead_cluster(project: Sandbox) -> None:
    """Without a readable record `up` still repairs only what is dead, on the same ports."""
    first = project.up("--brokers", "2")
    before = project.pids()
    project.kill("kafka")
    project.state_file.write_bytes(b"")
    found = project.up()
    assert found["bootstrap_servers"] == first["bootstrap_servers"]
    assert found["zookeeper"] == first["zookeeper"]
    assert found["cluster_id"] == first["cluster_id"]
    after = project.pids()
    assert [name for name in before if before[name] != after[name]] == ["kafka"]


def test_down_with_a_damaged_record_stops_all(breakable: Sandbox) -> None:
    """`down` stops servers that only their command lines tell of."""
    breakable.up()
    breakable.state_file.write_bytes(b"garbage")
    assert breakable.run("down", "-o", "json").document["stopped"] == ["kafka", "zookeeper"]
    assert breakable.processes() == {}


def test_lock_of_a_process_that_died_is_free(stopped: Sandbox) -> None:
    """A lock file left by a killed command holds nobody up."""
    note = stopped.path / ".kafka-tasks" / "lock.json"
    note.write_text(json.dumps({"pid": 1, "doing": "up", "since": 0.0}))
    assert stopped.run("down", "--timeout", "2").code == 0


def test_lock_that_is_held_is_waited_for_and_named(stopped: Sandbox) -> None:
    """While another command holds the lock, a second one waits, and names it when time is up."""
    from filelock import FileLock

    note = stopped.path / ".kafka-tasks" / "lock.json"
    with FileLock(stopped.path / ".kafka-tasks" / "lock"):
        note.write_text(json.dumps({"pid": os.getpid(), "doing": "restart", "since": 0.0}))
        done = stopped.run("up", "--timeout", "0.5")
    done.refused(5, "kafka.restart", f"process {os.getpid()}")
    assert "waiting for kafka.restart" in done.err
    with contextlib.suppress(FileNotFoundError):
        note.unlink()
