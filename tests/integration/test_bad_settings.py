"""Settings that are not valid, through the real command; every case is in the unit tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.integration.conftest import Sandbox


@pytest.fixture(autouse=True)
def untouched(project: Sandbox) -> object:
    """Whatever is refused starts nothing and records nothing."""
    yield
    assert project.processes() == {}
    assert not project.state_file.exists()


def test_a_bad_value_is_refused(project: Sandbox) -> None:
    """By name, with the value and what is allowed; with `-o json` as the one document on stdout."""
    bad: dict[str, str | None] = {"KAFKA_TASKS_PORT": "abc"}
    project.run("up", env=bad).refused(3, "KAFKA_TASKS_PORT", "abc", "1 to 65535")
    error = project.run("up", "-o", "json", env=bad).error
    assert error["code"] == "invalid" and error["hint"]


def test_an_unknown_name_in_dotenv_is_refused(project: Sandbox) -> None:
    """With its line, and with the nearest name that is known."""
    (project.path / ".env").write_text("OTHER=1\n\nKAFKA_TASKS_PORTT=1\n")
    project.run("up").refused(3, ".env, line 3", "did you mean KAFKA_TASKS_PORT?")


def test_section_of_invokes_configuration_is_read(project: Sandbox) -> None:
    """`invoke.yaml` sets what nothing else sets, and a bad name in it is refused."""
    (project.path / "tasks.py").touch()
    (project.path / "invoke.yaml").write_text("kafka: {heap: 300m}\n")
    found = project.run("config", "-o", "json").document["settings"]
    heap = next(entry for entry in found if entry["name"] == "KAFKA_TASKS_HEAP")
    assert (heap["value"], heap["origin"], heap["place"]) == ("300m", "invoke", "kafka.heap")
    (project.path / "invoke.yaml").write_text("kafka: {heep: 300m}\n")
    project.run("config").refused(3, "KAFKA_TASKS_HEEP", "did you mean KAFKA_TASKS_HEAP?")
