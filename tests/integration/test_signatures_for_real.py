"""Failures provoked for real: `up` itself says what it was, and `doctor` says it afterwards."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.diagnosis import signatures
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded.runtime import EmbeddedRuntime
from tests.integration.conftest import Sandbox


@pytest.fixture(scope="module")
def bench(new_project: Callable[..., Sandbox]) -> Sandbox:
    """A project that had a cluster with a topic, stopped, with a copy of its data beside it."""
    sandbox = new_project("bench")
    sandbox.up()
    assert sandbox.run("topic").code == 0
    assert sandbox.run("down").code == 0
    shutil.copytree(sandbox.path / ".kafka-tasks" / "data", sandbox.path / "kept")
    return sandbox


@pytest.fixture
def stopped(bench: Sandbox) -> Iterator[Sandbox]:
    """The same project with its data as it was, and nothing left over from the last failure."""
    data = bench.path / ".kafka-tasks" / "data"
    with contextlib.suppress(FileNotFoundError):
        (bench.path / ".kafka-tasks" / "run" / "last-failure.json").unlink()
    shutil.rmtree(data)
    shutil.copytree(bench.path / "kept", data)
    yield bench
    assert bench.run("down").code == 0


# As a broker writes it, of one that nobody can reach.
_REGISTRATION = (
    b'{"version":5,"host":"localhost","port":9,"jmx_port":-1,"timestamp":"1","features":{},'
    b'"endpoints":["PLAINTEXT://localhost:9"],"listener_security_protocol_map":'
    b'{"PLAINTEXT":"PLAINTEXT"}}'
)


def data(sandbox: Sandbox) -> Path:
    """Where the servers' data lies."""
    return sandbox.path / ".kafka-tasks" / "data"


def properties(sandbox: Sandbox, text: str) -> dict[str, str | None]:
    """The environment in which brokers have these further properties."""
    path = sandbox.path / "further.properties"
    path.write_text(text)
    return {"KAFKA_TASKS_BROKER_PROPERTIES": str(path)}


def found_by_both(
    sandbox: Sandbox, id: str, *, env: dict[str, str | None] | None = None, timeout: str = "30"
) -> dict[str, Any]:
    """Fails unless a failing `up`, and `doctor` after it, come to this finding."""
    failed = sandbox.run("up", "--timeout", timeout, "-o", "json", env=env)
    error = failed.error
    assert error["finding"] == id, error
    assert error["cause"] and error["hint"]
    seen = sandbox.run("doctor", "-o", "json", env=env)
    wrong = {found["id"]: found for found in seen.document["findings"] if found["level"] == "error"}
    assert id in wrong, seen.out
    assert seen.code == seen.document["exit_code"] != 0
    return {"up": error, "doctor": wrong[id]}


def test_zookeepers_data_is_gone(stopped: Sandbox) -> None:
    """Kafka's data of another cluster is named, with the line that says which ids."""
    shutil.rmtree(data(stopped) / "zookeeper")
    found = found_by_both(stopped, "cluster-id-differs")
    assert any("Invalid cluster.id" in line for line in found["up"]["evidence"])
    assert "kafka.down --wipe" in found["up"]["hint"]


def test_the_broker_id_was_changed(stopped: Sandbox) -> None:
    """Data of a broker with another id is named, by the data itself as well."""
    meta = data(stopped) / "kafka" / "meta.properties"
    meta.write_text(meta.read_text().replace("broker.id=1", "broker.id=7"))
    found_by_both(stopped, "broker-id-differs")


def test_zookeepers_snapshots_are_gone(stopped: Sandbox) -> None:
    """A transaction log without snapshots is a part of the data that is missing."""
    snapshots = list((data(stopped) / "zookeeper").rglob("snapshot.*"))
    assert snapshots
    for path in snapshots:
        path.unlink()
    found = found_by_both(stopped, "zookeeper-data-partial")
    assert found["doctor"]["service"] == "zookeeper"


def test_a_file_in_place_of_the_data_directory(stopped: Sandbox) -> None:
    """What cannot be written is named, whatever the reason."""
    shutil.rmtree(data(stopped) / "kafka")
    (data(stopped) / "kafka").write_text("no directory")
    found_by_both(stopped, "data-not-writable")


@pytest.mark.release
def test_another_process_has_the_lock(stopped: Sandbox) -> None:
    """Who holds the data directory is to be looked for; the lock is not to be deleted."""
    with open(data(stopped) / "kafka" / ".lock", "a+b") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        found = found_by_both(stopped, "data-locked")
    assert "fuser" in found["up"]["hint"]


