"""What a user may have counted on and a start does not use is said, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.compose import command, compose_file, left_out
from kafka_tasks.settings import Settings, load

OURS = "services: {zookeeper: {image: z}, kafka: {image: k}}\n"


def test_what_compose_by_hand_would_take_is_said(
    project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An override beside the file, and Compose's own variables, of the environment or of .env."""
    monkeypatch.setattr(compose_file, "environment", lambda: {"COMPOSE_PROFILES": "debug"})
    (project.path / "docker-compose.yml").write_text(OURS)
    (project.path / "docker-compose.override.yml").write_text("services: {}\n")
    (project.path / ".env").write_text("COMPOSE_FILE=a.yml\nCOMPOSE_PROJECT_NAME=other\n")
    assert list(left_out.lines(settings, "shop")) == [
        "docker-compose.override.yml is not used: kafka-tasks starts docker-compose.yml alone",
        "COMPOSE_FILE=a.yml is not used: KAFKA_TASKS_COMPOSE_FILE names the file",
        "COMPOSE_PROJECT_NAME=other is not used: the project is shop",
    ]


def test_nothing_is_said_where_both_do_the_same(
    project: Project, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An override belongs to a file of the project; with the packaged one it is somebody's."""
    monkeypatch.setattr(compose_file, "environment", lambda: {"COMPOSE_PROJECT_NAME": "shop"})
    (project.path / "compose.override.yaml").write_text("services: {}\n")
    assert list(left_out.lines(settings, "shop")) == []


def _with_settings(project: Project, text: str, **environ: str) -> list[str]:
    """Return what is said of these settings with such a file."""
    (project.path / "compose.yaml").write_text(text)
    settings = load(project.path, environ={f"KAFKA_TASKS_{k}": v for k, v in environ.items()})
    return list(left_out.lines(settings, compose_file.project_name(project.path)))


def test_settings_that_the_file_does_not_read(project: Project) -> None:
    """Each is named by its variable; one that the file reads is not."""
    text = OURS.replace("image: k", 'image: "k:${KAFKA_TASKS_VERSION}"')
    said = _with_settings(project, text, PORT="9392", VERSION="7.9", KAFKA_IMAGE="mine", HEAP="1g")
    assert said == [
        "KAFKA_TASKS_KAFKA_IMAGE is not used: compose.yaml does not read it",
        "KAFKA_TASKS_PORT is not used: compose.yaml does not read it",
    ]


@pytest.mark.parametrize(
    "text", [OURS + "include: [a.yml]\n", OURS.replace("image: k", "extends: {file: b}")]
)
def test_a_file_in_parts_may_read_them_elsewhere(project: Project, text: str) -> None:
    """Nothing is said then."""
    assert _with_settings(project, text, PORT="9392") == []


def test_defaults_are_not_spoken_of(project: Project) -> None:
    """Only what the user has set is missed."""
    assert _with_settings(project, OURS) == []


# -- the version of the file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "version", "kafka"),
    [
        ("apache/kafka:4.1.0", "4.1.0", "4.1"),
        ("confluentinc/cp-kafka:7.6.1", "7.6.1", "3.6"),
        ("localhost:5000/confluentinc/cp-kafka:7.6.1-1-ubi8@sha256:12", "7.6.1", "3.6"),
        ("bitnami/kafka:3.8.0-debian-12-r1", "3.8.0", "3.8"),
        ("apache/kafka:latest", "7.9.11", "3.9"),
        ("apache/kafka:2.8.0", "7.9.11", "3.9"),
        ("debezium/kafka:3.6", "7.9.11", "3.9"),
    ],
)
def test_the_version_is_that_of_the_image(
    project: Project, monkeypatch: pytest.MonkeyPatch, image: str, version: str, kafka: str
) -> None:
    """A tag that tells none, or one of no Kafka, leaves the settings as they are."""
    environment = {"KAFKA_NODE_ID": 1, "KAFKA_PROCESS_ROLES": "broker,controller"}
    environment |= {f"KAFKA_CFG_{n.removeprefix('KAFKA_')}": v for n, v in environment.items()}
    config = {"services": {"broker": {"image": image, "environment": environment}}}
    found = _fitted(project, monkeypatch, config, "services: {broker: {image: kafka}}\n")
    assert (found.version, found.line.kafka) == (version, kafka)


def test_a_file_that_reads_the_version_has_that_of_the_settings(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images have it already."""
    config = {
        "services": {
            "zk": {"image": "cp-zookeeper:7.9.11"},
            "broker": {"image": "cp-kafka:7.6.1", "environment": {"KAFKA_BROKER_ID": 1}},
        }
    }
    text = "services: {zk: {image: 'zookeeper:${KAFKA_TASKS_VERSION}'}}\n"
    assert _fitted(project, monkeypatch, config, text).version == "7.9.11"


def _fitted(
    project: Project, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], text: str
) -> Settings:
    """Return the settings with the services of a file that Compose reads as `config`."""
    monkeypatch.setattr(command.Project, "config", lambda self, **_: config)
    (project.path / "compose.yaml").write_text(text)
    return compose_file.fitted(load(project.path, environ={}))
