from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import Container
from kafka_tasks.clients.processes import PortHolder
from kafka_tasks.errors import InvalidInput, PortTaken
from kafka_tasks.model.topology import identify, zookeeper_cluster
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.compose import plan
from kafka_tasks.settings import load
from tests.unit.recorded import ports_of
from tests.unit.runtimes.compose.engine import FakeEngine, container


class Planned:
    """The record of a start, and what was said on the way."""

    def __init__(
        self,
        project: Project,
        *there: Container,
        before: ClusterRecord | None = None,
        **environ: str,
    ) -> None:
        self.notices: list[str] = []
        settings = load(project.path, environ={f"KAFKA_TASKS_{k}": v for k, v in environ.items()})
        engine: Any = FakeEngine(list(there))
        found = {one.service: one for one in engine.of_directory(project.path)}
        known = {name: one for name, one in found.items() if identify(name)}
        self.record = plan.record(
            project.path, settings, before, engine, known, self.notices.append, "new"
        )


def test_what_is_written_down(project: Project) -> None:
    """Everything that a later call needs to find the cluster, or to see that it would differ."""
    found = Planned(project, BROKERS="3", PORT="20000", LAUNCH="image").record
    assert (found.runtime, found.wanted, found.compose_project) == ("compose", "running", "project")
    assert ports_of(found) == (3, 20000, 2181)
    assert (found.version, found.kafka_version, found.auto_ports) == ("7.9.11", "3.9", ())
    assert found.fingerprint["launch"] == "image"
    assert found.fingerprint["kafka_image"] == "confluentinc/cp-kafka:7.9.11"


