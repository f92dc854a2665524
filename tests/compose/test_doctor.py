"""What goes wrong with containers, found by the failing `up` and by `doctor`."""

from __future__ import annotations

import platform
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

from kafka_tasks.diagnosis import signatures
from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import KAFKA_IMAGE, Bench, make_project, named

ADVERTISED = "KAFKA_ADVERTISED_LISTENERS: HOST://localhost:${KAFKA_TASKS_PORT:-9092}"
PUBLISHED = 'ports: ["127.0.0.1:${KAFKA_TASKS_PORT:-9092}:${KAFKA_TASKS_PORT:-9092}"]'
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
BROKER = "      KAFKA_BROKER_ID: 1\n"
KEEPERS_HEALTH = (
    "      interval: 10s\n      timeout: 5s\n      retries: 6\n"
    "      start_period: 60s\n      start_interval: 250ms\n"
)


def with_file(bench: Bench, *changes: tuple[str, str]) -> None:
    """Give the project the packaged Compose file with some text replaced."""
    text = packaged().read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    (bench.path / "docker-compose.yml").write_text(text)


def listed(bench: Bench, **environ: Any) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """`doctor`'s exit code, and its findings by id."""
    seen = bench.run("doctor", "-o", "json", **environ)
    found: dict[str, list[dict[str, Any]]] = {}
    for finding in seen.json["findings"]:
        found.setdefault(finding["id"], []).append(finding)
    return seen.code, found


def fails_with(bench: Bench, id: str, *, timeout: str = "40", **environ: Any) -> dict[str, Any]:
    """Fails unless a failing `up` and `doctor` after it come to this finding."""
    failed = bench.run("up", "--timeout", timeout, "-o", "json", **environ)
    assert failed.code != 0, failed.out
    error: dict[str, Any] = failed.json["error"]
    assert error["finding"] == id, error
    assert error["cause"] and error["hint"]
    code, found = listed(bench, **environ)
    assert code != 0
    assert any(finding["level"] == "error" for finding in found.get(id, ())), (id, found)
    return error


@pytest.fixture(scope="module")
def bench(
    tmp_path_factory: pytest.TempPathFactory, engine: docker.DockerClient, images: None
) -> Iterator[Bench]:
    """One project for all failures: each gives it a Compose file of its own."""
    made = make_project(tmp_path_factory.mktemp(named("failing")), engine)
    try:
        yield made
    finally:
        made.clean()


@pytest.fixture
def failing(bench: Bench) -> Iterator[Bench]:
    """The project, wiped afterwards."""
    yield bench
    bench.run("down", "--wipe", "--yes")


def test_all_is_well(running: Bench) -> None:
    """A healthy cluster in containers is exit 0, and everything was looked at."""
    code, found = listed(running)
    assert code == 0, found
    assert {"engine", "compose", "image", "compose-file", "ready", "partitions"} <= set(found)
    assert found["cluster-id"][0]["title"].startswith(
        "ZooKeeper and the data belong to one cluster"
    )
    assert "MB (volumes of " in found["data-size"][0]["title"]


@pytest.mark.parametrize(
    ("line", "id"),
    [
        ("broker.id=7", "broker-id-differs"),
        ("cluster.id=AAAAAAAAAAAAAAAAAAAAAA", "cluster-id-differs"),
    ],
)
def test_data_of_another_broker_or_cluster_in_a_volume(running: Bench, line: str, id: str) -> None:
    """What the next start would die of is seen while the broker still runs."""
    name, meta = running.containers["kafka"].name, "/var/lib/kafka/data/meta.properties"
    key = line.partition("=")[0]
    running.docker("exec", name, "cp", "-p", meta, "/tmp/meta")
    running.docker("exec", name, "sed", "-i", f"s/^{key}=.*/{line}/", meta)
    try:
        code, found = listed(running)
        assert code == 5
        assert found[id][0]["level"] == "error" and found[id][0]["fix"]
    finally:
        running.docker("exec", name, "cp", "-p", "/tmp/meta", meta)
    assert listed(running)[0] == 0


