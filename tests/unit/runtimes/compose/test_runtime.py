from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import Container
from kafka_tasks.clients.docker import Engine
from kafka_tasks.clients.processes import Completed
from kafka_tasks.errors import (
    EngineMissing,
    InvalidInput,
    MachineError,
    NotReady,
    PortTaken,
)
from kafka_tasks.model.cluster import Observation
from kafka_tasks.model.events import Event, Recorder
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes.compose import command, compose_file, override
from kafka_tasks.runtimes.compose.runtime import ComposeRuntime
from kafka_tasks.runtimes.compose.volumes import ComposeData
from kafka_tasks.runtimes.protocol import DataAccess, Preparation, Recovered, Recovery
from kafka_tasks.settings import Settings, load
from tests.unit.recorded import cluster_record, ports_of
from tests.unit.runtimes.compose.engine import FakeCompose, FakeEngine, FakeProject, container


class World:
    """A project with a runtime on an engine in memory, and what happened there."""

    def __init__(self, project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        self.project = project
        self.engine = FakeEngine()
        self.compose = FakeCompose(self.engine)
        self.compose.upping = self.start
        self.compose.creating = self.start
        self.events: list[Event] = []
        engine: Any = self.engine
        self.runtime = ComposeRuntime(project, Recorder(self.events.append), engine)
        monkeypatch.setattr(command, "Project", self.compose)
        monkeypatch.setattr(command, "require_compose", lambda: (2, 26, 1))
        for verb in ("remove", "unpause", "continue"):
            monkeypatch.setattr(command, f"{verb}_container", self._noting(verb))
        monkeypatch.setattr(processes, "port_is_free", lambda port: True)

    def start(self, project: FakeProject, services: Sequence[str]) -> None:
        """What Compose does on `up`."""
        there = {found.service for found in self.engine.of_directory(project.directory)}
        self.engine.there += [
            container(name, project.directory, project=project.name, ours=True)
            for name in services
            if name not in there
        ]

    def _noting(self, verb: str) -> Callable[[str], None]:
        return lambda identifier: self.compose.done.append(f"{verb} {identifier}")

    def container(self, service: str, **changes: Any) -> Container:
        """Put a container of this directory onto the engine."""
        found = container(service, self.project.path, project="project", **changes)
        self.engine.there.append(found)
        return found

    def settings(self, **environ: str) -> Settings:
        """The defaults, but for these."""
        variables = {f"KAFKA_TASKS_{name}": value for name, value in environ.items()}
        return load(self.project.path, environ=variables)

    def record(self, **changes: Any) -> ClusterRecord:
        """Write down a cluster that was started."""
        fields = {"runtime": "compose", "compose_project": "project", "kafka_version": "3.9"}
        record = cluster_record(**{**fields, **changes})
        state.write(self.project, record)
        return record

    @property
    def recovery(self) -> Recovery:
        """The ability to repair."""
        found = self.runtime.abilities.recovery
        assert found is not None
        return found

    @property
    def preparation(self) -> Preparation:
        """The ability to fetch."""
        found = self.runtime.abilities.preparation
        assert found is not None
        return found

    @property
    def data(self) -> DataAccess:
        """The ability to read and replace the data."""
        found = self.runtime.abilities.data
        assert found is not None
        return found

    def unclean(self) -> bool:
        """Whether a broker was killed."""
        return self.recovery.unclean(self.runtime.observe())

    def perhaps_registered(self) -> bool:
        """Whether a dead broker may be registered."""
        return self.recovery.perhaps_registered(self.runtime.observe())

    @property
    def recorded(self) -> ClusterRecord | None:
        """What is written down now."""
        return state.read(self.project)

    @property
    def done(self) -> list[str]:
        """What Compose was told to do, in order."""
        return self.compose.done

    @property
    def notices(self) -> list[str]:
        """What a person was told."""
        return [event.text for event in self.events if event.kind == "notice"]


@pytest.fixture
def world(project: Project, monkeypatch: pytest.MonkeyPatch) -> World:
    """Nothing is running."""
    return World(project, monkeypatch)


# -- what is there --------------------------------------------------------------------------------


def test_nothing_was_ever_started(world: World) -> None:
    """No services, and no record."""
    assert world.runtime.observe().services == ()
    assert world.recovery.recover() == Recovered(Observation())


def test_containers_that_are_gone_are_dead(world: World) -> None:
    """Each service of a cluster that should run is there, with or without a container."""
    world.record(brokers=2)
    world.container("kafka", status="exited", exit_code=137, out_of_memory=True)
    found = [(one.name, one.alive, one.ended) for one in world.runtime.observe().services]
    assert found == [
        ("zookeeper", False, "its container is gone"),
        ("kafka", False, "killed for memory, exit code 137"),
        ("kafka-2", False, "its container is gone"),
    ]


def test_a_stopped_cluster_has_no_missing_containers(world: World) -> None:
    """`down` removes them: that is no death."""
    world.record(wanted="stopped")
    assert world.runtime.observe().services == ()


def test_a_cluster_by_hand_is_seen_without_a_record(world: World) -> None:
    """Its containers carry this directory's name."""
    for name in ("kafka", "zookeeper"):
        world.container(name)
    world.engine.there.append(container("kafka-2", "/other", project="project"))
    assert [(one.name, one.alive) for one in world.runtime.observe().services] == [
        ("zookeeper", True),
        ("kafka", True),
    ]
    assert world.runtime.plan(world.settings()).bootstrap_servers == "localhost:9092"


def test_a_record_of_another_runtime_is_not_ours(world: World) -> None:
    """An embedded cluster has no containers that could be missing."""
    world.record(runtime="embedded")
    assert world.runtime.observe().services == ()


def test_a_killed_broker_is_unclean(world: World) -> None:
    """ZooKeeper may list it still."""
    assert not world.unclean()
    world.container("kafka", status="exited", exit_code=137)
    assert world.unclean()


@pytest.mark.parametrize(
    ("status", "exited"),
    [
        ("exited", True),
        ("dead", True),
        ("paused", False),
        ("restarting", False),
        ("created", False),
    ],
)
def test_only_a_container_that_has_exited_is_certainly_dead(
    world: World, status: str, exited: bool
) -> None:
    """One that is paused, that restarts, or that is gone, may have a process."""
    world.container("kafka", status=status, exit_code=137)
    world.container("zookeeper")
    assert world.recovery.exited() == ({"kafka"} if exited else set())


def test_what_is_held_goes_on(world: World) -> None:
    """Paused by the engine, or stopped by a signal that the engine does not tell of."""
    keeper = world.container("zookeeper", status="paused")
    broker = world.container("kafka")
    world.container("kafka-2")
    world.container("kafka-3", status="exited", exit_code=0)
    assert world.recovery.recover().resumed == ("zookeeper",)
    world.engine.stopped |= {broker.id, "another"}
    assert world.recovery.recover().resumed == ("zookeeper", "kafka")
    unpaused = f"unpause {keeper.id}"
    assert world.done == [unpaused, unpaused, f"continue {broker.id}"]


def test_brokers_start_beside_a_zookeeper_that_runs(world: World) -> None:
    """Its health check is not waited for, which may call it unhealthy after a pause."""
    world.container("zookeeper", health="unhealthy")
    world.container("kafka-2")
    world.runtime.start(world.settings(BROKERS="2"))
    assert world.done == ["up alone kafka"]


def test_data_of_an_earlier_start_leaves_a_doubt(world: World) -> None:
    """A removed container has no exit code: whoever starts on its volumes looks first."""
    assert not world.perhaps_registered()
    world.record(wanted="stopped")
    assert not world.perhaps_registered()
    world.engine.volumes.add("project")
    assert world.perhaps_registered()
    assert not world.unclean()


def test_the_engine_is_asked_for_when_it_is_needed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Making a runtime connects to nothing; a missing engine is an error of the first question."""

    def missing(environ: object) -> Engine:
        raise EngineMissing("No Docker engine answers.")

    monkeypatch.setattr(Engine, "connect", missing)
    runtime = ComposeRuntime(project)
    with pytest.raises(EngineMissing):
        runtime.observe()


# -- start ----------------------------------------------------------------------------------------


def test_a_start(world: World) -> None:
    """It is written down before Compose acts, with the packaged file and our variables."""
    written: list[ClusterRecord | None] = []

    def upping(project: FakeProject, services: Sequence[str]) -> None:
        written.append(world.recorded)
        world.start(project, services)

    world.compose.upping = upping
    cluster = world.runtime.start(world.settings())
    assert world.done == ["up zookeeper kafka"]
    assert written[0] is not None and written[0].wanted == "running"
    assert (cluster.bootstrap_servers, cluster.brokers) == ("localhost:9092", 1)
    made = world.compose.made[-1]
    assert (made.name, made.directory) == ("project", world.project.path)
    assert made.profiles == ("brokers-1",)
    assert made.files == (compose_file.packaged(),)
    assert made.variables["KAFKA_TASKS_PORT"] == "9092"
    assert all(one.alive for one in world.runtime.observe().services)


def test_some_services_alone(world: World) -> None:
    """Only those that are named, in the order of their start."""
    world.runtime.start(world.settings(BROKERS="2"), ["kafka-2", "zookeeper"])
    assert world.done == ["up zookeeper kafka-2"]


def test_a_remote_engine_is_refused_in_words(world: World) -> None:
    """Its ports on 127.0.0.1 would be waited for in vain."""
    world.engine.is_local, world.engine.host = False, "tcp://10.0.0.7:2376"
    with pytest.raises(
        EngineMissing, match=r"on another machine \(tcp://10\.0\.0\.7:2376\)"
    ) as got:
        world.runtime.start(world.settings())
    assert got.value.hint is not None and "--runtime embedded" in got.value.hint
    assert world.done == []
    assert world.recorded is None


def test_a_port_held_by_a_container(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The container is named with its project; nothing is written down or started."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: port != 9092)
    world.engine.there.append(container("kafka", "/other", project="theirs"))
    with pytest.raises(PortTaken, match=r"container theirs-kafka-1 \(project theirs\)"):
        world.runtime.start(world.settings())
    assert world.done == []
    assert world.recorded is None


def test_our_own_containers_do_not_hold_ports_against_us(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start of what runs already is none: Compose would replace a broker asked for alone."""
    monkeypatch.setattr(processes, "port_is_free", lambda port: False)
    world.container("zookeeper")
    world.container("kafka")
    world.runtime.start(world.settings())
    assert world.done == []


def test_a_name_that_is_taken(world: World) -> None:
    """This cluster gets a name of its own, and a network by that name."""
    world.engine.there.append(container("web", "/other/project", project="project"))
    world.runtime.start(world.settings())
    name = world.compose.made[-1].name
    assert name.startswith("project-")
    assert world.compose.made[-1].variables["KAFKA_TASKS_NETWORK"] == f"kafka-tasks-{name}"
    assert world.recorded is not None and world.recorded.compose_project == name
    assert any(name in notice for notice in world.notices)


def test_a_file_with_too_few_brokers(world: World) -> None:
    """The service that lacks is named before anything starts."""
    del world.compose.config["services"]["kafka-3"]
    with pytest.raises(InvalidInput, match="no service kafka-3, which 3 brokers need") as caught:
        world.runtime.start(world.settings(BROKERS="3"))
    assert caught.value.hint == "add it under the profile brokers-3, or --brokers 1"
    assert world.done == []
    assert world.recorded is None


def test_listeners_that_cannot_work(world: World) -> None:
    """They are found in the file as Compose reads it, before anything starts."""
    world.compose.config["services"]["kafka"]["ports"] = []
    with pytest.raises(InvalidInput, match="container port 9092 is not published"):
        world.runtime.start(world.settings())
    assert world.done == []
    assert world.recorded is None


def test_a_file_without_our_services_is_told(world: World) -> None:
    """The packaged one is used, and it is said so."""
    (world.project.path / "compose.yml").write_text("services: {web: {image: x}}")
    world.runtime.start(world.settings())
    assert world.notices == [
        "compose.yml has no service zookeeper and no service kafka; using the packaged one"
    ]


OVERRIDE = Path("conf") / override.FILE


def test_an_old_engine_gets_a_file_laid_over(world: World) -> None:
    """It takes start_interval away."""
    world.engine.has_start_interval = False
    world.runtime.start(world.settings())
    over = world.project.state / OVERRIDE
    assert world.compose.made[-1].files == (compose_file.packaged(), over)
    assert "start_interval: !reset []" in over.read_text()


def test_further_properties_are_laid_over(world: World) -> None:
    """And are gone again with the setting."""
    (world.project.path / "more.properties").write_text("log.retention.hours=7\n")
    world.runtime.start(world.settings(BROKER_PROPERTIES="more.properties"))
    over = world.project.state / OVERRIDE
    assert "KAFKA_LOG_RETENTION_HOURS: '7'" in over.read_text()
    world.runtime.start(world.settings())
    assert not over.exists()
    assert world.compose.made[-1].files == (compose_file.packaged(),)


def test_racks_and_one_brokers_properties_are_laid_over(world: World) -> None:
    """Each broker has its own rack; the file of one is for that one alone."""
    (world.project.path / "broker.kafka-2.properties").write_text("log.retention.hours=7\n")
    world.runtime.start(world.settings(RACKS="a,b", BROKERS="2"))
    over = (world.project.state / OVERRIDE).read_text()
    first, second = over.split("kafka-2:")
    assert "KAFKA_BROKER_RACK: a" in first and "KAFKA_LOG_RETENTION_HOURS" not in first
    assert "KAFKA_BROKER_RACK: b" in second and "KAFKA_LOG_RETENTION_HOURS: '7'" in second


def test_more_brokers_than_the_packaged_file_has_are_refused(world: World) -> None:
    """With the runtime that can, before anything starts."""
    with pytest.raises(InvalidInput, match="has 5 brokers, and 6 were asked for") as refused:
        world.runtime.start(world.settings(BROKERS="6"))
    assert "--runtime embedded" in (refused.value.hint or "")
    assert world.done == []


def test_images_that_are_there_are_not_pulled(world: World) -> None:
    """Not even asked for."""
    world.runtime.start(world.settings())
    assert world.engine.pulled == []


def test_the_images_of_the_file_are_pulled(world: World) -> None:
    """Those that its services run, each once, with progress; not what Compose builds itself."""
    services = world.compose.config["services"]
    services["zookeeper"]["image"] = "mirror/keeper:1"
    services["kafka-2"].update(image="mine:1", build={"context": "."})
    world.engine.images = set()
    world.runtime.start(world.settings(BROKERS="3"))
    assert world.engine.pulled == ["mirror/keeper:1", "cp-kafka:7.9.6"]
    assert world.notices == ["pulling mirror/keeper:1", "pulling cp-kafka:7.9.6"]
    progress = [(e.text, e.done, e.total) for e in world.events if e.kind == "progress"]
    assert progress[:2] == [("mirror/keeper:1", 0, 1), ("mirror/keeper:1", 5, 10)]


def test_pull_alone(world: World) -> None:
    """The images that the Compose file names, whatever the settings say; nothing is started."""
    world.engine.images = {"cp-kafka:7.9.6"}
    names = world.preparation.pull(world.settings(KAFKA_IMAGE="named/by-nobody:1"))
    assert names == ("cp-zookeeper:7.9.6", "cp-kafka:7.9.6")
    assert world.engine.pulled == ["cp-zookeeper:7.9.6"]
    assert world.done == []
    assert not world.preparation.wants_rehearsal(world.settings())


def test_a_version_without_an_image_is_refused(world: World) -> None:
    """The default image of an Apache version cannot run ZooKeeper mode; another one may."""
    settings = world.settings(VERSION="3.9")
    assert world.preparation.pull(settings)  # the file names images of its own
    world.compose.config["services"]["kafka"]["image"] = settings.kafka_image
    with pytest.raises(InvalidInput) as caught:
        world.preparation.pull(settings)
    assert caught.value.message == (
        "The compose runtime has no image for Kafka 3.9.2: apache/kafka has no ZooKeeper mode."
    )
    assert caught.value.hint == "KAFKA_TASKS_VERSION=7.9, or --runtime embedded"
    with pytest.raises(InvalidInput):
        world.runtime.start(settings)
    assert world.done == []


def test_orphans_of_ours_are_removed(world: World) -> None:
    """A service that an earlier file had; what is not labelled as ours stays."""
    world.container("kafka", ours=True)
    world.container("schema", ours=True)
    world.container("web")
    world.runtime.start(world.settings())
    assert world.done == ["remove id-project-schema", "up zookeeper kafka"]
    assert world.notices == ["removing project-schema-1: the Compose file no longer has it"]


def test_brokers_that_are_not_wanted_now_are_no_orphans(world: World) -> None:
    """The file has them still: their data is for `down --wipe` to remove."""
    world.record(brokers=3)
    world.container("kafka-3", ours=True)
    world.runtime.start(world.settings())
    assert world.done == ["up zookeeper kafka"]


def test_a_container_that_ends_while_started(world: World) -> None:
    """Its name, exit code and telling lines, not Compose's summary."""

    def upping(project: FakeProject, services: Sequence[str]) -> None:
        world.container("zookeeper")
        found = world.container("kafka", status="exited", exit_code=1)
        world.engine.lines[found.id] = ["starting", "Error: Invalid maximum heap size: -Xmx1x"]

    world.compose.upping = upping
    world.compose.answer = Completed(1, "dependency failed to start\n")
    with pytest.raises(NotReady) as caught:
        world.runtime.start(world.settings())
    assert caught.value.message == "kafka exited while it was started (exit code 1)."
    assert (caught.value.layer, caught.value.service) == ("process", "kafka")
    assert "Error: Invalid maximum heap size: -Xmx1x" in caught.value.evidence
    assert caught.value.hint == "invoke kafka.logs --service kafka"


def test_compose_fails_without_a_container(world: World) -> None:
    """Then its own last words are all there is, without empty lines."""
    world.compose.upping = None
    said = "\n\n".join(f"line {number}" for number in range(9))
    world.compose.answer = Completed(18, said)
    with pytest.raises(MachineError, match=r"compose up failed \(exit code 18\)") as caught:
        world.runtime.start(world.settings())
    assert caught.value.evidence == tuple(f"line {number}" for number in range(4, 9))


# -- stop -----------------------------------------------------------------------------------------


def _three(world: World) -> None:
    world.record(brokers=3)
    for name in zookeeper_cluster(3).names:
        world.container(name)


def test_brokers_stop_before_zookeeper(world: World) -> None:
    """One after the other, the last first; then all of it is removed and the data stays."""
    _three(world)
    assert world.runtime.stop() == ("kafka-3", "kafka-2", "kafka", "zookeeper")
    assert world.done == ["stop kafka-3", "stop kafka-2", "stop kafka", "stop zookeeper", "down"]
    assert [event.service for event in world.events if event.layer == "stopped"] == [
        *("kafka-3", "kafka-2", "kafka", "zookeeper")
    ]
    assert world.recorded is not None
    assert (world.recorded.wanted, ports_of(world.recorded)[0]) == ("stopped", 3)


def test_named_services_keep_their_containers(world: World) -> None:
    """Only those, and only what runs; the cluster is still wanted."""
    _three(world)
    ended = world.engine.there[2]
    world.engine.there[2] = replace(ended, status="exited")
    assert world.runtime.stop(["zookeeper", "kafka-2", "kafka-3"]) == ("kafka-3", "zookeeper")
    assert world.done == ["stop kafka-3", "stop zookeeper"]
    assert world.recorded is not None and world.recorded.wanted == "running"


@pytest.mark.parametrize("wipe", [False, True])
def test_unnamed_volumes_go_with_their_containers(
    world: World, monkeypatch: pytest.MonkeyPatch, wipe: bool
) -> None:
    """Those of configuration always, since no start finds them again; data only with --wipe."""
    _three(world)
    secrets, data = "a" * 64, "b" * 64
    volumes = {secrets: "/etc/kafka/secrets", data: "/var/lib/kafka/data"}
    world.engine.there = [replace(each, volumes=volumes) for each in world.engine.there]
    gone: list[str] = []
    monkeypatch.setattr(command, "remove_volume", gone.append)
    world.runtime.stop(wipe=wipe)
    assert sorted(set(gone)) == [secrets, data][: 1 + wipe]


def test_a_wipe_forgets(world: World) -> None:
    """Volumes and record are gone; nobody waits for what leaves data in order."""
    _three(world)
    world.runtime.stop(wipe=True)
    assert world.done == ["down --volumes at once"]
    assert [event.service for event in world.events if event.layer == "stopped"] == [
        *("kafka-3", "kafka-2", "kafka", "zookeeper")
    ]
    assert world.recorded is None


def test_after_a_wipe_it_is_another_cluster(world: World) -> None:
    """Compose is asked ahead with the id that the start has."""
    advertised = {"KAFKA_ADVERTISED_LISTENERS": "HOST://localhost:9092"}
    world.compose.config["services"]["kafka"] = {
        "environment": {"KAFKA_PROCESS_ROLES": "broker,controller", **advertised},
        "ports": [{"target": 9092, "published": "9092"}],
    }
    ids = []
    for _ in range(2):
        world.runtime.expect_start(world.settings(MODE="kraft"))
        ahead = world.compose.made[-1].variables["CLUSTER_ID"]
        world.runtime.start(world.settings(MODE="kraft"))
        assert world.recorded is not None and world.recorded.cluster_id == ahead
        ids.append(ahead)
        world.runtime.stop(wipe=True)
        world.engine.there.clear()
    assert ids[0] != ids[1]
    assert world.done.count("ask ahead") == 2


def test_a_stopped_cluster_can_be_wiped(world: World) -> None:
    """Its volumes are found by the recorded name."""
    world.record(wanted="stopped", compose_project="project-abcdef")
    assert world.runtime.stop(wipe=True) == ()
    assert world.compose.made[-1].name == "project-abcdef"
    assert world.done == ["down --volumes at once"]
    assert world.recorded is None


def test_a_file_of_ones_own_is_stopped_in_order_before_a_wipe(world: World, tmp_path: Path) -> None:
    """Its data may lie in a directory, which stays."""
    mine = tmp_path / "mine.yml"
    mine.write_text("services: {}")
    world.container("kafka", files=str(mine))
    world.runtime.stop(wipe=True)
    assert world.done == ["stop kafka", "down --volumes"]


def test_nothing_to_stop(world: World) -> None:
    """Compose is not called for nothing."""
    assert world.runtime.stop() == ()
    assert world.runtime.stop(["kafka"]) == ()
    assert world.done == []


def test_a_cluster_by_hand_is_stopped_as_it_was_started(world: World, tmp_path: Path) -> None:
    """By its own project's name and its own files, those that are there still."""
    mine, gone = tmp_path / "mine.yml", tmp_path / "gone.yml"
    mine.write_text("services: {}")
    found = container("kafka", world.project.path, project="mine", files=f"{mine},{gone}")
    world.engine.there.append(found)
    assert world.runtime.stop() == ("kafka",)
    made = world.compose.made[-1]
    assert (made.name, made.files) == ("mine", (mine,))
    assert world.done == ["stop kafka", "down"]
    assert world.recorded is None


def test_a_cluster_whose_file_is_gone(world: World) -> None:
    """The file that a start would take now is good enough to stop it."""
    world.container("kafka", files="/gone/compose.yml")
    world.runtime.stop()
    assert world.compose.made[-1].files == (compose_file.packaged(),)


def test_a_stop_uses_the_recorded_ports(world: World) -> None:
    """Compose reads the file again, with what it was started with."""
    world.record(port=20000, zookeeper_port=20010, brokers=2)
    world.container("kafka")
    world.runtime.stop()
    made = world.compose.made[-1]
    assert made.variables["KAFKA_TASKS_PORT"] == "20000"
    assert made.variables["KAFKA_TASKS_ZOOKEEPER_PORT"] == "20010"
    assert made.profiles == ("brokers-2",)


def test_a_stop_on_a_remote_engine_is_possible(world: World) -> None:
    """What was started there before must not be left running for good."""
    world.engine.is_local = False
    world.container("kafka")
    assert world.runtime.stop() == ("kafka",)


@pytest.mark.parametrize(("wipe", "verb"), [(False, "stop"), (True, "down")])
def test_a_stop_that_fails_leaves_the_record(
    world: World, monkeypatch: pytest.MonkeyPatch, wipe: bool, verb: str
) -> None:
    """What still runs is still wanted."""
    _three(world)

    def fail(self: FakeProject, *_: object, **__: object) -> None:
        raise MachineError(f"docker compose {verb} failed.")

    monkeypatch.setattr(FakeProject, verb, fail)
    with pytest.raises(MachineError):
        world.runtime.stop(wipe=wipe)
    assert world.recorded is not None and world.recorded.wanted == "running"


# -- logs -----------------------------------------------------------------------------------------


def test_logs_are_the_containers(world: World) -> None:
    """Its last lines, and each new one."""
    found = world.container("kafka")
    world.engine.lines[found.id] = ["one", "two", "three"]
    assert world.runtime.logs("kafka", 2) == ["two", "three"]
    assert list(world.runtime.follow("kafka", 1)) == ["three"]


@pytest.mark.parametrize("ask", ["logs", "follow"])
def test_logs_of_a_service_without_container(world: World, ask: str) -> None:
    """What there is instead is named, at once."""
    with pytest.raises(InvalidInput, match=r"no container of 'kafka' .*there is: none yet"):
        getattr(world.runtime, ask)("kafka", 1)
    for name in ("kafka-2", "zookeeper"):
        world.container(name)
    with pytest.raises(InvalidInput, match="there is: zookeeper, kafka-2"):
        getattr(world.runtime, ask)("kafka", 1)


def test_logs_of_a_container_that_is_gone_are_empty(world: World) -> None:
    """Whoever says that it died asks for them, and must not be stopped by their absence."""
    world.record()
    assert world.runtime.logs("kafka", 10) == []
    assert list(world.runtime.follow("kafka", 10)) == []
    with pytest.raises(InvalidInput, match="no container of 'kafka-2'"):
        world.runtime.logs("kafka-2", 10)


# -- data -----------------------------------------------------------------------------------------


def test_volumes_are_data(world: World) -> None:
    """Whether or not anything of the project is recorded."""
    assert world.data.has_data(world.settings()) is False
    world.engine.volumes.add("project")
    assert world.data.has_data(world.settings()) is True


def test_containers_that_are_there_are_used(world: World) -> None:
    """Stopped for the purpose, they are started again afterwards: nothing is made or removed."""
    world.record()
    for name in ("zookeeper", "kafka"):
        world.container(name, status="exited")
    with world.data.data(world.settings()) as data:
        assert isinstance(data, ComposeData)
        assert list(data.containers) == ["zookeeper", "kafka"]
    assert world.done == []


def test_containers_are_made_for_it_and_removed_again(world: World) -> None:
    """A stopped cluster has only its volumes; afterwards that is so again, also on an error."""
    world.record(wanted="stopped")
    with pytest.raises(KeyboardInterrupt), world.data.data(world.settings()) as data:
        assert isinstance(data, ComposeData)
        assert list(data.containers) == ["zookeeper", "kafka"]
        raise KeyboardInterrupt
    assert world.done == ["create zookeeper kafka", "down"]


def test_what_a_start_would_be_is_written_down(world: World) -> None:
    """A stopped project stays stopped, one that should run still should."""
    world.data.expect(world.settings(BROKERS="3"))
    assert world.recorded is not None
    assert (ports_of(world.recorded)[0], world.recorded.wanted) == (3, "stopped")
    world.record(wanted="running")
    world.data.expect(world.settings(BROKERS="2"))
    assert (ports_of(world.recorded)[0], world.recorded.wanted) == (2, "running")
    assert world.done == []
