"""Debian 12's own engine (20.10) refuses start_interval; everything works all the same."""

from __future__ import annotations

import json
import tempfile
import threading
from pathlib import Path
from typing import Any

import docker
import pytest

from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose import compose_file, override
from tests.compose.conftest import KAFKA_IMAGE, ZOOKEEPER_IMAGE, Bench
from tests.compose.old_engine import load_images, own_engine
from tests.compose.test_bad_days import with_file
from tests.integration.conftest import eventually


def merged(project: Bench, text: str) -> dict[str, Any]:
    """The services as Compose reads them with a text laid over the packaged file."""
    over = Path(project.path) / override.FILE
    over.write_text(text, encoding="utf-8")
    files = [part for path in (compose_file.packaged(), over) for part in ("-f", str(path))]
    found = project.docker("compose", *files, "config", "--format", "json")
    assert found.code == 0, found.err
    services: dict[str, Any] = json.loads(found.out)["services"]
    return services


def test_what_is_laid_over_is_what_compose_reads(project: Bench) -> None:
    """Values keep their dollars and quotes; start_interval is gone, the other keys stay."""
    plain = merged(project, "services: {}")
    assert plain["kafka"]["healthcheck"]["start_interval"] == "500ms"
    further = {"a.b_c-d": "1", "e": "$HOME ${X} 'q' \"p\": #", "f": "true", "g": ""}
    text = override.rendered(
        plain,
        topology=zookeeper_cluster(1),
        further=BrokerProperties(further),
        start_interval=False,
    )
    assert text is not None
    found = merged(project, text)
    for name in ("zookeeper", "kafka"):
        expected = dict(plain[name]["healthcheck"])
        del expected["start_interval"]
        assert found[name]["healthcheck"] == expected
    added = dict(found["kafka"]["environment"].items() - plain["kafka"]["environment"].items())
    # Compose's own output doubles a dollar again, so that it can be read in once more.
    assert {key: value.replace("$$", "$") for key, value in added.items()} == {
        "KAFKA_A_B__C___D": "1",
        "KAFKA_E": "$HOME ${X} 'q' \"p\": #",
        "KAFKA_F": "true",
        "KAFKA_G": "",
    }


@pytest.mark.release
def test_an_engine_without_start_interval_works(project: Bench) -> None:
    """The key is left out for an old engine; and an engine that stops is said, not waited for."""
    # A socket's path may have 107 characters, which a test's own directory has already.
    home = Path(tempfile.mkdtemp(prefix="kafka-tasks-engine-"))
    with own_engine(home) as address:
        load_images(address, KAFKA_IMAGE, ZOOKEEPER_IMAGE)
        client = docker.DockerClient(base_url=address)
        assert tuple(map(int, client.version()["ApiVersion"].split("."))) < (1, 44)
        there: dict[str, Any] = {"DOCKER_HOST": address}
        started = project.run("up", **there)
        assert started.code == 0, started.err
        assert project.run("topic", **there).code == 0
        assert project.run("down", "--wipe", "--yes", **there).code == 0
        # A broker that looks for ZooKeeper elsewhere is not ready before the engine stops.
        elsewhere = "KAFKA_ZOOKEEPER_CONNECT: 0.0.0.0:2181"
        with_file(project, ("KAFKA_ZOOKEEPER_CONNECT: zookeeper:2181", elsewhere))
        results = []
        waiter = threading.Thread(
            target=lambda: results.append(project.run("up", "--timeout", "100", **there))
        )
        waiter.start()
        eventually(lambda: client.containers.list(), "a container")
    waiter.join(timeout=120)
    assert results[0].code in (4, 5)
    assert "Docker" in results[0].err or "docker" in results[0].err
    assert "Traceback" not in results[0].err
