"""The compose runtime on a real engine: the life of a cluster."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

from kafka_tasks.clients.container import CONFIG_FILES
from kafka_tasks.runtimes.compose.compose_file import packaged
from tests.compose.conftest import Bench, exposed_on_loopback_alone, make_project
from tests.integration.conftest import eventually


def test_up_brings_a_ready_cluster(running: Bench) -> None:
    """`up` ends with both containers alive and every layer in the timeline."""
    found = running.run("status", "-o", "json")
    assert found.code == 0
    document = found.json
    assert document["state"] == "ready"
    assert document["runtime"] == "compose"
    assert document["bootstrap_servers"] == f"localhost:{running.port()}"
    assert [service["name"] for service in document["services"]] == ["zookeeper", "kafka"]
    assert all(service["container"] for service in document["services"])
    assert [mark["layer"] for mark in document["timeline"]][-2:] == ["cluster", "advertised"]


def test_a_topic_is_created_and_proven(running: Bench) -> None:
    """`topic` works through the published port."""
    found = running.run("topic", "-o", "json")
    assert found.code == 0, found.err
    assert found.json["leaders"] == 1
    assert found.json["roundtrip_ms"] > 0


def test_a_container_on_the_network_reaches_the_broker(running: Bench) -> None:
    """A client in another container produces and consumes through kafka:29092."""
    network = next(iter(running.containers["kafka"].attrs["NetworkSettings"]["Networks"]))
    script = (
        "echo from-inside | kafka-console-producer --bootstrap-server kafka:29092 --topic inside "
        "&& kafka-console-consumer --bootstrap-server kafka:29092 --topic inside "
        "--from-beginning --max-messages 1 --timeout-ms 60000"
    )
    client = running.engine.containers.run(
        running.environ["KAFKA_TASKS_KAFKA_IMAGE"],
        ["bash", "-c", script],
        network=network,
        detach=True,
    )
    try:
        client.wait(timeout=180)
        assert b"from-inside" in client.logs()
    finally:
        client.remove(force=True, v=True)


def test_the_engine_sees_both_healthy(running: Bench) -> None:
    """The containers' own health checks pass, without a JVM in them, and `status` shows them."""

    def healthy() -> bool:
        services = running.run("status", "-o", "json").json["services"]
        found = {service["name"]: service["health"] for service in services}
        return found == {"zookeeper": "healthy", "kafka": "healthy"}

    eventually(healthy, "both are healthy")
    for container in running.containers.values():
        assert not any(
            "kafka-" in part for part in container.attrs["Config"]["Healthcheck"]["Test"]
        )


def test_no_setting_of_ours_reaches_a_container(running: Bench) -> None:
    """No KAFKA_TASKS_ variable is in a container's environment or in the broker's properties."""
    for container in running.containers.values():
        assert not [e for e in container.attrs["Config"]["Env"] if e.startswith("KAFKA_TASKS_")]
    properties = running.docker(
        "exec", running.containers["kafka"].id, "cat", "/etc/kafka/kafka.properties"
    )
    assert "listeners=" in properties.out
    assert "tasks." not in properties.out


def test_ports_are_published_on_loopback_only(running: Bench) -> None:
    """Nothing listens beyond 127.0.0.1."""
    exposed_on_loopback_alone(running, brokers=1)
    for container in running.containers.values():
        for hosts in container.attrs["HostConfig"]["PortBindings"].values():
            assert [host["HostIp"] for host in hosts] == ["127.0.0.1"]


@pytest.mark.release
def test_a_cluster_started_by_hand_is_recognised(project: Bench) -> None:
    """`docker compose up` in the directory is this project's cluster; `up` starts no second one."""
    from kafka_tasks.runtimes.compose.compose_file import packaged

    (project.path / "docker-compose.yml").write_text(packaged().read_text())
    by_hand = project.docker("compose", "up", "-d", "--wait")
    assert by_hand.code == 0, by_hand.err
    before = {name: c.id for name, c in project.containers.items()}
    found = project.run("up", "-o", "json")
    assert found.code == 0, found.out
    assert found.json["changed"] is False
    assert {name: c.id for name, c in project.containers.items()} == before
    assert project.run("down").code == 0
    assert not project.containers
    # Its volumes are whose hand it was.
    assert project.docker("compose", "down", "--volumes").code == 0


