"""Which Java runs the servers, and which Kafka."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


@pytest.fixture
def too_new(tmp_path: Path) -> Path:
    """The home of a Java that is too new for this Kafka; it fails when it is run."""
    home = tmp_path / "java-26"
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").write_text("#!/bin/sh\nexit 42\n")
    (home / "bin" / "java").chmod(0o755)
    (home / "release").write_text('IMPLEMENTOR="Nobody"\nJAVA_VERSION="26"\n')
    return home


def test_binding_java_that_is_too_new(project: Sandbox, too_new: Path) -> None:
    """A Java that KAFKA_TASKS_JAVA_HOME names and that is unfit exits 4 before any start."""
    env = {"KAFKA_TASKS_JAVA_HOME": str(too_new)}
    project.run("up", env=env).refused(4, "KAFKA_TASKS_JAVA_HOME", "Java 26", "11 to 25")
    assert project.run("up", "-o", "json", env=env).error["code"] == "java"
    assert project.processes() == {}
    shown = project.run("config", "-o", "json", env=env).document["java"]
    assert shown["home"] is None and "Java 26" in shown["why"]


def test_binding_java_that_is_none(project: Sandbox, tmp_path: Path) -> None:
    """A directory without a Java exits 4 with its path."""
    env = {"KAFKA_TASKS_JAVA_HOME": str(tmp_path)}
    project.run("up", env=env).refused(4, str(tmp_path), "bin/java")


@pytest.mark.parametrize("kind", ["too new", "none"])
def test_unfit_java_home_is_passed_over(project: Sandbox, too_new: Path, kind: str) -> None:
    """A JAVA_HOME that cannot run Kafka is passed over with a notice, and another Java is taken."""
    home = too_new if kind == "too new" else too_new / "nothing"
    done = project.run("up", env={"JAVA_HOME": str(home)})
    assert done.code == 0, done.err
    assert "passed over JAVA_HOME" in done.err and str(home) in done.err
    executables = {psutil.Process(pid).exe() for pid in project.pids().values()}
    assert not any(str(too_new) in executable for executable in executables)
    shown = project.run("config", "-o", "json", env={"JAVA_HOME": str(home)}).document["java"]
    assert shown["home"] != str(home) and "JAVA_HOME" not in shown["why"]


def test_java_options_of_the_environment_do_not_reach_the_servers(project: Sandbox) -> None:
    """Options that a shell has for other Java programs do not break these."""
    options = {"JAVA_TOOL_OPTIONS": "-Xmx1k", "JDK_JAVA_OPTIONS": "-nonsense", "KAFKA_OPTS": "-bad"}
    project.up(env=dict(options))


@pytest.mark.release
def test_kafka_3_5_starts_and_gives_records_back(project: Sandbox) -> None:
    """Confluent Platform 7.5.0 is Kafka 3.5: it starts, and a record comes back."""
    env = {"KAFKA_TASKS_VERSION": "7.5.0"}
    done = project.run("pull", env=env, timeout=280)
    assert done.code == 0 and "Kafka 3.5.2" in done.out, done.err
    found = project.up(env=env)
    assert found["kafka_version"] == "3.5.2"
    proof = project.run("topic", "-o", "json", env=env)
    assert proof.document["records"] == 1
    refused = project.run("up", env={"KAFKA_TASKS_VERSION": "7.9.6"})
    refused.refused(3, "KAFKA_TASKS_VERSION is 7.9.6", "7.5.0")
    assert project.run("restart", env=env).code == 0
    assert project.run("topic", "-o", "json", env=env).document["records"] == 2
