"""The examples of the documents, as a reader would run them, on real clusters."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.docs.conftest import Shell
from tests.docs.documents import EXAMPLES, ROOT, blocks

TUTORIAL = ROOT / "docs" / "tutorial" / "first-cluster.md"
FORBIDDEN = ROOT / "docs" / "tutorial" / "test-what-is-forbidden.md"
TESTS = ROOT / "docs" / "tutorial" / "first-kafka-test.md"


def test_the_tutorial_works_from_its_first_to_its_last_command(project: Path, shell: Shell) -> None:
    """The tutorial's commands run one after the other, and nothing runs after the last."""
    shutil.copy(EXAMPLES / "produce_consume.py", project)
    steps = [block.text for block in blocks(TUTORIAL) if block.note == "run"]
    printed = [shell(step) for step in steps]
    assert "Topic test-topic created and proven" in printed[2]
    assert "order 0\norder 1\norder 2\n" in printed[4]
    assert "Ready after" in printed[6]
    assert json.loads(shell("kafka-tasks status -o json || true"))["services"] == []


@pytest.mark.release
def test_own_tasks_stand_beside_those_of_kafka(project: Path, shell: Shell) -> None:
    """A task of one's own starts Kafka, with the settings of invoke.yaml, and makes its topic."""
    for path in (EXAMPLES / "own_tasks").iterdir():
        if path.is_file():
            shutil.copy(path, project)
    shell("invoke orders")
    described = json.loads(shell("invoke kafka.topic.describe orders -o json"))
    assert len(described["partitions"]) == 3
    origins = {
        entry["name"]: (entry["value"], entry["origin"])
        for entry in json.loads(shell("kafka-tasks config -o json"))["settings"]
    }
    assert origins["KAFKA_TASKS_HEAP"] == ("384m", "invoke")


def test_two_lines_of_tasks_are_enough(project: Path, shell: Shell) -> None:
    """With the two-line tasks.py, `invoke --list` shows Kafka's tasks."""
    shutil.copy(EXAMPLES / "tasks.py", project)
    assert "kafka.up" in shell("invoke --list")
    assert "kafka.topic.create" in shell("invoke --list")


def test_the_pytest_examples_pass(project: Path, shell: Shell) -> None:
    """The tests of the how-to pass as they are, on clusters that pytest starts."""
    for path in (EXAMPLES / "pytest").glob("*.py"):
        shutil.copy(path, project)
    assert "11 passed" in shell("python -m pytest -q -p no:cacheprovider")


@pytest.mark.release
def test_the_tutorial_of_tests_leaves_nothing(project: Path, shell: Shell) -> None:
    """Its commands run one after the other; the last one deletes the kept cluster."""
    shutil.copy(EXAMPLES / "pytest" / "test_orders.py", project)
    steps = [block.text for block in blocks(TESTS) if block.note == "run"]
    # The kept cluster lies in the project, where it is found if it is left.
    apart = 'export XDG_STATE_HOME="$PWD/state"\n'
    printed = [shell(apart + step) for step in steps]
    assert all("1 passed" in each for each in printed)
    assert printed[1].count("stays for the next run") == 2
    left = [known["project"] for known in json.loads(shell("kafka-tasks list -o json"))["clusters"]]
    assert not [path for path in left if path.startswith(str(project))]


@pytest.mark.release
def test_the_tutorial_of_what_is_forbidden(project: Path, shell: Shell) -> None:
    """Its tests pass, and one fails without the line that the reader deletes."""
    test = project / "test_forbidden.py"
    shutil.copy(EXAMPLES / "pytest" / "test_forbidden.py", project)
    (command,) = (block.text for block in blocks(FORBIDDEN) if block.note == "run")
    assert "6 passed" in shell(command)
    lines = test.read_text().splitlines(keepends=True)
    test.write_text("".join(line for line in lines if "kafka_grant(" not in line))
    failed = shell(f"{command.strip()} || true")
    assert "1 failed, 5 passed" in failed
    assert "AssertionError: assert 'TOPIC_AUTHORIZATION_FAILED' is None" in failed


@pytest.mark.release
def test_the_ci_script_gives_its_command_the_address(project: Path, shell: Shell) -> None:
    """What ci.sh runs sees the cluster's address, and the cluster is gone afterwards."""
    seen = shell(
        'export KAFKA_TASKS_CACHE="${KAFKA_TASKS_CACHE:-$(kafka-tasks config -o json | python -c '
        '\'import json, sys; print(json.load(sys.stdin)["settings"][-1]["value"])\')}"\n'
        f'bash "{EXAMPLES / "ci.sh"}" python -c '
        '\'import os; print("address", os.environ["KAFKA_BOOTSTRAP_SERVERS"])\''
    )
    assert "address localhost:" in seen
    assert json.loads(shell("kafka-tasks status -o json || true"))["state"] == "stopped"


@pytest.mark.release
def test_the_nox_example_starts_tests_and_stops(project: Path, shell: Shell) -> None:
    """The example's session runs pytest between up and down."""
    shutil.copy(EXAMPLES / "nox" / "noxfile.py", project)
    (project / "test_it.py").write_text(
        '"""Nothing."""\n\n\ndef test_cluster_is_up() -> None:\n'
        '    """The cluster is there."""\n'
        "    import kafka_tasks\n\n"
        "    project = kafka_tasks.Project.find()\n"
        "    session = kafka_tasks.open_session(project, kafka_tasks.load_settings(project.path))\n"
        '    assert kafka_tasks.status(session).state == "ready"\n'
    )
    # The package is not fetched anew: this very environment stands in for the session's own.
    shell("python -m nox --no-venv --no-install -s integration -- -q test_it.py")
    assert json.loads(shell("kafka-tasks status -o json || true"))["state"] == "stopped"


@pytest.mark.release
def test_broker_properties_of_the_example_are_what_the_broker_runs_with(
    project: Path, shell: Shell
) -> None:
    """Settings from the file of further properties hold for the topics of the broker."""
    shutil.copy(EXAMPLES / "broker.properties", project)
    shell("KAFKA_TASKS_BROKER_PROPERTIES=broker.properties kafka-tasks up")
    shell("kafka-tasks topic.create orders")
    described = json.loads(shell("kafka-tasks topic.describe orders -o json"))
    assert described["config"]["max.message.bytes"]["value"] == "2097152"
