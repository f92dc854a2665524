"""The machine's checks, on machines that are made up."""

from __future__ import annotations

import os
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import PortHolder
from kafka_tasks.diagnosis import leftovers, machine, prerequisites
from kafka_tasks.errors import EngineMissing
from kafka_tasks.model.finding import Finding
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import port_holder
from kafka_tasks.runtimes.compose import command
from tests.unit.diagnosis.conftest import MakeExam


def one(findings: Any) -> Finding:
    """Return the only finding."""
    (found,) = findings
    assert isinstance(found, Finding)
    return found


@pytest.mark.parametrize(("free", "level"), [(2_000_000_000, "ok"), (500_000_000, "warning")])
def test_memory(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, free: int, level: str
) -> None:
    """What all servers may want is held against what is free."""
    monkeypatch.setattr("kafka_tasks.clients.machine.memory_bytes", lambda: (8_000_000_000, free))
    assert one(machine.memory(make_exam())).level == level


@pytest.mark.parametrize(
    ("free", "id", "level"),
    [(5_000_000_000, "disk", "ok"), (200_000_000, "disk", "warning"), (1, "disk-full", "error")],
)
def test_disk(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, free: int, id: str, level: str
) -> None:
    """Each file system once: much, little, or too little for a start (4)."""
    monkeypatch.setattr("kafka_tasks.clients.machine.free_bytes", lambda _path: free)
    found = one(machine.disk(make_exam()))
    assert (found.id, found.level) == (id, level)