def test_ports_that_our_containers_have_are_kept(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`auto` does not move a cluster that runs, though its own ports are not free."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port not in (20000, 20010))
    auto = {"PORT": "auto", "ZOOKEEPER_PORT": "auto"}
    there = [
        container("kafka", project.path, ports={20000: 20000}),
        container("zookeeper", project.path, ports={2181: 20010}),
    ]
    before = Planned(project, PORT="20000", ZOOKEEPER_PORT="20010").record
    found = Planned(project, *there, before=before, **auto).record
    assert ports_of(found)[1:] == (20000, 20010)
    assert found.auto_ports == ("port", "zookeeper_port")


# -- the project's name ---------------------------------------------------------------------------


def test_the_name_is_composes_own(project: Project) -> None:
    """So that `docker compose` by hand is about the same cluster."""
    found = Planned(project)
    assert (found.record.compose_project, found.notices) == ("project", [])


def test_a_name_that_was_recorded_stays(project: Project) -> None:
    """Whoever else has taken the directory's name since."""
    before = Planned(project).record
    other = container("web", "/other/project", project="project")
    found = Planned(project, other, before=before)
    assert (found.record.compose_project, found.notices) == ("project", [])


def test_containers_that_are_there_have_the_name(project: Project) -> None:
    """A cluster started by hand with `--project-name` is not started twice."""
    found = Planned(project, container("kafka", project.path, project="mine"))
    assert found.record.compose_project == "mine"


@pytest.mark.parametrize(("service", "elsewhere"), [("kafka", True), ("web", True), ("web", False)])
def test_a_name_that_is_taken_gets_a_suffix(
    project: Project, service: str, elsewhere: bool
) -> None:
    """By another directory, or by other services of this one: `down` must not meet them."""
    directory = "/other/project" if elsewhere else project.path
    found = Planned(project, container(service, directory, project="project"))
    name = found.record.compose_project
    assert name is not None and re.fullmatch(r"project-[0-9a-f]{6}", name)
    assert found.notices == [f"another project is called project; this one is {name}"]
    again = Planned(project, container(service, directory, project="project"))
    assert again.record.compose_project == name


def test_a_name_that_another_project_has_recorded(project: Project, tmp_path: Path) -> None:
    """Though its cluster is stopped just now, its volumes are there."""
    other = Project(tmp_path / "elsewhere" / "project")
    other.path.mkdir(parents=True)
    other.make_state()
    state.write(other, Planned(other).record)
    register.remember(other)
    name = Planned(project).record.compose_project
    assert name is not None and re.fullmatch(r"project-[0-9a-f]{6}", name)
    assert Planned(other).record.compose_project == "project"


# -- free ports -----------------------------------------------------------------------------------


def _require(project: Project, wanted: list[str], engine: FakeEngine, **there: Container) -> None:
    record = Planned(project, BROKERS="3").record
    topology = record.topology.only(wanted)
    plan.require_ports(topology, engine, there)  # type: ignore[arg-type]


def _taken(monkeypatch: pytest.MonkeyPatch, *taken: int) -> list[int]:
    asked: list[int] = []

    def free(port: int) -> bool:
        asked.append(port)
        return port not in taken

    monkeypatch.setattr(processes, "port_is_free", free)
    monkeypatch.setattr(processes, "port_holder", lambda port: PortHolder(port, 7, "nc", "nc -l"))
    return asked


def test_each_port_is_looked_at(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """ZooKeeper's and each broker's own, of the services that are to be started."""
    asked = _taken(monkeypatch)
    _require(project, ["zookeeper", "kafka", "kafka-3"], FakeEngine())
    assert asked == [2181, 9092, 9094]


def test_a_service_that_runs_has_its_port(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container of ours that has ended holds none: somebody else has taken it since."""
    asked = _taken(monkeypatch, 2181, 9092)
    there = {
        "zookeeper": container("zookeeper"),
        "kafka": container("kafka", status="exited"),
    }
    with pytest.raises(PortTaken, match="Port 9092"):
        _require(project, ["zookeeper", "kafka"], FakeEngine(), **there)
    assert 2181 not in asked


@pytest.mark.parametrize(
    ("service", "port", "variable"),
    [("kafka-2", 9093, "KAFKA_TASKS_PORT"), ("zookeeper", 2181, "KAFKA_TASKS_ZOOKEEPER_PORT")],
)
def test_a_port_that_a_container_has(
    project: Project, monkeypatch: pytest.MonkeyPatch, service: str, port: int, variable: str
) -> None:
    """Container and project are named, with the command that stops it."""
    _taken(monkeypatch, port)
    other = container("db", "/other", project="theirs", ports={5432: port})
    with pytest.raises(PortTaken) as caught:
        _require(project, [service], FakeEngine([other]))
    assert caught.value.message == (
        f"Port {port}, which {service} needs, is held by the container theirs-db-1 "
        "(project theirs)."
    )
    assert caught.value.hint == f"docker stop theirs-db-1, or {variable}=auto invoke kafka.up"


def test_a_port_of_a_container_without_project(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of `docker run` has none, and that is said."""
    _taken(monkeypatch, 9092)
    other = container("x", ports={1: 9092}, labels={}, name="lonely")
    with pytest.raises(PortTaken, match=r"the container lonely \(project none\)"):
        _require(project, ["kafka"], FakeEngine([other]))


def test_a_port_that_a_process_has(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the process is named, as on the embedded runtime."""
    _taken(monkeypatch, 9092)
    with pytest.raises(PortTaken, match=r"is held by nc \(process 7: nc -l\)") as caught:
        _require(project, ["kafka"], FakeEngine())
    assert caught.value.hint == "kill 7, or KAFKA_TASKS_PORT=auto invoke kafka.up"


def test_a_file_that_fixes_a_port_is_where_it_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting has an effect on it."""
    _taken(monkeypatch, 9092)
    topology = zookeeper_cluster(1).at((2181, 9092))
    file = Path("/some/shop/compose.yaml")
    with pytest.raises(PortTaken) as caught:
        plan.require_ports(topology, FakeEngine(), {}, {9092}, file)  # type: ignore[arg-type]
    expected = "kill 7, or publish and advertise another port of kafka in compose.yaml"
    assert caught.value.hint == expected


def test_only_published_ports_are_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that publishes the broker alone starts beside whoever has ZooKeeper's usual port."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 2181)
    topology = zookeeper_cluster(1).at((2181, 9092))
    plan.require_ports(topology, FakeEngine(), {}, {9092})  # type: ignore[arg-type]
    with pytest.raises(PortTaken):
        plan.require_ports(topology, FakeEngine(), {})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("environ", "port"),
    [
        ({"PORT": "29092"}, 29092),
        ({"PORT": "29090", "BROKERS": "3"}, 29092),
        ({"PORT": "29093", "VERSION": "8.2"}, 29093),
        ({"PORT": "29094", "VERSION": "8.2", "SECURE": "scram"}, 29094),
    ],
)
def test_a_port_of_the_packaged_file_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], port: int
) -> None:
    """The listener for this machine has its port inside the container as well."""
    monkeypatch.setattr(ports, "pick", lambda *_: 20000)
    topology = Planned(project, before=None, **environ).record.topology
    with pytest.raises(InvalidInput, match=f"Port {port} cannot be that of kafka") as caught:
        plan.require_ports(topology, FakeEngine(), {})  # type: ignore[arg-type]
    assert caught.value.hint == "KAFKA_TASKS_PORT=auto invoke kafka.up"


def test_without_controllers_their_port_is_free(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mode has its own ports, and a file of one's own is read as it is."""
    monkeypatch.setattr(processes, "port_is_free", lambda _: True)
    topology = Planned(project, PORT="29093").record.topology
    plan.require_ports(topology, FakeEngine(), {})  # type: ignore[arg-type]
    topology = Planned(project, PORT="29092").record.topology
    plan.require_ports(topology, FakeEngine(), {}, {29092})  # type: ignore[arg-type]
