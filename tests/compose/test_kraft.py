"""KRaft mode in containers: quorums, data that does not fit, and the images of Apache Kafka."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.compose.conftest import APACHE_IMAGE, CP_8_IMAGE, KAFKA_IMAGE, KRAFT, Bench

APACHE = {"KAFKA_TASKS_VERSION": "4.4", "KAFKA_TASKS_KAFKA_IMAGE": APACHE_IMAGE}


def started(project: Bench, *flags: str, **environ: str) -> Any:
    """The report of an `up` that must succeed."""
    done = project.run("up", "-o", "json", *flags, timeout=180, **environ)
    assert done.code == 0, done.out + done.err
    return done.json


def roles_of(report: Any) -> dict[str, str]:
    """The role of each service in a report."""
    return {service["name"]: service["role"] for service in report["services"]}


@pytest.mark.release
def test_three_nodes_are_a_quorum_and_stop_together(project: Bench) -> None:
    """All three stop in order; the data keeps its cluster, and another quorum is refused."""
    project.environ |= KRAFT
    first = started(project, "--brokers", "3")
    assert roles_of(first) == dict.fromkeys(("kafka", "kafka-2", "kafka-3"), "combined")
    assert project.run("topic", "--name", "kept", "--replication-factor", "3").code == 0
    assert project.run("verify").code == 0
    assert project.run("down").code == 0
    refused = project.run("up", "-o", "json", KAFKA_TASKS_CONTROLLERS="1")
    assert refused.code == 3
    assert "a quorum that is changed so may lose its topics" in refused.json["error"]["message"]
    again = started(project)
    assert again["cluster_id"] == first["cluster_id"]
    assert "kept" in project.run("topic.list").out


@pytest.mark.release
def test_a_broker_is_added_to_the_quorum_that_is_there(project: Bench) -> None:
    """The voters stay; the new broker belongs to the same cluster."""
    project.environ |= KRAFT
    first = started(project)
    assert project.run("down").code == 0
    grown = started(project, "--brokers", "3")
    assert roles_of(grown) == {"kafka": "combined", "kafka-2": "broker", "kafka-3": "broker"}
    assert grown["cluster_id"] == first["cluster_id"]
    # Without its record, the project has what its containers and their data say.
    (project.path / ".kafka-tasks" / "state.json").unlink()
    found = project.run("status", "-o", "json").json
    assert (roles_of(found), found["mode"]) == (roles_of(grown), "kraft")


@pytest.mark.release
def test_the_images_of_apache_kafka(project: Bench) -> None:
    """Direct, and by the image's own start, which finds the data formatted."""
    project.environ |= APACHE
    first = started(project)
    assert first["kafka_version"] == "4.4"
    assert project.run("verify").code == 0
    assert project.run("down").code == 0
    again = started(project, KAFKA_TASKS_LAUNCH="image")
    assert again["cluster_id"] == first["cluster_id"]


@pytest.mark.release
def test_confluent_platform_7_in_kraft_mode(project: Bench) -> None:
    """By `--mode kraft`; its data is not started in ZooKeeper mode, nor the other way round."""
    project.environ["KAFKA_TASKS_KAFKA_IMAGE"] = KAFKA_IMAGE
    assert started(project, "--mode", "kraft")["mode"] == "kraft"
    assert project.run("down").code == 0
    refused = project.run("up", "--mode", "zookeeper", "-o", "json")
    assert refused.code == 3, refused.out
    assert "in KRaft mode, and these settings have" in refused.json["error"]["message"]
    assert project.run("down", "--wipe", "--yes").code == 0
    assert started(project)["mode"] == "zookeeper"
    assert project.run("down").code == 0
    assert project.run("up", "--mode", "kraft").code == 3


def test_a_lost_record_and_no_containers_leave_the_cluster_id(project: Bench) -> None:
    """What is left then are volumes, and their id is the cluster's."""
    project.environ |= KRAFT
    first = started(project)
    assert project.run("down").code == 0
    (project.path / ".kafka-tasks" / "state.json").unlink()
    refused = project.run("up", "--mode", "zookeeper", KAFKA_TASKS_VERSION="7.9")
    assert refused.code == 3, refused.out + refused.err
    assert not project.containers
    again = started(project, KAFKA_TASKS_LAUNCH="image")
    assert again["cluster_id"] == first["cluster_id"]


@pytest.mark.release
def test_a_snapshot_goes_to_another_project_and_back(project: Bench) -> None:
    """With its cluster id, with which a broker that is added later is formatted."""
    project.environ |= KRAFT
    first = started(project)
    assert project.run("topic", "--name", "saved").code == 0
    saved = project.run("snapshot.save", "one")
    assert saved.code == 0, saved.out + saved.err
    assert project.run("down", "--wipe", "--yes").code == 0
    assert started(project)["cluster_id"] != first["cluster_id"]
    restored = project.run("snapshot.restore", "one", "--yes")
    assert restored.code == 0, restored.out + restored.err
    assert "saved" in project.run("topic.list").out
    assert project.run("down").code == 0
    assert started(project, "--brokers", "2")["cluster_id"] == first["cluster_id"]