def test_a_port_is_held(make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder and what ends it are named."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 9092)
    holder = PortHolder(9092, 4711, "python", "python -m http.server")
    monkeypatch.setattr(processes, "port_holder", lambda _port: holder)
    found = one(machine.port_holders(make_exam()))
    assert (found.id, found.level, found.exit_code) == ("port-taken", "error", 4)
    assert "4711" in found.title
    assert found.fix == "kill 4711, or KAFKA_TASKS_PORT=auto invoke kafka.up"


def test_a_port_of_another_cluster_of_ours(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is stopped in its project."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 9092)
    monkeypatch.setattr(processes, "port_holder", lambda _port: PortHolder(9092, 4711, "java"))
    monkeypatch.setattr(port_holder, "_project_of", lambda pid: Path("/home/you/other"))
    found = one(machine.port_holders(make_exam()))
    assert "held by the cluster of /home/you/other" in found.title
    assert str(found.fix).startswith("(cd /home/you/other && kafka-tasks down), or ")


def test_a_holder_that_the_system_hides(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command that names it is given, since nothing else can be."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 9092)
    monkeypatch.setattr(processes, "port_holder", lambda _port: PortHolder(9092))
    monkeypatch.setattr(port_holder, "_publisher", lambda port, engine: None)
    found = one(machine.port_holders(make_exam()))
    assert "held by a process of another user" in found.title
    assert str(found.fix).startswith("sudo ss -ltnp sport = :9092 names the process, or ")


def test_a_port_that_is_picked_is_no_trouble(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where ports are auto, none is needed before a start."""
    monkeypatch.setattr(processes, "port_is_free", lambda _port: False)
    exam = make_exam(port="auto", zookeeper_port="auto")
    assert one(machine.port_holders(exam)).level == "ok"


def test_a_clock_that_was_set_back(make_exam: MakeExam) -> None:
    """Files of the cluster from the future are the evidence."""
    exam = make_exam()
    log = exam.project.state / "logs" / "kafka.log"
    log.write_text("x")
    assert one(machine.clock(exam)).level == "ok"
    os.utime(log, (4_000_000_000, 4_000_000_000))
    assert "before the newest file" in one(machine.clock(exam)).title


@pytest.mark.parametrize(("hard", "level"), [(512, "warning"), (524288, "ok"), (-1, "ok")])
def test_open_files(
    make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch, hard: int, level: str
) -> None:
    """The hard limit counts, since a JVM raises the soft one."""
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, hard))
    assert one(machine.open_files(make_exam())).level == level


@pytest.mark.parametrize(
    ("environ", "level"),
    [
        ({}, "ok"),
        ({"HTTP_PROXY": "http://p"}, "warning"),
        ({"all_proxy": "socks://p", "no_proxy": "localhost"}, "warning"),
        ({"HTTP_PROXY": "http://p", "NO_PROXY": "localhost, 127.0.0.1"}, "ok"),
        ({"https_proxy": "http://p", "no_proxy": "*"}, "ok"),
        ({"JAVA_TOOL_OPTIONS": "-DsocksProxyHost=p"}, "warning"),
    ],
)
def test_proxies(make_exam: MakeExam, environ: dict[str, str], level: str) -> None:
    """A proxy is a warning unless localhost is excepted by both its names."""
    assert one(machine.proxies(make_exam(environ=environ))).level == level


@pytest.mark.parametrize(
    ("addresses", "id", "level"),
    [
        (["127.0.0.1", "::1"], "localhost", "ok"),
        (["::1", "127.0.0.1"], "ipv6-localhost", "info"),
        (["::1"], "localhost", "error"),
        ([], "localhost", "error"),
    ],
)
def test_localhost(
    make_exam: MakeExam,
    monkeypatch: pytest.MonkeyPatch,
    addresses: list[str],
    id: str,
    level: str,
) -> None:
    """127.0.0.1 has to be among its addresses, and better first."""

    def resolve(*_: object, **__: object) -> list[Any]:
        if not addresses:
            raise OSError("no such name")
        return [(0, 0, 0, "", (address, 9092)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found = one(machine.localhost(make_exam()))
    assert (found.id, found.level) == (id, level)


class FakeEngine:
    """An engine with images by name and architecture."""

    version, host, is_local, architecture = "26.1", "unix:///x", True, "amd64"

    def __init__(self, **images: str) -> None:
        self.images = images

    def image_architecture(self, name: str) -> str | None:
        """Return the architecture by the image's name without its tag."""
        return self.images.get(name.partition(":")[0].rpartition("-")[2])

    def memory_bytes(self) -> int:
        """Return little memory."""
        return 1_000_000_000


def test_images_of_another_architecture_or_none(make_exam: MakeExam) -> None:
    """A missing image is fetched by the fix; one of another architecture is an error."""
    exam = make_exam(runtime="compose")
    exam._engine = FakeEngine(kafka="arm64")  # type: ignore[assignment]
    missing, foreign = prerequisites.images(exam)
    assert (missing.id, missing.level, missing.remedy) == ("image", "warning", "pull")
    assert (foreign.id, foreign.level) == ("architecture", "error")
    assert "arm64" in foreign.title


def test_an_engine_is_needed_by_compose_alone(make_exam: MakeExam) -> None:
    """None that answers is an error on compose and worth a word elsewhere."""
    for runtime, level in (("compose", "error"), ("embedded", "info")):
        exam = make_exam(runtime=runtime, environ={"DOCKER_HOST": "unix:///x"})
        exam._engine = EngineMissing("none", hint="start it")
        assert one(prerequisites.engine(exam)).level == level


def test_an_engine_with_little_memory(make_exam: MakeExam) -> None:
    """A virtual machine of 1 GB is a warning."""
    exam = make_exam(runtime="compose")
    exam._engine = FakeEngine()  # type: ignore[assignment]
    answers, little = prerequisites.engine(exam)
    assert (answers.level, little.id) == ("ok", "engine-memory")


def test_what_a_crash_left(make_exam: MakeExam, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unreadable record and half-written files have a fix; a held lock means they are in use."""
    monkeypatch.setattr(processes, "find", lambda _marker: [])
    exam = make_exam()
    assert list(leftovers.records(exam)) == []
    (exam.project.state / "state.json").write_text("{")
    (exam.project.state / "state.json.7.new").write_text("{")
    assert [found.remedy for found in leftovers.records(exam)] == ["state", "drafts"]
    exam.held = True
    assert [found.remedy for found in leftovers.records(exam)] == ["state"]


def test_state_that_others_may_read(make_exam: MakeExam, project: Project) -> None:
    """The state directory is its owner's alone."""
    project.state.chmod(0o750)
    found = one(leftovers.permissions(make_exam()))
    assert (found.remedy, found.fix) == ("state-mode", f'chmod 700 "{project.state}"')
    project.state.chmod(0o700)
    assert one(leftovers.permissions(make_exam())).level == "ok"


def test_heap_sizes() -> None:
    """Heap sizes are read as Java writes them."""
    assert [machine.heap_bytes(text) for text in ("1k", "2M", "3g")] == [1024, 2 << 20, 3 << 30]
    assert Path(machine._nearest_directory(Path("/nonexistent/deep"))) == Path("/")


def test_images_of_a_file_of_ones_own(
    make_exam: MakeExam, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that the file names are looked at, and not those of the settings."""
    services = {"zookeeper": {"image": "zookeeper:3.9"}, "kafka": {"image": "acme/kafka:1"}}
    (project.path / "compose.yml").write_text("services: {zookeeper: {}, kafka: {}}")
    monkeypatch.setattr(command.Project, "config", lambda self: {"services": services})
    exam = make_exam(runtime="compose")
    exam._engine = FakeEngine()  # type: ignore[assignment]
    found = [finding.title for finding in prerequisites.images(exam)]
    assert ["zookeeper:3.9" in found[0], "acme/kafka:1" in found[1]] == [True, True]
