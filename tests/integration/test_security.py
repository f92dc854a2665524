"""Who can reach the servers, and who can read what they and the commands write."""

from __future__ import annotations

import contextlib
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.integration.conftest import COMMAND, Sandbox
from tests.tiers import telling

# What `sh` runs: whatever is made may be read and written by everybody, unless it is prevented.
CARELESS = ("sh", "-c", 'umask 000; exec "$@"', "sh", str(COMMAND))


def sockets(pid: int) -> list[tuple[str, str]]:
    """Where a process and its children take connections or packets: kind and address."""
    process = psutil.Process(pid)
    return [
        ("tcp" if at.type == 1 else "udp", f"{at.laddr.ip}:{at.laddr.port}")
        for one in (process, *process.children(recursive=True))
        for at in one.net_connections(kind="inet")
        if at.status == psutil.CONN_LISTEN or (at.type == 2 and at.laddr)
    ]


@pytest.mark.parametrize("brokers", telling([1, 3], 1))
def test_servers_listen_on_loopback_alone(project: Sandbox, brokers: int) -> None:
    """One socket for each server, on 127.0.0.1: no JMX, no console, no port of its own choice."""
    # What would open more, if the servers inherited it.
    env: dict[str, str | None] = {
        "JMX_PORT": "9999",
        "KAFKA_JMX_OPTS": "-Dcom.sun.management.jmxremote.port=9998",
        "JAVA_TOOL_OPTIONS": "-Dcom.sun.management.jmxremote.port=9997",
    }
    up = project.up("--brokers", str(brokers), env=env)
    assert project.run("topic").code == 0
    expected = {s["name"]: int(s["address"].rpartition(":")[2]) for s in up["services"]}
    assert len(expected) == brokers + 1
    for name, pid in project.pids().items():
        assert sockets(pid) == [("tcp", f"127.0.0.1:{expected[name]}")], name
        assert all(path.stat().st_uid == os.getuid() for path in [Path(f"/proc/{pid}")])
    seen = project.run("doctor", "-o", "json").document["findings"]
    assert [f["level"] for f in seen if f["id"] == "exposed"] == ["ok"]


def open_to_others(folder: Path) -> dict[str, str]:
    """What below has a bit for the group or for others: path to mode."""
    found = {}
    for path in (folder, *folder.rglob("*")):
        with contextlib.suppress(FileNotFoundError):  # a broker that runs writes drafts
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & 0o077:
                found[str(path.relative_to(folder))] = f"{stat.S_IMODE(mode):o}"
    return found


@pytest.mark.release
def test_nobody_else_can_read_what_is_written(
    project: Sandbox, own_cache: Path, no_builders: Callable[[Path], None]
) -> None:
    """With a umask of 000, state, data, logs, plans, undo files, bundles and notes are closed."""

    def run(line: str) -> None:
        done = project.run(*line.split(), command=CARELESS)
        assert done.code == 0, f"{line}: {done.out}\n{done.err}"

    project.environ["KAFKA_TASKS_CACHE"] = str(own_cache)
    properties = project.path / "broker.properties"
    properties.write_text("ssl.key.password=planted\n")
    project.environ["KAFKA_TASKS_BROKER_PROPERTIES"] = str(properties)
    run("init")
    assert stat.S_IMODE((project.path / ".env").stat().st_mode) == 0o600
    (project.path / "topics.yaml").write_text("topics: [{name: kept}, {name: going}]\n")
    for line in ("up", "topic.plan --out plan.json", "topic.apply --plan plan.json --yes"):
        run(line)
    (project.path / "topics.yaml").write_text("topics: [{name: going, state: absent}]\n")
    for line in ("topic.apply --yes", "topic", "doctor --bundle report.tar.gz", "verify"):
        run(line)
    project.kill("kafka")
    failed = project.run("verify", command=CARELESS)
    assert failed.code == 5
    run("up")
    state = project.path / ".kafka-tasks"
    assert list(state.rglob("topics-*.yaml")), "an undo file is among what is looked at"
    assert (state / "conf" / "kafka.properties").is_file()
    assert open_to_others(state) == {}
    for name in ("plan.json", "report.tar.gz"):
        assert stat.S_IMODE((project.path / name).stat().st_mode) == 0o600, name
    with tarfile.open(project.path / "report.tar.gz") as archive:
        assert {member.mode for member in archive.getmembers()} == {0o600}
    notes = Path(project.environ["XDG_STATE_HOME"]) / "kafka-tasks" / "projects"
    assert any(os.fsencode(project.path) == note.read_bytes() for note in notes.iterdir())
    assert {
        f"{stat.S_IMODE(note.stat().st_mode):o}"
        for note in notes.iterdir()
        if os.fsencode(project.path) == note.read_bytes()
    } == {"600"}
    no_builders(own_cache)
    # Jars and class archives are public, but nobody else may put another in their place.
    assert {
        path: mode
        for path, mode in open_to_others(own_cache / "archives").items()
        if int(mode, 8) & 0o022
    } == {}