def test_a_file_of_zookeeper_mode_is_not_used(project: Bench) -> None:
    """It is said so; one in which a node has another role is refused before anything starts."""
    project.environ |= KRAFT
    own = project.path / "docker-compose.yml"
    own.write_text("services: {zookeeper: {image: x}, kafka: {image: x}}\n")
    found = project.run("pull", "-o", "json")
    assert found.code == 0, found.out + found.err
    port = project.port()
    environment = {
        "KAFKA_PROCESS_ROLES": "broker",
        "KAFKA_LISTENERS": f"HOST://0.0.0.0:{port}",
        "KAFKA_ADVERTISED_LISTENERS": f"HOST://localhost:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "HOST:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "HOST",
    }
    image = project.environ["KAFKA_TASKS_KAFKA_IMAGE"]
    kafka = {"image": image, "environment": environment, "ports": [f"127.0.0.1:{port}:{port}"]}
    own.write_text(json.dumps({"services": {"kafka": kafka}}))
    refused = project.run("up", "-o", "json")
    assert refused.code == 3, refused.out
    assert "KAFKA_PROCESS_ROLES is broker" in refused.json["error"]["message"]
    assert not project.containers


def test_a_version_without_an_image(project: Bench) -> None:
    """Named, compose is exit 3 with the way on; auto takes embedded and says why."""
    del project.environ["KAFKA_TASKS_KAFKA_IMAGE"], project.environ["KAFKA_TASKS_ZOOKEEPER_IMAGE"]
    for flags, reason in (
        (("--kafka-version", "3.9"), "apache/kafka has no ZooKeeper mode"),
        (("--kafka-version", "3.6", "--mode", "kraft"), "apache/kafka begins with 3.7"),
    ):
        refused = project.run("up", "-o", "json", *flags)
        assert refused.code == 3
        assert reason in refused.json["error"]["message"]
        dry = project.run("up", "--runtime", "auto", "--dry", *flags)
        assert dry.code == 0, dry.err
        assert "embedded" in dry.out + dry.err


@pytest.fixture
def own_image(project: Bench) -> Iterator[str]:
    """An image whose rehearsal no other test has had, or uses."""
    name = f"kafka-tasks-test/rehearsed:{os.getpid()}"
    dockerfile = f"FROM {CP_8_IMAGE}\nLABEL kafka-tasks.test={os.getpid()}\n"
    (project.path / "Dockerfile").write_text(dockerfile)
    built = project.docker("build", "--quiet", "--tag", name, ".")
    assert built.code == 0, built.err
    yield name
    project.clean()
    volume = f"kafka-tasks-rehearsed-{built.out.strip().removeprefix('sha256:')[:12]}"
    project.docker("rm", "--force", f"{volume}-training")
    project.docker("volume", "rm", volume)
    project.docker("rmi", name)


def _flags(broker: Any) -> list[str]:
    found = broker.exec_run(["bash", "-c", "tr '\\0' '\\n' </proc/1/cmdline"])
    return str(found.output.decode()).splitlines()


@pytest.mark.release
def test_a_rehearsed_image_formats_without_a_jvm(project: Bench, own_image: str) -> None:
    """`pull` has the rehearsal; what it left is not used where it is damaged."""
    project.environ |= KRAFT | {"KAFKA_TASKS_KAFKA_IMAGE": own_image}
    pulled = project.run("pull", "-o", "json", timeout=300)
    assert pulled.code == 0 and "rehearsal" in pulled.json["pulled"], pulled.out + pulled.err
    first = started(project)
    broker = project.containers["kafka"]
    assert b"Formatting" not in broker.logs()
    meta = broker.exec_run(["cat", "/var/lib/kafka/data/meta.properties"]).output.decode()
    assert f"cluster.id={first['cluster_id']}" in meta
    assert "-XX:SharedArchiveFile=/var/lib/kafka-tasks/kafka.jsa" in _flags(broker)
    assert "-XX:+VerifySharedSpaces" not in _flags(broker)
    assert project.run("verify").code == 0
    assert project.run("down", "--wipe", "--yes").code == 0
    (volume,) = (name for name in broker.attrs["Mounts"] if name["Destination"].endswith("tasks"))
    damage = "printf x >>bootstrap.checkpoint; dd if=/dev/zero of=kafka.jsa bs=1M seek=9 count=1"
    done = project.docker(
        *("run", "--rm", "--user", "0", "--volume", f"{volume['Name']}:/v", "--workdir", "/v"),
        *("--entrypoint", "bash", own_image, "-c", f"chmod +w *; {damage} conv=notrunc"),
    )
    assert done.code == 0, done.err
    started(project)
    broker = project.containers["kafka"]
    assert b"Formatting" in broker.logs()
    # The JVM then finds the damage by its checksums, and loads the classes one by one.
    assert "-XX:+VerifySharedSpaces" in _flags(broker)
