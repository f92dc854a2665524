"""The Compose file of KRaft mode without our tool, with the images of each family."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from confluent_kafka.admin import AdminClient

from tests.compose.conftest import APACHE_IMAGE, CP_8_IMAGE, KAFKA_IMAGE, Bench, make_project, named

FILE = Path(__file__).parents[2] / "docker-compose.kraft.yml"
CLUSTER_ID = "kafka-tasks-by-hand-0A"


def kraft_project(path: Path, engine: docker.DockerClient, image: str) -> Bench:
    """A project with its copy of the file, as `docker compose` finds it."""
    bench = make_project(path, engine)
    shutil.copy(FILE, bench.path / "docker-compose.yml")
    first = bench.port()
    bench.environ |= {
        "KAFKA_TASKS_KAFKA_IMAGE": image,
        "KAFKA_TASKS_CONTROLLER_PORT": str(first + 3),
        **{f"BROKER_{number}_PORT": str(first + number - 1) for number in (2, 3)},
        **{f"CONTROLLER_{number}_PORT": str(first + 2 + number) for number in (2, 3)},
    }
    return bench


@pytest.fixture
def project(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """A fresh project with the image of Confluent Platform 8."""
    bench = kraft_project(tmp_path_factory.mktemp(named("kraft")), engine, CP_8_IMAGE)
    try:
        yield bench
    finally:
        bench.docker("compose", "--profile", "*", "down", "--volumes", "--timeout", "1")


def compose(bench: Bench, *words: str, **environ: str) -> str:
    """What `docker compose …` prints; it must succeed."""
    done = bench.docker("compose", *words, timeout=120, **environ)
    assert done.code == 0, done.out + done.err
    return done.out


def quorum(bench: Bench, tool: str = "kafka-metadata-quorum") -> str:
    """The quorum as Kafka's own tool describes it inside the first node."""
    words = (tool, "--bootstrap-server", "kafka:29092", "describe", "--status")
    return compose(bench, "exec", "kafka", *words)


@pytest.mark.release
@pytest.mark.parametrize(
    ("image", "tools"),
    [
        (CP_8_IMAGE, "kafka-{}"),
        (KAFKA_IMAGE, "kafka-{}"),
        (APACHE_IMAGE, "/opt/kafka/bin/kafka-{}.sh"),
    ],
)
def test_one_node_keeps_its_topics(project: Bench, image: str, tools: str) -> None:
    """One combined node is healthy, has the file's cluster id and is durable, whoever starts it.

    The image's own start formats here, and the direct one formats for the nodes below.
    """
    project.environ["KAFKA_TASKS_KAFKA_IMAGE"] = image
    compose(project, "up", "-d", "--wait", KAFKA_TASKS_LAUNCH="image")
    topics = ("exec", "kafka", tools.format("topics"), "--bootstrap-server", "kafka:29092")
    assert "Created topic kept." in compose(project, *topics, "--create", "--topic", "kept")
    assert CLUSTER_ID in quorum(project, tools.format("metadata-quorum"))
    compose(project, "down")
    compose(project, "up", "-d", "--wait", KAFKA_TASKS_LAUNCH="direct")
    admin = AdminClient({"bootstrap.servers": f"127.0.0.1:{project.port()}"})
    assert admin.describe_cluster().result(timeout=60).cluster_id == CLUSTER_ID
    assert compose(project, *topics, "--list").split() == ["kept"]


@pytest.mark.release
def test_three_nodes_vote_and_leave_at_the_same_moment(project: Bench) -> None:
    """COMBINED_3 makes three voters; `docker compose stop` ends all of them in order."""
    three = {"COMBINED_3": "yes", "COMPOSE_PROFILES": "brokers-3"}
    project.environ |= three | {"INTERNAL_REPLICATION_FACTOR": "3", "INTERNAL_MIN_ISR": "2"}
    compose(project, "up", "-d", "--wait")
    described = quorum(project)
    assert CLUSTER_ID in described
    voters = next(line for line in described.splitlines() if line.startswith("CurrentVoters"))
    assert {each["id"] for each in json.loads(voters.partition(":")[2])} == {1, 2, 3}
    compose(project, "stop")
    states = [found.attrs["State"]["ExitCode"] for found in project.containers.values()]
    assert states == [143, 143, 143]


@pytest.mark.release
def test_a_dedicated_controller_stops_after_the_brokers(project: Bench) -> None:
    """With COMBINED_1 empty, node 1 is a broker alone, and the controller outlives it."""
    project.environ |= {
        "COMBINED_1": "",
        "QUORUM_VOTERS": "3001@controller:29093",
        "COMPOSE_PROFILES": "controllers-1",
    }
    compose(project, "up", "-d", "--wait")
    assert set(project.containers) == {"kafka", "controller"}
    assert "LeaderId:               3001" in quorum(project)
    compose(project, "stop")
    ended = {name: found.attrs["State"]["FinishedAt"] for name, found in project.containers.items()}
    assert ended["kafka"] < ended["controller"]
    codes = {found.attrs["State"]["ExitCode"] for found in project.containers.values()}
    assert codes == {143}


def test_config_accepts_the_file(project: Bench) -> None:
    """No variable is needed, and each profile adds its services."""
    for name in list(project.environ):
        if name.startswith(("KAFKA_TASKS_", "BROKER_", "CONTROLLER_")):
            del project.environ[name]
    for brokers in range(1, 6):
        found = project.docker("compose", "--profile", f"brokers-{brokers}", "config", "--services")
        assert (found.code, found.err) == (0, "")
        assert len(found.out.split()) == brokers
    for controllers in (1, 3):
        wanted = ("--profile", f"controllers-{controllers}", "config", "--services")
        assert len(compose(project, *wanted).split()) == 1 + controllers


def test_a_node_with_half_of_a_restore_does_not_start(project: Bench) -> None:
    """Neither start formats or runs a data directory in which a restore is not complete."""
    compose(project, "create")
    data = project.containers["kafka"].attrs["Mounts"]
    volume = next(each["Name"] for each in data if each["Destination"] == "/var/lib/kafka/data")
    made = project.docker(
        *("run", "--rm", "--entrypoint", "mkdir", "-v", f"{volume}:/data"),
        *(CP_8_IMAGE, "/data/.kafka-tasks-restore"),
    )
    assert made.code == 0, made.err
    for launch in ("direct", "image"):
        project.docker("compose", "up", "-d", KAFKA_TASKS_LAUNCH=launch)
        found = project.containers["kafka"]
        assert found.wait(timeout=30)["StatusCode"] == 1
        assert b"the restore of /var/lib/kafka/data is incomplete" in found.logs()
