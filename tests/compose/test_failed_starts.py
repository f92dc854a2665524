"""A start that fails leaves nothing behind: counted before and after, for each kind of failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import pytest
import yaml

from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import Bench, make_project, named
from tests.integration.conftest import eventually
from tests.tiers import telling

Change = Callable[[Any], None]

UNHEALTHY = {"test": ["CMD", "false"], "interval": "1s", "retries": 2}
DATA = ["mine:/var/lib/kafka/data"]


@dataclass
class Made:
    """What this project's containers made on an engine that other tests use as well."""

    bench: Bench
    told: list[dict[str, Any]] = field(default_factory=list)

    def listen(self, stream: Iterable[dict[str, Any]]) -> None:
        """Note what the engine tells, until it is closed."""
        for event in stream:
            self.told.append(event)

    def mounted(self) -> set[str]:
        """The volumes that containers of this project have had."""
        label = "com.docker.compose.project.working_dir"
        mine = {
            event["Actor"]["ID"]
            for event in self.told
            if event["Actor"]["Attributes"].get(label) == str(self.bench.path)
        }
        return {
            event["Actor"]["ID"]
            for event in self.told
            if (event["Type"], event["Action"]) == ("volume", "mount")
            and event["Actor"]["Attributes"].get("container") in mine
        }

    def left(self) -> tuple[set[str], set[str], set[str]]:
        """The containers, networks and volumes that are still there."""
        engine, name = self.bench.engine, self.bench.path.name
        return (
            {container.name for container in self.bench.containers.values()},
            {network.name for network in engine.networks.list() if name in (network.name or "")},
            self.mounted() & {volume.name for volume in engine.volumes.list()},
        )


NOTHING: tuple[set[str], set[str], set[str]] = (set(), set(), set())


def write(bench: Bench, change: Change = lambda services: None) -> None:
    """Give the project a file without any named volume: the images declare five directories."""
    file = yaml.safe_load(packaged().read_text(encoding="utf-8"))
    services = {name: file["services"][name] for name in ("zookeeper", "kafka")}
    for service in services.values():
        service.pop("volumes")
    change(services)
    used = {"volumes": {"mine": None}} if "volumes" in services["kafka"] else {}
    content = {"services": services, "networks": file["networks"], **used}
    (bench.path / "compose.yml").write_text(yaml.safe_dump(content))


def bad_heap(services: Any) -> None:
    """The broker exits at once."""
    services["kafka"]["environment"]["KAFKA_HEAP_OPTS"] = "-Xmx1x"


def bad_heap_and_volume(services: Any) -> None:
    """The broker exits at once, and has a named volume."""
    bad_heap(services)
    services["kafka"]["volumes"] = DATA


def named_volume(services: Any) -> None:
    """The broker keeps its data in a named volume."""
    services["kafka"]["volumes"] = DATA


def unhealthy(services: Any) -> None:
    """The broker waits for a health check that never holds."""
    services["zookeeper"]["healthcheck"] = UNHEALTHY


def no_zookeeper(services: Any) -> None:
    """ZooKeeper exits at once."""
    services["zookeeper"]["command"] = ["false"]
    services["kafka"]["depends_on"] = {"zookeeper": {"condition": "service_started"}}


def never_ready(services: Any) -> None:
    """The broker looks for ZooKeeper in its own container, where nothing listens."""
    services["kafka"]["environment"]["KAFKA_ZOOKEEPER_CONNECT"] = "0.0.0.0:2181"


@pytest.fixture
def bench(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A project of its own for each failure."""
    made = make_project(tmp_path_factory.mktemp(named("taken-back")), engine)
    try:
        yield made
    finally:
        made.clean()


@pytest.fixture
def made(bench: Bench) -> Iterator[Made]:
    """What the engine tells: of the past it knows 256 events, and each health check is one."""
    found = Made(bench)
    stream = bench.engine.events(decode=True, filters={"event": ["create", "mount"]})
    listener = threading.Thread(target=found.listen, args=(stream,), daemon=True)
    listener.start()
    yield found
    stream.close()
    listener.join(timeout=10)


@pytest.mark.parametrize(
    ("change", "finding"),
    telling(
        [
            (bad_heap, "jvm-option-invalid"),
            (bad_heap_and_volume, "jvm-option-invalid"),
            (unhealthy, "container-unhealthy"),
            (no_zookeeper, None),
            (never_ready, None),
        ],
        (bad_heap_and_volume, "jvm-option-invalid"),
        (unhealthy, "container-unhealthy"),
    ),
    ids=["exits", "exits with a volume", "unhealthy", "no zookeeper", "never ready"],
)
def test_nothing_is_left(bench: Bench, made: Made, change: Change, finding: str | None) -> None:
    """Containers, networks and volumes are as many as before."""
    write(bench, change)
    failed = bench.run("up", "--timeout", "20", "-o", "json")
    assert failed.code == 5, failed.out
    error = failed.json["error"]
    if finding is not None:
        assert error["finding"] == finding
    if change is bad_heap:
        said = " ".join((error["message"], *error["evidence"]))
        for words in ("kafka exited", "exit code 1", "Invalid maximum heap size"):
            assert words in said
    assert made.mounted()
    assert made.left() == NOTHING


@pytest.mark.release
def test_what_was_there_before_stays(bench: Bench, made: Made) -> None:
    """A named volume of an earlier start keeps its data when a later start fails.

    `down` leaves the unnamed volumes of ZooKeeper's data and log, and none for configuration.
    """
    write(bench, named_volume)
    assert bench.run("up").code == 0
    assert bench.run("down").code == 0
    assert len(made.left()[2]) == 3
    mine = {v.name for v in bench.engine.volumes.list() if (v.name or "").endswith("_mine")}
    write(bench, bad_heap_and_volume)
    assert bench.run("up", "--timeout", "20").code == 5
    assert mine <= {v.name for v in bench.engine.volumes.list()}


def test_wiping_takes_unnamed_volumes(bench: Bench, made: Made) -> None:
    """`down --wipe` deletes what the images' own directories became."""
    write(bench)
    assert bench.run("up").code == 0
    assert made.left()[2]
    assert bench.run("down", "--wipe", "--yes").code == 0
    assert made.left() == NOTHING


def test_ctrl_c_leaves_nothing(bench: Bench, made: Made) -> None:
    """An interrupted start takes back what it made as well."""
    write(bench)
    started = subprocess.Popen(
        [str(Path(sys.executable).parent / "kafka-tasks"), "up"],
        cwd=bench.path,
        env=bench.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    eventually(lambda: bench.containers, "a container")
    os.killpg(started.pid, signal.SIGINT)
    assert started.wait(timeout=90) == 130
    assert made.left() == NOTHING
