"""Debian 12's own engine (20.10) refuses start_interval; everything works all the same."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import Any

import docker

from tests.compose.conftest import KAFKA_IMAGE, ZOOKEEPER_IMAGE, Bench
from tests.compose.old_engine import load_images, own_engine
from tests.compose.test_bad_days import with_file
from tests.integration.conftest import eventually


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
        # A broker that looks for ZooKeeper at another port is not ready before the engine stops.
        elsewhere = "KAFKA_ZOOKEEPER_CONNECT: zookeeper:1"
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