def test_the_cluster_that_has_a_port(running: Bench) -> None:
    """Another project's `doctor` and `up` name this one, and the command that stops it here."""
    other = make_project(running.path.parent / "another", running.engine)
    other.environ["KAFKA_TASKS_PORT"] = running.environ["KAFKA_TASKS_PORT"]
    code, found = listed(other)
    assert code == 4
    (taken,) = found["port-taken"]
    assert f"the cluster of {running.path}" in taken["title"]
    assert f"(cd {running.path} && kafka-tasks down)" in taken["fix"]
    failed = other.run("up")
    assert failed.code == 4
    assert f"held by the cluster of {running.path}" in failed.err
    assert f"(cd {running.path} && kafka-tasks down)" in failed.err
    assert "docker stop" not in failed.err
    assert not other.containers


def test_a_tool_that_inherits_a_jmx_port(running: Bench) -> None:
    """Its words are a known signature."""
    name = running.containers["kafka"].name
    done = running.docker(
        *("exec", "-e", "JMX_PORT=29092", name),
        *("kafka-topics", "--bootstrap-server", "localhost:29092", "--list"),
    )
    found = signatures.search({"tool": (done.out + done.err).splitlines()})
    assert next(hit.signature.id for _, hit in found) == "jmx-port-inherited", done


def test_a_container_name_that_is_taken(failing: Bench) -> None:
    """The name is in the hint; the fixed name is a warning of its own."""
    name = f"kafka-doctor-{failing.port()}"
    assert failing.docker("create", "--name", name, KAFKA_IMAGE, "true").code == 0
    try:
        with_file(
            failing,
            (
                "  kafka:\n    <<: *broker\n",
                f"  kafka:\n    <<: *broker\n    container_name: {name}\n",
            ),
        )
        fails_with(failing, "container-name-taken")
        assert "container-name-fixed" in listed(failing)[1]
    finally:
        failing.docker("rm", "--force", name)


def test_a_zookeeper_that_is_not_on_the_network(failing: Bench) -> None:
    """A name that no service has is refused before anything starts."""
    with_file(failing, (BROKER, f"{BROKER}      KAFKA_ZOOKEEPER_CONNECT: nowhere:2181\n"))
    error = fails_with(failing, "zookeeper-name-unknown")
    assert "nowhere" in error["message"] and error["exit_code"] == 3
    assert not failing.containers


@pytest.mark.release
def test_an_advertised_name_that_nobody_knows(failing: Bench) -> None:
    """Clients here cannot reach what the broker tells them."""
    with_file(failing, (ADVERTISED, ADVERTISED.replace("localhost", "nowhere.invalid")))
    fails_with(failing, "advertised-unreachable", timeout="30")


def test_another_port_advertised_than_published(failing: Bench) -> None:
    """It is found before anything starts."""
    with_file(failing, (ADVERTISED, ADVERTISED.replace("${KAFKA_TASKS_PORT:-9092}", "19092")))
    fails_with(failing, "advertised-port-differs")
    assert not failing.containers


def test_two_listeners_on_one_port(failing: Bench) -> None:
    """It is found before anything starts."""
    with_file(
        failing, (",CONTAINER://0.0.0.0:29092", ",CONTAINER://0.0.0.0:${KAFKA_TASKS_PORT:-9092}")
    )
    fails_with(failing, "listeners-invalid")
    assert not failing.containers


def test_a_variable_that_the_image_refuses(failing: Bench) -> None:
    """KAFKA_PORT in the container is found in its words, and in the file."""
    with_file(failing, (BROKER, f'{BROKER}      KAFKA_PORT: "9092"\n'))
    error = fails_with(failing, "kafka-port-variable")
    assert error["exit_code"] == 5
    assert "kafka exited" in error["message"]
    assert any("KAFKA_PORT is deprecated" in line for line in error["evidence"]), error


def test_a_bind_mount_that_belongs_to_root(failing: Bench) -> None:
    """The broker's user cannot write it."""
    folder = failing.path / "bound"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    with_file(failing, ("- kafka-data:/var/lib/kafka/data", "- ./bound:/var/lib/kafka/data"))
    error = fails_with(failing, "data-not-writable")
    assert "chown -R 1000" in error["hint"]


