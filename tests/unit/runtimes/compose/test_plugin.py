from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kafka_tasks.runtimes.compose import plugin

DOCKER = ("docker", "compose")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine whose `docker` is a program, with a directory for plugins of all users."""
    _program(tmp_path / "docker", b"\x7fELF")
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(plugin, "_DIRECTORIES", (tmp_path / "system",))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "own"))
    (tmp_path / "own" / "cli-plugins").mkdir(parents=True)
    return tmp_path


def _program(path: Path, first: bytes = b"\x7fELF") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(first + b"...")
    path.chmod(0o755)
    return path


def test_the_plugin_of_all_users_is_started_itself(machine: Path) -> None:
    """Without the docker command in between."""
    found = _program(machine / "system" / "docker-compose")
    assert plugin.words() == (str(found),)


def test_a_users_own_plugin_comes_first(machine: Path) -> None:
    """In the order of the docker command."""
    _program(machine / "system" / "docker-compose")
    own = _program(machine / "own" / "cli-plugins" / "docker-compose")
    assert plugin.words() == (str(own),)


def test_the_directory_is_below_home_without_docker_config(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the docker command has it."""
    monkeypatch.delenv("DOCKER_CONFIG")
    monkeypatch.setenv("HOME", str(machine))
    (machine / ".docker" / "cli-plugins").mkdir(parents=True)
    own = _program(machine / ".docker" / "cli-plugins" / "docker-compose")
    assert plugin.words() == (str(own),)


def test_without_a_plugin_docker_is_asked(machine: Path) -> None:
    """It says what is missing."""
    (machine / "system").mkdir()
    (machine / "system" / "docker-compose").write_text("not executable")
    assert plugin.words() == DOCKER


def test_a_docker_that_is_a_script_is_not_passed_by(machine: Path) -> None:
    """Podman's `docker` is one, and its engine is another."""
    _program(machine / "system" / "docker-compose")
    _program(machine / "docker", b"#!/bin/sh")
    assert plugin.words() == DOCKER


def test_further_directories_are_left_to_docker(machine: Path) -> None:
    """The configuration may name a plugin that comes before all others."""
    _program(machine / "system" / "docker-compose")
    (machine / "own" / "config.json").write_text('{"cliPluginsExtraDirs": ["/opt/plugins"]}')
    assert plugin.words() == DOCKER
    (machine / "own" / "config.json").write_text('{"auths": {}}')
    assert plugin.words() != DOCKER


def test_without_docker_nothing_is_started_in_its_place(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The caller has said that there is no docker command."""
    _program(machine / "system" / "docker-compose")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert plugin.words() == DOCKER
