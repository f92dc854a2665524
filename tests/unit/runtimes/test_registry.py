from __future__ import annotations

from pathlib import Path

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.clients.processes import Found, Identity
from kafka_tasks.errors import EngineMissing, InvalidInput
from kafka_tasks.model.events import Recorder
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.compose import command
from kafka_tasks.settings import load
from kafka_tasks.testing import FakeRuntime
from tests.unit.recorded import cluster_record


def _recorded(project: Project, runtime: str, wanted: str = "running") -> None:
    state.write(project, cluster_record(runtime=runtime, wanted=wanted))


def _choose(project: Project, **environ: str) -> registry.Choice:
    settings = load(project.path, environ={f"KAFKA_TASKS_{k}": v for k, v in environ.items()})
    return registry.choose(project, settings, Recorder())


class FakeEngine:
    """What `auto` asks an engine."""

    def __init__(
        self, *, images: bool, pulls: bool, local: bool = True, here: bool = False
    ) -> None:
        self.is_local = local
        self.host = "tcp://elsewhere:2375"
        self._images, self._pulls, self._here = images, pulls, here

    def of_directory(self, _: Path) -> list[str]:
        """Containers of this directory."""
        return ["zookeeper"] if self._here else []

    def has_image(self, _: str) -> bool:
        """On the machine."""
        return self._images

    def can_pull(self, _: str) -> bool:
        """In the registry."""
        return self._pulls


def _with_engine(monkeypatch: pytest.MonkeyPatch, engine: FakeEngine | None) -> None:
    from kafka_tasks.clients import docker

    def connect(*_: object, **__: object) -> FakeEngine:
        if engine is None:
            raise EngineMissing("none")
        return engine

    monkeypatch.setattr(registry, "_may_have_engine", lambda _: True)
    monkeypatch.setattr(docker.Engine, "connect", connect)


