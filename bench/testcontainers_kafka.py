"""Rows about the pytest plugin against testcontainers' KafkaContainer, on an image of our own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

from bench.baseline import IMAGES, require_images
from bench.children import Unmeasured, timed
from bench.kraft import fetched_kafka_4
from bench.plugin import ONE, run_pytest
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace

# KafkaContainer reads the version in the tag, and edits a file of the image as the image's user: it
# deletes the line about ZooKeeper, which must not be the only one of its branch.
_IMAGE = "kafka-tasks-test/cp-kafka-testcontainers:7.9.6"
_DOCKERFILE = f"""
FROM {IMAGES["KAFKA_IMAGE"]}
USER root
RUN sed -i 's/dub ensure KAFKA_ZOOKEEPER_CONNECT/:\\n    &/' /etc/confluent/docker/configure
RUN touch /etc/confluent/docker/bash-config && chown -R appuser /etc/confluent/docker
USER appuser
"""

_THEIRS = f"""
import pytest
from confluent_kafka import Consumer, Producer
from testcontainers.community.kafka import KafkaContainer


@pytest.fixture(scope="session")
def servers():
    with KafkaContainer("{_IMAGE}").with_kraft() as kafka:
        yield kafka.get_bootstrap_server()


def test_one(servers):
    producer = Producer({{"bootstrap.servers": servers}})
    producer.produce("one", b"x")
    producer.flush(30)
    consumer = Consumer(
        {{"bootstrap.servers": servers, "group.id": "one", "auto.offset.reset": "earliest"}}
    )
    consumer.subscribe(["one"])
    assert consumer.poll(30).value() == b"x"
    consumer.close()
"""


def _require_testcontainers(surroundings: Surroundings) -> None:
    """Build the image that it starts; raises `Unmeasured` without an engine or the package."""
    if find_spec("testcontainers") is None:
        raise Unmeasured("testcontainers is not installed")
    require_images(surroundings.environ)
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", _IMAGE, "-"],
        input=_DOCKERFILE.encode(),
        capture_output=True,
        timeout=300,
        check=True,
    )


def _theirs(theirs: Workspace) -> float:
    """Run pytest on the same test with their container; return its seconds."""
    script = theirs.path / "test_theirs.py"
    script.write_text(_THEIRS, encoding="utf-8")
    # Their reaper is an image that would have to be pulled: without it they are faster.
    environ = {
        **theirs.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "TESTCONTAINERS_RYUK_DISABLED": "true",
        "TESTCONTAINERS_HOST_OVERRIDE": "localhost",
    }
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(script)]
    return timed(command, cwd=theirs.path, environ=environ, timeout_s=300).seconds


def _pairs(surroundings: Surroundings, pairs: int, *arguments: str) -> Iterator[Pair]:
    _require_testcontainers(surroundings)
    # Beside our test, theirs would be collected with it.
    with surroundings.workspace() as ours, surroundings.workspace() as theirs:
        for _ in range(pairs):
            yield Pair(run_pytest(ours, ONE, *arguments), _theirs(theirs))


@row(
    "pytest-testcontainers",
    what="pytest on one test that sends and takes a record",
    against="the same with testcontainers' KafkaContainer in KRaft mode",
    limit=0.4,
)
def default(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure whole processes, each with a cluster of its own, the images present."""
    return _pairs(surroundings, pairs)


@row(
    "pytest-testcontainers-4",
    what="the same on Kafka 4.4",
    against="the same with testcontainers' KafkaContainer in KRaft mode",
    limit=0.25,
)
def kafka_4(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the newest Kafka against the container that testcontainers has."""
    fetched_kafka_4(surroundings)
    return _pairs(surroundings, pairs, "--kafka-version=4.4")