def test_a_heap_that_is_too_small(stopped: Sandbox) -> None:
    """What the JVM says before it can log is found, and not what an earlier start logged."""
    found = found_by_both(stopped, "heap-too-small", env={"KAFKA_TASKS_HEAP": "1m"})
    assert "Too small maximum heap" in found["up"]["evidence"]


@pytest.mark.release
def test_a_heap_that_is_too_large(stopped: Sandbox) -> None:
    """More memory than there is cannot be had."""
    found_by_both(stopped, "memory-short", env={"KAFKA_TASKS_HEAP": "900000g"})


def test_a_listener_that_is_not_there(stopped: Sandbox) -> None:
    """A bad listener name in the further properties is found."""
    env = properties(stopped, "inter.broker.listener.name=NOPE\n")
    found_by_both(stopped, "listeners-invalid", env=env)


@pytest.mark.release
def test_zookeeper_is_too_slow(stopped: Sandbox) -> None:
    """A broker that gives up on ZooKeeper is found by its words."""
    # Who speaks TLS to a ZooKeeper that does not is never connected, on any machine.
    tls = (
        "zookeeper.connection.timeout.ms=1000\nzookeeper.ssl.client.enable=true\n"
        "zookeeper.clientCnxnSocket=org.apache.zookeeper.ClientCnxnSocketNetty\n"
    )
    env = properties(stopped, tls)
    found_by_both(stopped, "zookeeper-unreachable", env=env)


@pytest.mark.release
def test_the_disk_is_full(stopped: Sandbox, tmp_path: Path) -> None:
    """A file system of 200 KiB is full while the broker starts."""
    folder = data(stopped) / "kafka"
    shutil.rmtree(folder)
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        (folder / "filler").write_bytes(b"x" * 196 * 1024)
        found_by_both(stopped, "disk-full")
    finally:
        stopped.run("down")
        subprocess.run(["umount", str(folder)], check=True)


def test_a_port_is_taken(stopped: Sandbox) -> None:
    """The holder is named by `up` and by `doctor`, with the command that ends it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        env: dict[str, str | None] = {"KAFKA_TASKS_PORT": str(taken.getsockname()[1])}
        found = found_by_both(stopped, "port-taken", env=env)
    for said in (found["up"]["message"], found["doctor"]["title"]):
        assert str(os.getpid()) in said
    assert f"kill {os.getpid()}" in found["doctor"]["fix"]


def test_another_java_was_named(stopped: Sandbox, tmp_path: Path) -> None:
    """A Java that cannot run this Kafka is refused with what would."""
    home = tmp_path / "java"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text('JAVA_VERSION="26.0.1"\n')
    found_by_both(stopped, "wrong-java", env={"KAFKA_TASKS_JAVA_HOME": str(home)})


def test_a_version_without_zookeeper(stopped: Sandbox) -> None:
    """ZooKeeper mode of 8.0 is explained, not only refused."""
    env: dict[str, str | None] = {"KAFKA_TASKS_VERSION": "8.0.0", "KAFKA_TASKS_MODE": "zookeeper"}
    found_by_both(stopped, "no-zookeeper-in-version", env=env)


def test_no_engine(new_project: Callable[..., Sandbox]) -> None:
    """A socket where no engine listens is found by both."""
    sandbox = new_project("no-engine")
    env: dict[str, str | None] = {
        "KAFKA_TASKS_RUNTIME": "compose",
        "DOCKER_HOST": "unix:///nonexistent/docker.sock",
    }
    found_by_both(sandbox, "engine-missing", env=env)


@pytest.mark.release
def test_the_znode_of_another_session(stopped: Sandbox) -> None:
    """A broker whose id is registered by another session dies of it, and both say so."""
    from kazoo.client import KazooClient

    up = stopped.up()
    assert EmbeddedRuntime(Project(stopped.path)).stop(["kafka"]) == ("kafka",)
    logging.getLogger("kazoo").setLevel(logging.CRITICAL)
    other = KazooClient(hosts=up["zookeeper"])
    other.start(timeout=10)
    try:
        other.create("/brokers/ids/1", _REGISTRATION, ephemeral=True)
        found = found_by_both(stopped, "broker-still-registered")
        assert any("/brokers/ids/1" in line for line in found["up"]["evidence"])
        listed = stopped.run("doctor", "-o", "json").document["findings"]
        (warned,) = [
            f for f in listed if f["id"] == f"{found['doctor']['id']}" and f["level"] == "warning"
        ]
        assert "ZooKeeper still lists broker 1" in warned["title"]
    finally:
        other.stop()
        other.close()


@pytest.mark.release
def test_zookeeper_lost_what_the_broker_has_seen(
    stopped: Sandbox, until: Callable[..., Any]
) -> None:
    """A ZooKeeper that comes back empty refuses its broker; a restart fails of the data's id."""
    stopped.up()
    stopped.kill("zookeeper")
    shutil.rmtree(data(stopped) / "zookeeper")
    stopped.run("up", "--timeout", "30")

    def levels() -> dict[str, str]:
        seen = stopped.run("doctor", "-o", "json")
        return {found["id"]: found["level"] for found in seen.document["findings"]}

    refused = until(
        lambda: (found := levels()) and "broker-not-registered" in found and found, "it is noticed"
    )
    assert refused["broker-not-registered"] == "error"
    assert refused["zookeeper-went-back"] in ("warning", "error")
    failed = stopped.run("restart", "-o", "json")
    assert failed.error["finding"] == "cluster-id-differs"