@pytest.mark.release
def test_one_started_by_up_can_be_stopped_by_hand(project: Bench) -> None:
    """`docker compose down` in the directory ends what `up` started, and `status` says stopped."""
    from kafka_tasks.runtimes.compose.compose_file import packaged

    (project.path / "docker-compose.yml").write_text(packaged().read_text())
    assert project.run("up").code == 0
    assert project.docker("compose", "down").code == 0
    assert not project.containers
    assert project.run("status").code == 5
    assert project.run("up").code == 0


@pytest.mark.release
def test_two_directories_with_one_name_are_two_clusters(running: Bench) -> None:
    """Each has a project, network and volumes of its own; `down --wipe` takes exactly those."""
    second = make_project(running.path / "inner" / running.path.name, running.engine)
    (second.path / "tasks.py").write_text("")
    foreign = running.engine.volumes.create(f"kafka-tasks-test-foreign-{os.getpid()}")
    try:
        assert second.run("up").code == 0
        ours = {c.labels["com.docker.compose.project"] for c in running.containers.values()}
        theirs = {c.labels["com.docker.compose.project"] for c in second.containers.values()}
        assert ours.isdisjoint(theirs)
        (project,) = theirs
        label = {"label": f"com.docker.compose.project={project}"}
        assert second.engine.volumes.list(filters=label)
        assert second.engine.networks.list(filters=label)
        assert second.run("down", "--wipe", "--yes").code == 0
        assert not second.containers
        assert not second.engine.volumes.list(filters=label)
        assert not second.engine.networks.list(filters=label)
        foreign.reload()
        assert running.run("status").code == 0
    finally:
        second.clean()
        foreign.remove()


@pytest.mark.release
def test_an_external_network_is_joined_and_kept(project: Bench) -> None:
    """An existing network is joined, and is still there after `down --wipe`."""
    name = f"{project.path.name}-airflow"
    network = project.engine.networks.create(name)
    settings: dict[str, Any] = {"KAFKA_TASKS_NETWORK": name, "KAFKA_TASKS_NETWORK_EXTERNAL": "true"}
    try:
        assert project.run("up", **settings).code == 0
        joined = project.containers["kafka"].attrs["NetworkSettings"]["Networks"]
        assert list(joined) == [name]
        assert project.run("down", "--wipe", "--yes", **settings).code == 0
        network.reload()
    finally:
        project.clean()
        network.remove()


def test_other_services_of_the_users_file_are_left_alone(project: Bench) -> None:
    """`down --wipe` removes ZooKeeper, Kafka and their volumes, not the neighbour in the file."""
    from kafka_tasks.runtimes.compose.compose_file import packaged

    neighbour = """
  web:
    image: ${KAFKA_TASKS_KAFKA_IMAGE}
    command: sleep infinity
    stop_grace_period: 1s
    volumes: [web-data:/data]
"""
    text = packaged().read_text()
    text = text.replace("\nnetworks:\n", f"{neighbour}\nnetworks:\n")
    text = text.replace("\nvolumes:\n", "\nvolumes:\n  web-data:\n")
    (project.path / "docker-compose.yml").write_text(text)
    try:
        assert project.docker("compose", "up", "-d", "web").code == 0
        assert project.run("up").code == 0
        assert project.run("down", "--wipe", "--yes").code == 0
        assert set(project.containers) == {"web"}
        assert project.containers["web"].status == "running"
        label = {"label": f"com.docker.compose.project={project.path.name.lower()}"}
        left = [volume.name for volume in project.engine.volumes.list(filters=label)]
        assert left == [f"{project.path.name}_web-data"]
        assert project.run("status").code == 5
    finally:
        project.docker("compose", "down", "--volumes")


@pytest.mark.release
def test_services_of_an_included_file(project: Bench) -> None:
    """They are started from the file that includes them; what Compose would add by hand is said."""
    shutil.copy(packaged(), project.path / "kafka.yml")
    (project.path / "compose.yaml").write_text("include: [kafka.yml]\nservices: {}\n")
    (project.path / "compose.override.yaml").write_text("services: {}\n")
    started = project.run("up", COMPOSE_PROFILES="debug")
    assert started.code == 0, started.err
    assert "using the packaged one" not in started.err
    assert "compose.override.yaml is not used" in started.err
    assert "COMPOSE_PROFILES=debug is not used" not in started.err
    files = {found.labels[CONFIG_FILES] for found in project.containers.values()}
    assert files == {str(project.path / "compose.yaml")}
