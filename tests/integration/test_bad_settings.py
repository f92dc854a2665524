"""Settings that cannot be meant: a sentence, exit code 3, and nothing touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Sandbox


@pytest.fixture(autouse=True)
def untouched(project: Sandbox) -> object:
    """Whatever was refused has started nothing and recorded nothing."""
    yield
    assert project.processes() == {}
    assert not project.state_file.exists()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KAFKA_TASKS_PORT", "abc", "1 to 65535"),
        ("KAFKA_TASKS_PORT", "0", "1 to 65535"),
        ("KAFKA_TASKS_PORT", "70000", "1 to 65535"),
        ("KAFKA_TASKS_ZOOKEEPER_PORT", "-1", "1 to 65535"),
        ("KAFKA_TASKS_BROKERS", "0", "1 to 5"),
        ("KAFKA_TASKS_BROKERS", "6", "1 to 5"),
        ("KAFKA_TASKS_TIMEOUT", "soon", "seconds"),
        ("KAFKA_TASKS_HEAP", "lots", "512m"),
        ("KAFKA_TASKS_RUNTIME", "podman", "embedded"),
        ("KAFKA_TASKS_VERSION", "7.4", "7.5.0"),
        ("KAFKA_TASKS_VERSION", "7.4.0", "7.5.0"),
        ("KAFKA_TASKS_VERSION", "8.0", "no ZooKeeper"),
        ("KAFKA_TASKS_VERSION", "8.0.0", "no ZooKeeper"),
        ("KAFKA_TASKS_VERSION", "latest", "7.5.0"),
        ("KAFKA_TASKS_VERSION", "7.9", "KAFKA_TASKS_VERSION=7.9.6"),
        ("KAFKA_TASKS_BOOTSTRAP_SERVERS", "nowhere", "host:port"),
        ("KAFKA_TASKS_BROKER_PROPERTIES", "absent.properties", "absent.properties"),
    ],
)
def test_bad_values_are_refused(project: Sandbox, name: str, value: str, words: str) -> None:
    """A bad value is refused by name, with the value and what is allowed."""
    project.run("up", env={name: value}).refused(3, name, value, words)


def test_refusal_as_json(project: Sandbox) -> None:
    """With `-o json` a refusal is the one document on stdout."""
    error = project.run("up", "-o", "json", env={"KAFKA_TASKS_PORT": "abc"}).error
    assert error["code"] == "invalid" and error["hint"]


def test_version_without_a_lock_is_refused(project: Sandbox) -> None:
    """A 7.x that is newer than this package names the Kafka lines that there are."""
    done = project.run("up", env={"KAFKA_TASKS_VERSION": "7.99.0"})
    done.refused(3, "3.99", "3.5", "3.9")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("KAFKA_TASKS_PORTT", "KAFKA_TASKS_PORT"),
        ("KAFKA_TASKS_ZOOKEPER_PORT", "KAFKA_TASKS_ZOOKEEPER_PORT"),
        ("KAFKA_TASKS_VERSON", "KAFKA_TASKS_VERSION"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(
    project: Sandbox, name: str, nearest: str
) -> None:
    """An unknown variable is refused and the nearest known one is offered, wherever it stands."""
    project.run("up", env={name: "1"}).refused(3, name, "environment", f"did you mean {nearest}?")
    (project.path / ".env").write_text(f"OTHER=1\n\n{name}=1\n")
    project.run("up").refused(3, name, ".env, line 3", f"did you mean {nearest}?")


@pytest.mark.parametrize("line", ["KAFKA_TASKS_PORT 9092", "= 3", "KAFKA_TASKS_HEAP='512m"])
def test_malformed_dotenv_is_refused_with_its_line(project: Sandbox, line: str) -> None:
    """A line of `.env` that is none is refused with file and line."""
    (project.path / ".env").write_text(f"# settings\nKAFKA_TASKS_BROKERS=1\n{line}\n")
    project.run("up").refused(3, str(project.path / ".env"), "line 3")
    project.run("status").refused(3, "line 3")


def test_bad_value_in_dotenv_is_named_with_its_place(project: Sandbox) -> None:
    """A bad value in `.env` is refused with its line; the environment overrides it."""
    (project.path / ".env").write_text("KAFKA_TASKS_TIMEOUT=never\n")
    project.run("up").refused(3, "KAFKA_TASKS_TIMEOUT", ".env:1", "never")
    done = project.run("config", env={"KAFKA_TASKS_TIMEOUT": "5"})
    assert done.code == 0


def test_bad_bytes_in_dotenv_are_refused(project: Sandbox) -> None:
    """A `.env` that is no text is refused with its path."""
    (project.path / ".env").write_bytes(b"\xff\xfe\x00")
    project.run("up").refused(3, str(project.path / ".env"))


def test_bad_flags_are_refused(project: Sandbox) -> None:
    """Flags with bad values are refused by the name that was typed."""
    project.run("up", "--brokers", "abc").refused(3, "--brokers", "abc")
    project.run("up", "--timeout", "0").refused(3, "--timeout")
    project.run("up", "--runtime", "nope").refused(3, "--runtime", "nope")
    project.run("up", "--output", "xml").refused(3, "--output", "xml")


def test_ports_that_overlap_are_refused(project: Sandbox) -> None:
    """A ZooKeeper port among the brokers' ports is refused, and so is a last port above 65535."""
    overlap = {"KAFKA_TASKS_PORT": "20000", "KAFKA_TASKS_ZOOKEEPER_PORT": "20002"}
    project.run("up", "--brokers", "3", env=overlap).refused(3, "20002", "20000")
    project.run("up", "--brokers", "3", env={"KAFKA_TASKS_PORT": "65534"}).refused(3, "65535")


def test_broker_properties_that_are_ours_are_refused(project: Sandbox) -> None:
    """A file of broker properties may not take over what the runtime decides; the line is named."""
    file = project.path / "broker.properties"
    file.write_text("log.retention.hours=1\nlisteners=PLAINTEXT://0.0.0.0:1\n")
    env = {"KAFKA_TASKS_BROKER_PROPERTIES": "broker.properties"}
    project.run("up", env=env).refused(3, "line 2", "listeners")


def test_section_of_invokes_configuration_is_read(project: Sandbox) -> None:
    """`invoke.yaml` sets what nothing else sets, and a bad name in it is refused."""
    (project.path / "tasks.py").touch()
    (project.path / "invoke.yaml").write_text("kafka: {heap: 300m}\n")
    found = project.run("config", "-o", "json").document["settings"]
    heap = next(entry for entry in found if entry["name"] == "KAFKA_TASKS_HEAP")
    assert (heap["value"], heap["origin"], heap["place"]) == ("300m", "invoke", "kafka.heap")
    (project.path / "invoke.yaml").write_text("kafka: {heep: 300m}\n")
    project.run("config").refused(3, "KAFKA_TASKS_HEEP", "did you mean KAFKA_TASKS_HEAP?")