@pytest.mark.release
def test_too_many_replicas_in_a_running_cluster(stopped: Sandbox) -> None:
    """Consumer groups that hang for lack of brokers are warned of although the cluster is ready."""
    from confluent_kafka import Consumer

    shutil.rmtree(data(stopped))
    data(stopped).mkdir()
    env = properties(stopped, "offsets.topic.replication.factor=3\n")
    up = stopped.up(env=env)
    assert stopped.run("topic", env=env).code == 0
    consumer = Consumer(
        {
            "bootstrap.servers": up["bootstrap_servers"],
            "group.id": "waits",
            "broker.address.family": "v4",
        }
    )
    consumer.subscribe(["test-topic"])
    assert consumer.poll(2.0) is None
    consumer.close()
    seen = stopped.run("doctor", "-o", "json", env=env)
    levels = {
        found["level"] for found in seen.document["findings"] if found["id"] == "replication-factor"
    }
    assert levels == {"error", "warning"}  # in the configuration, and in the log
    assert seen.code == 3
    word = _four_letters(up["zookeeper"], "ruok")
    ((_, hit),) = signatures.search({"tool": [word]})
    assert hit.signature.id == "four-letter-word"


def _four_letters(address: str, word: str) -> str:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as link:
        link.sendall(word.encode())
        return link.recv(1000).decode().strip()


@pytest.mark.release
def test_a_broker_that_listens_and_does_not_answer(stopped: Sandbox) -> None:
    """An open port proves nothing: what it accepts it closes again, and more time is the hint."""
    closing = "max.connections.per.ip=0\nmax.connections.per.ip.overrides=192.0.2.1:1\n"
    found = found_by_both(stopped, "leader-missing", env=properties(stopped, closing), timeout="9")
    assert "invoke kafka.logs --service kafka" in found["up"]["hint"]


@pytest.mark.release
def test_topics_that_are_there_already(stopped: Sandbox) -> None:
    """A topic from before, and one that is not as asked for, are known by what the tool says."""
    stopped.up()
    assert stopped.run("topic").code == 0
    said = {
        "topics-kept": stopped.run("topic.create", "test-topic"),
        "topic-differs": stopped.run("topic", "--partitions", "3"),
    }
    for id, done in said.items():
        assert done.code == 1
        found = signatures.search({"tool": done.err.removeprefix("Error: ").splitlines()})
        assert [hit.signature.id for _, hit in found] == [id], done.err


def test_what_a_client_writes() -> None:
    """A refused ::1 and a name that nobody knows are found in a client's own words."""
    from confluent_kafka.admin import AdminClient

    lines: list[str] = []

    class Keeper(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    log = logging.getLogger("kafka-tasks-test")
    log.propagate = False
    log.addHandler(Keeper())
    for address in ("[::1]:9", "kafka.invalid:29092"):
        with AdminClient({"bootstrap.servers": address}, logger=log) as admin:
            said = len(lines)
            # A resolver that cannot be reached takes its time to say so.
            for _ in range(15):
                with contextlib.suppress(Exception):
                    admin.list_topics(timeout=2.0)
                admin.poll(0.1)
                if len(lines) > said:
                    break
    found = {hit.signature.id for _, hit in signatures.search({"tool": lines})}
    expected = {"advertised-unreachable"}
    if any("ipv6#" in line for line in lines):
        expected.add("ipv6-localhost")
    assert expected <= found, lines
