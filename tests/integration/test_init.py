"""kafka.init: a project's first files, which work as they are and overwrite nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.integration.conftest import Sandbox

FILES = [".env", "topics.yaml", "tasks.py", "noxfile.py", "tests/test_kafka.py"]


def test_what_is_missing_is_written_and_works(project: Sandbox) -> None:
    """The file of topics is valid, Invoke finds the tasks, Nox the session."""
    assert project.run("init", "-o", "json").document["written"] == FILES
    assert project.run("topic.validate").code == 0
    for command, word in (("invoke", "kafka.up"), ("nox", "acceptance"), ("nox", "kafka_tests")):
        done = subprocess.run(
            [str(Path(sys.executable).with_name(command)), "--list"],
            cwd=project.path,
            env=project.env(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert word in done.stdout


def test_nothing_is_overwritten(project: Sandbox) -> None:
    """What is there stays as it is, a dangling link too, and is named as kept."""
    (project.path / ".env").write_text("KAFKA_TASKS_BROKERS=3\n")
    (project.path / "noxfile.py").symlink_to("elsewhere.py")
    document = project.run("init", "-o", "json").document
    assert document["kept"] == [".env", "noxfile.py"]
    assert document["written"] == ["topics.yaml", "tasks.py", "tests/test_kafka.py"]
    assert (project.path / ".env").read_text() == "KAFKA_TASKS_BROKERS=3\n"
    assert not (project.path / "elsewhere.py").exists()
    assert project.run("init", "-o", "json").document["written"] == []


def test_a_dry_run_writes_nothing(project: Sandbox) -> None:
    """It says what it would write."""
    done = project.run("init", "--dry")
    assert done.code == 0
    assert "would write topics.yaml" in done.out
    assert list(project.path.iterdir()) == []
