"""The direct launch and the images' own start give the servers the same properties."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compose.conftest import KRAFT, Bench
from tests.tiers import telling

_MODES: dict[str, dict[str, str]] = {"zookeeper": {}, "kraft": KRAFT}


def properties(project: Bench, service: str, path: str) -> dict[str, str]:
    """A properties file of a container, as a mapping."""
    text = project.docker("exec", project.containers[service].id, "cat", path).out
    pairs = [line.partition("=") for line in text.splitlines() if line and line[0] != "#"]
    return {key: value for key, _, value in pairs}


def _of_zookeeper(project: Bench, mode: str) -> dict[str, str] | None:
    """The properties of ZooKeeper, where there is one."""
    if mode == "kraft":
        return None
    return properties(project, "zookeeper", "/etc/kafka/zookeeper.properties")


@pytest.mark.parametrize("mode", telling([*_MODES], "kraft"))
def test_both_ways_to_start_give_the_same_properties(project: Bench, mode: str) -> None:
    """Same variables, same properties: with dots, underscores and dashes in their names."""
    project.environ |= _MODES[mode]
    further = project.path / "broker.properties"
    further.write_text("log.retention.hours=7\nconfluent.balancer_x=1\nsome-dashed.key=a b = c\n")
    settings: dict[str, Any] = {"KAFKA_TASKS_BROKER_PROPERTIES": str(further)}
    # What is so named in the caller's environment reaches no container.
    harm: dict[str, Any] = {"KAFKA_PORT": "tcp://10.0.0.1:9092", "KAFKA_HEAP_OPTS": "-Xmx1k"}
    started = project.run("up", **harm, **settings)
    assert started.code == 0, started.err
    direct = properties(project, "kafka", "/etc/kafka/kafka.properties")
    keeper = _of_zookeeper(project, mode)
    assert project.run("down", "--wipe", "--yes").code == 0
    settings["KAFKA_TASKS_LAUNCH"] = "image"
    started = project.run("up", **settings)
    assert started.code == 0, started.err
    assert properties(project, "kafka", "/etc/kafka/kafka.properties") == direct
    assert _of_zookeeper(project, mode) == keeper
    assert direct["log.retention.hours"] == "7"
    assert direct["confluent.balancer_x"] == "1"
    assert direct["some-dashed.key"] == "a b = c"