@pytest.mark.release
def test_a_memory_limit_that_is_too_small(failing: Bench) -> None:
    """A container that the kernel ends for its memory."""
    with_file(
        failing, ("  kafka:\n    <<: *broker\n", "  kafka:\n    <<: *broker\n    mem_limit: 48m\n")
    )
    failed = failing.run("up", "--timeout", "40", "-o", "json")
    if failed.code == 0:
        pytest.skip("this engine does not enforce memory limits")
    assert failed.code == 5
    error = failed.json["error"]
    assert error["finding"] in ("memory-short", "heap-too-small")
    # The engine may hear of the end before it hears why.
    said = " ".join((error["message"], *error["evidence"]))
    assert "killed for memory" in said or "exit code 137" in said
    code, found = listed(failing)
    assert code != 0
    assert {"memory-short", "heap-too-small"} & set(found)


def test_an_image_that_cannot_be_had(failing: Bench) -> None:
    """The runtime that needs none is in the hint."""
    (failing.path / "docker-compose.yml").unlink(missing_ok=True)
    error = fails_with(failing, "image-missing", KAFKA_TASKS_KAFKA_IMAGE="localhost:9/no/kafka:1")
    assert "--runtime embedded" in error["hint"]


def test_an_image_of_another_architecture(failing: Bench, tmp_path: Path) -> None:
    """Its first program cannot be run here; `doctor` says for what the image was made."""
    (failing.path / "docker-compose.yml").unlink(missing_ok=True)
    other = "arm64" if platform.machine() == "x86_64" else "amd64"
    name, shell = "kafka-tasks-test/foreign:1", tmp_path / "bash"
    shell.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xff\x00" + bytes(200))
    shell.chmod(0o755)
    with tarfile.open(tmp_path / "root.tar", "w") as archive:
        archive.add(shell, "bin/bash")
    made = failing.docker("import", "--platform", f"linux/{other}", f"{tmp_path}/root.tar", name)
    assert made.code == 0, made.err
    try:
        (told,) = listed(failing, KAFKA_TASKS_KAFKA_IMAGE=name)[1]["architecture"]
        assert f"is built for {other}" in told["title"]
        error = fails_with(
            failing, "architecture", KAFKA_TASKS_KAFKA_IMAGE=name, KAFKA_TASKS_ZOOKEEPER_IMAGE=name
        )
        assert any("exec format error" in line for line in error["evidence"]), error
    finally:
        failing.run("down", "--wipe", "--yes")
        failing.docker("rmi", "--force", name)


@pytest.mark.release
def test_a_health_check_that_never_holds(failing: Bench) -> None:
    """Who waits for it is not started, and the health check is what is named."""
    with_file(
        failing,
        ("grep -q ^Mode:", "grep -q ^Nothing:"),
        (KEEPERS_HEALTH, "      interval: 1s\n      retries: 1\n"),
    )
    fails_with(failing, "container-unhealthy")


def test_an_image_of_version_8(failing: Bench) -> None:
    """An image without ZooKeeper mode is an error before it is pulled."""
    (failing.path / "docker-compose.yml").unlink(missing_ok=True)
    code, found = listed(failing, KAFKA_TASKS_KAFKA_IMAGE="confluentinc/cp-kafka:8.0.0")
    assert code == 3
    assert found["no-zookeeper-in-version"][0]["level"] == "error"


def test_a_file_that_will_hurt_later(failing: Bench) -> None:
    """Exposed, half kept, too many replicas, a heavy health check: each is said at once."""
    with_file(
        failing,
        (PUBLISHED, PUBLISHED.replace("127.0.0.1:", "")),
        ("      - zookeeper-log:/var/lib/zookeeper/log\n", ""),
        (BROKER, f'{BROKER}      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: "3"\n'),
        (
            "healthcheck: *broker-health",
            "healthcheck: {test: [CMD, kafka-topics, --list, --bootstrap-server, localhost:29092]}",
        ),
    )
    code, found = listed(failing)
    assert code == 3
    levels = {id: found[id][0]["level"] for id in found}
    assert levels["exposed"] == levels["health-check-heavy"] == "warning"
    assert levels["data-half-kept"] == levels["replication-factor"] == "error"


def test_a_user_who_may_not_use_the_engine(failing: Bench) -> None:
    """A socket that this user may not open is told from an engine that is not there."""
    with tempfile.TemporaryDirectory(prefix="kafka-tasks-nobody-") as home:
        Path(home).chmod(0o777)
        done = subprocess.run(
            [*NOBODY, sys.executable, "-m", "kafka_tasks", "doctor"],
            cwd=home,
            env={**failing.environ, "HOME": home},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 4, done.stdout + done.stderr
    assert "usermod -aG docker" in done.stdout
