"""Who holds a port is said as it is: never `kill` where a project can stop its cluster."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import Container
from kafka_tasks.clients.processes import Found, Identity, PortHolder
from kafka_tasks.errors import EngineMissing
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.port_holder import Holder, holder_of
from tests.unit.recorded import cluster_record
from tests.unit.runtimes.compose.engine import FakeEngine, container

NOBODY = "nobody asks the engine"


def _asked(
    monkeypatch: pytest.MonkeyPatch,
    holder: PortHolder | None,
    *there: Container,
    by_engine: bool = False,
) -> Holder:
    """Return who holds port 9092, where the process table and the engine show this."""
    monkeypatch.setattr(processes, "port_holder", lambda _port: holder)
    engine: Any = FakeEngine(list(there))
    return holder_of(9092, lambda: engine, by_engine=by_engine)


def _neighbour(at: Project, **changes: Any) -> Container:
    """Return a container of another project's cluster, which that project has recorded."""
    state.write(at, cluster_record(runtime="compose", compose_project="shop"))
    fields = {"project": "shop", "ports": {9092: 9092}, **changes}
    return container(fields.pop("service", "kafka"), at.path, **fields)


@pytest.mark.parametrize("by_engine", [False, True])
@pytest.mark.parametrize("holder", [PortHolder(9092), PortHolder(9092, 7, "docker-proxy")])
def test_containers_of_a_neighbour(
    project: Project, monkeypatch: pytest.MonkeyPatch, holder: PortHolder, by_engine: bool
) -> None:
    """The project that recorded them is named, and its cluster stopped there."""
    found = _asked(monkeypatch, holder, _neighbour(project), by_engine=by_engine)
    assert found == Holder(
        f"the cluster of {project.path}", f"(cd {project.path} && kafka-tasks down)"
    )


@pytest.mark.parametrize(
    "changes", [{"service": "db"}, {"project": "theirs"}, {"labels": {}}, {"directory": "/nowhere"}]
)
def test_a_container_that_is_no_part_of_a_cluster(
    project: Project, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    """Another service of the file, another Compose project, no project, or none recorded."""
    other = changes.pop("directory", None)
    there = _neighbour(project, **changes)
    if other:
        there = container("kafka", other, ports={9092: 9092})
    found = _asked(monkeypatch, PortHolder(9092), there)
    assert found.name.startswith(f"the container {there.name} (project ")
    assert found.stop == f"docker stop {there.name}"


def test_a_record_of_processes_says_nothing_of_containers(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The project's cluster is elsewhere then."""
    there = _neighbour(project)
    state.write(project, cluster_record())
    found = _asked(monkeypatch, PortHolder(9092), there)
    assert "the container" in found.name


def test_a_process_of_a_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command line names the project, however it is spelt."""
    words = ("java", "-Dkafka.tasks.project=/home/you/my shop", "kafka.Kafka")
    there = [Found(Identity(pid, 1.0, "x"), words) for pid in (4, 4711)]
    monkeypatch.setattr(processes, "find", lambda marker: there)
    found = _asked(monkeypatch, PortHolder(9092, 4711, "java"))
    assert found == Holder(
        "the cluster of /home/you/my shop", "(cd '/home/you/my shop' && kafka-tasks down)"
    )


def test_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, the engine is not asked, and only such a one may be killed."""
    monkeypatch.setattr(processes, "find", lambda marker: [])
    monkeypatch.setattr(processes, "port_holder", lambda _port: PortHolder(9092, 7, "nc", "nc -l"))
    found = holder_of(9092, lambda: pytest.fail(NOBODY))
    assert found == Holder("nc (process 7: nc -l)", "kill 7")


def test_an_engine_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system shows is said; a process that it hides has no command."""

    def missing() -> Any:
        raise EngineMissing("no engine")

    monkeypatch.setattr(processes, "port_holder", lambda _port: PortHolder(9092))
    assert holder_of(9092, missing) == Holder("a process of another user")


def test_a_port_that_is_free_by_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is made up."""
    assert _asked(monkeypatch, None) == Holder("another process")
