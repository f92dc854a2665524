"""The pytest plugin with containers: a run starts them, uses them, and removes them."""

from __future__ import annotations

from pathlib import Path

import docker
import pytest

from tests.compose.conftest import KAFKA_IMAGE, ZOOKEEPER_IMAGE

_TESTS = """
from pathlib import Path

import docker
import pytest


def test_passes(kafka_topic, kafka_records, kafka_cluster):
    assert kafka_cluster.runtime == "compose"
    kafka_records.send(kafka_topic, "x")
    assert [each.value for each in kafka_records.take(kafka_topic)] == [b"x"]
    Path("project").write_text(str(kafka_cluster.project))


def test_fails(kafka_topic, kafka_group, kafka_consumer_factory):
    kafka_consumer_factory(kafka_topic, group=kafka_group)
    assert not kafka_topic


def test_kills(kafka_topic, kafka_cluster):
    label = f"com.docker.compose.project.working_dir={kafka_cluster.project}"
    service = "com.docker.compose.service=kafka"
    (broker,) = docker.from_env().containers.list(filters={"label": [label, service]})
    broker.kill()
    broker.wait()


def test_next(kafka_topic):
    pass


def test_last(kafka_topic):
    pass
"""


def test_containers_serve_a_run_and_are_removed(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    engine: docker.DockerClient,
    images: None,
) -> None:
    """A failed test shows its own part of the log, in whatever time zone; a death is told once."""
    monkeypatch.setenv("KAFKA_TASKS_KAFKA_IMAGE", KAFKA_IMAGE)
    monkeypatch.setenv("KAFKA_TASKS_ZOOKEEPER_IMAGE", ZOOKEEPER_IMAGE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    pytester.makepyfile(test_containers=_TESTS)
    result = pytester.runpytest_subprocess(
        "-p", "kafka_tasks.pytest_plugin", "--kafka-runtime=compose", "--kafka-timeout=200"
    )
    result.assert_outcomes(passed=2, failed=1, errors=2)
    line = "There is no Kafka for this test: its service kafka exited in an earlier test."
    result.stdout.fnmatch_lines(
        [
            "*_ ERROR at setup of test_next _*",
            line,
            "*_ ERROR at setup of test_last _*",
            line,
            "*_ test_fails _*",
            "*INFO [[]GroupCoordinator 1[]]: * test-fails-group-*",
        ]
    )
    project = Path(pytester.path, "project").read_text(encoding="utf-8")
    assert not Path(project).exists()
    label = f"com.docker.compose.project.working_dir={project}"
    assert engine.containers.list(all=True, filters={"label": label}) == []


@pytest.mark.release
def test_a_secured_cluster_of_a_marker_runs_in_containers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, images: None
) -> None:
    """The example of the how-to passes: users, rights, and connections that must be refused."""
    monkeypatch.setenv("KAFKA_TASKS_KAFKA_IMAGE", KAFKA_IMAGE)
    monkeypatch.setenv("KAFKA_TASKS_ZOOKEEPER_IMAGE", ZOOKEEPER_IMAGE)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    example = Path(__file__).parents[2] / "docs" / "examples" / "pytest" / "test_forbidden.py"
    pytester.makepyfile(test_forbidden=example.read_text(encoding="utf-8"))
    result = pytester.runpytest_subprocess(
        "-p", "kafka_tasks.pytest_plugin", "--kafka-runtime=compose", "--kafka-timeout=200"
    )
    assert result.ret == 0, result.outlines
    assert result.parseoutcomes()["passed"] > 1