def test_auto_is_embedded_without_a_docker_socket(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any sign of an engine none is asked: the processes of this machine are it."""
    monkeypatch.setattr(registry, "_may_have_engine", lambda _: False)
    found = _choose(project)
    assert (found.runtime.name, found.reason) == ("embedded", "there is no Docker engine here")


@pytest.mark.parametrize(
    ("engine", "runtime", "reason"),
    [
        (None, "embedded", "no Docker engine answers within a second"),
        (FakeEngine(images=True, pulls=False), "compose", "Docker answers, and the images"),
        (FakeEngine(images=False, pulls=True), "compose", "Docker answers, and the images"),
        (FakeEngine(images=False, pulls=False), "embedded", "cp-zookeeper:7.9.11 cannot be pulled"),
        (FakeEngine(images=True, pulls=True, local=False), "embedded", "on another machine"),
        (FakeEngine(images=False, pulls=False, here=True), "compose", "of this directory"),
    ],
)
def test_auto_asks_the_engine(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    engine: FakeEngine | None,
    runtime: str,
    reason: str,
) -> None:
    """Compose where an engine answers and has the images or can get them; else embedded, why."""
    _with_engine(monkeypatch, engine)
    found = _choose(project)
    assert found.runtime.name == runtime
    assert reason in found.reason


def test_auto_looks_at_the_images_of_the_projects_own_file(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of the settings are not what runs."""
    asked: list[str] = []
    engine = FakeEngine(images=False, pulls=True)
    monkeypatch.setattr(engine, "has_image", asked.append)
    _with_engine(monkeypatch, engine)
    text = "services: {zookeeper: {image: ours/zoo}, kafka: {image: ours/kafka}}\n"
    (project.path / "compose.yml").write_text(text)
    config = {"services": {"zookeeper": {"image": "ours/zoo"}, "kafka": {"image": "ours/kafka"}}}
    monkeypatch.setattr(command.Project, "config", lambda self: config)
    assert _choose(project, VERSION="3.9").runtime.name == "compose"
    assert asked == ["ours/zoo", "ours/kafka"]


def test_a_version_without_an_image_is_embedded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An Apache version in ZooKeeper mode has no image, unless one is named."""
    _with_engine(monkeypatch, FakeEngine(images=True, pulls=True))
    found = _choose(project, VERSION="3.9")
    assert found.runtime.name == "embedded"
    assert found.reason == "apache/kafka has no ZooKeeper mode"
    assert _choose(project, VERSION="3.9", KAFKA_IMAGE="ours/kafka:1").runtime.name == "compose"
    assert _choose(project, VERSION="3.9", MODE="kraft").runtime.name == "compose"


def test_an_engine_is_looked_for_where_there_may_be_one(tmp_path: Path) -> None:
    """DOCKER_HOST or contexts of the user's are signs of one."""
    assert registry._may_have_engine({"DOCKER_HOST": "unix:///x"})
    (tmp_path / ".docker" / "contexts").mkdir(parents=True)
    assert registry._may_have_engine({"HOME": str(tmp_path)})


def test_bootstrap_servers_mean_remote(project: Project) -> None:
    """Where bootstrap servers are set, auto is remote and says where they were set."""
    found = _choose(project, BOOTSTRAP_SERVERS="a:1")
    assert found.runtime.name == "remote"
    assert found.reason == (
        "bootstrap servers are set by environment (KAFKA_TASKS_BOOTSTRAP_SERVERS)"
    )


def test_the_runtime_of_the_projects_cluster_is_kept(project: Project) -> None:
    """A project that has a cluster stays on its runtime."""
    _recorded(project, "embedded", "stopped")
    assert _choose(project).reason == "this project's cluster is on it"


def test_a_named_runtime_is_never_replaced(project: Project) -> None:
    """What was asked for by name is taken or refused, and the reason says by what."""
    found = _choose(project, RUNTIME="embedded", BOOTSTRAP_SERVERS="a:1")
    assert found.runtime.name == "embedded"
    assert found.reason == "asked for by environment (KAFKA_TASKS_RUNTIME)"
    assert _choose(project, RUNTIME="compose").runtime.name == "compose"


@pytest.mark.parametrize("alive", [True, False])
def test_another_runtime_is_refused_while_one_runs(
    project: Project, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    """As long as the recorded runtime's services live, another one is refused in words."""
    settings = load(project.path, environ={})
    _recorded(project, "other")
    other = FakeRuntime(project.path, name="other")
    if alive:
        other.start(settings)
    made = {"other": other, "embedded": FakeRuntime(project.path, name="embedded")}
    monkeypatch.setattr(registry, "make", lambda name, *_: made[name])
    if alive:
        with pytest.raises(InvalidInput, match="runs on the other runtime; embedded was asked"):
            _choose(project, RUNTIME="embedded")
    else:
        assert _choose(project, RUNTIME="embedded").runtime is made["embedded"]


def test_more_brokers_than_the_packaged_file_has_are_embedded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a reason; a file of one's own may have as many as it likes."""
    _with_engine(monkeypatch, FakeEngine(images=True, pulls=True))
    assert _choose(project, BROKERS="5").runtime.name == "compose"
    found = _choose(project, BROKERS="6")
    assert found.runtime.name == "embedded"
    assert found.reason == "the packaged Compose file has 5 brokers, and 6 were asked for"
    (project.path / "compose.yml").write_text("services: {zookeeper: {}, kafka: {}}\n")
    assert _choose(project, BROKERS="6").runtime.name == "compose"


def test_projects_are_those_noted_and_those_running(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A running cluster whose note is lost is found by its processes; none is listed twice."""
    register.remember(project)
    lost = tmp_path / "lost and found"
    paths = [lost, lost, project.path]
    running = [
        Found(Identity(n, 0.0, ""), ("java", f"-Dkafka.tasks.project={path}", "kafka.Kafka"))
        for n, path in enumerate(paths)
    ]
    monkeypatch.setattr(processes, "find", lambda marker: running)
    assert list(registry.projects_here()) == [Project(lost), project]
