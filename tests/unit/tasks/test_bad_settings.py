"""Settings that are not valid: a sentence, exit code 3, and nothing started."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kafka_tasks.clients import processes
from kafka_tasks.project.directory import Project
from tests.unit.tasks.conftest import Ran, Run


@pytest.fixture(autouse=True)
def untouched(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever is refused starts no process and records nothing."""
    spawned: list[object] = []
    monkeypatch.setattr(processes, "spawn_detached", lambda *told, **_: spawned.append(told))
    monkeypatch.setenv("KAFKA_TASKS_RUNTIME", "embedded")
    monkeypatch.setenv("KAFKA_TASKS_PORT", "auto")
    monkeypatch.setenv("KAFKA_TASKS_ZOOKEEPER_PORT", "auto")
    yield
    assert spawned == []
    assert not (project.path / ".kafka-tasks" / "state.json").exists()


def refused(done: Ran, *words: str) -> None:
    """Fail unless this is a refusal in words, with a hint, that contains all of `words`."""
    assert (done.code, done.out) == (3, ""), done
    assert "Traceback" not in done.err
    assert "Error: " in done.err and "Hint: " in done.err
    for word in words:
        assert word in done.err, f"{word!r} is not in:\n{done.err}"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("KAFKA_TASKS_PORT", "abc", "1 to 65535"),
        ("KAFKA_TASKS_PORT", "0", "1 to 65535"),
        ("KAFKA_TASKS_PORT", "70000", "1 to 65535"),
        ("KAFKA_TASKS_ZOOKEEPER_PORT", "-1", "1 to 65535"),
        ("KAFKA_TASKS_BROKERS", "0", "1 to 9"),
        ("KAFKA_TASKS_BROKERS", "10", "1 to 9"),
        ("KAFKA_TASKS_TIMEOUT", "soon", "seconds"),
        ("KAFKA_TASKS_HEAP", "lots", "512m"),
        ("KAFKA_TASKS_RUNTIME", "podman", "embedded"),
        ("KAFKA_TASKS_VERSION", "7.4", "older than Confluent Platform 7.5"),
        ("KAFKA_TASKS_VERSION", "9.0", "newer than Confluent Platform 8.3"),
        ("KAFKA_TASKS_VERSION", "4.5", "newer than Apache Kafka 4.4"),
        ("KAFKA_TASKS_VERSION", "latest", "a tag that moves"),
        ("KAFKA_TASKS_MODE", "raft", "auto, zookeeper or kraft"),
        ("KAFKA_TASKS_CONTROLLERS", "2", "0, 1 or 3"),
        ("KAFKA_TASKS_CONTROLLERS", "1", "only KRaft"),
        ("KAFKA_TASKS_CONTROLLER_PORT", "0", "1 to 65535"),
        ("KAFKA_TASKS_BOOTSTRAP_SERVERS", "nowhere", "host:port"),
        ("KAFKA_TASKS_BROKER_PROPERTIES", "absent.properties", "absent.properties"),
    ],
)
def test_bad_values_are_refused(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """A bad value is refused by name, with the value and what is allowed."""
    monkeypatch.setenv(name, value)
    refused(run("up"), name, value, words)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("KAFKA_TASKS_PORTT", "KAFKA_TASKS_PORT"),
        ("KAFKA_TASKS_ZOOKEPER_PORT", "KAFKA_TASKS_ZOOKEEPER_PORT"),
        ("KAFKA_TASKS_VERSON", "KAFKA_TASKS_VERSION"),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch, name: str, nearest: str
) -> None:
    """An unknown variable is refused and the nearest known one is offered, wherever it stands."""
    monkeypatch.setenv(name, "1")
    refused(run("up"), name, "environment", f"did you mean {nearest}?")
    monkeypatch.delenv(name)
    (project.path / ".env").write_text(f"OTHER=1\n\n{name}=1\n")
    refused(run("up"), name, ".env, line 3", f"did you mean {nearest}?")


@pytest.mark.parametrize("line", ["KAFKA_TASKS_PORT 9092", "= 3", "KAFKA_TASKS_HEAP='512m"])
def test_malformed_dotenv_is_refused_with_its_line(run: Run, project: Project, line: str) -> None:
    """A line of `.env` that is none is refused with file and line."""
    (project.path / ".env").write_text(f"# settings\nKAFKA_TASKS_BROKERS=1\n{line}\n")
    refused(run("up"), str(project.path / ".env"), "line 3")
    refused(run("status"), "line 3")


def test_bad_value_in_dotenv_is_named_with_its_place(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad value in `.env` is refused with its line; the environment overrides it."""
    (project.path / ".env").write_text("KAFKA_TASKS_TIMEOUT=never\n")
    refused(run("up"), "KAFKA_TASKS_TIMEOUT", ".env:1", "never")
    monkeypatch.setenv("KAFKA_TASKS_TIMEOUT", "5")
    assert run("config").code == 0


def test_bad_bytes_in_dotenv_are_refused(run: Run, project: Project) -> None:
    """A `.env` that is no text is refused with its path."""
    (project.path / ".env").write_bytes(b"\xff\xfe\x00")
    refused(run("up"), str(project.path / ".env"))


def test_bad_flags_are_refused(run: Run) -> None:
    """Flags with bad values are refused by the name that was typed."""
    refused(run("up --brokers abc"), "--brokers", "abc")
    refused(run("up --timeout 0"), "--timeout")
    refused(run("up --runtime nope"), "--runtime", "nope")
    refused(run("up --output xml"), "--output", "xml")


def test_ports_that_overlap_are_refused(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ZooKeeper port among the brokers' ports is refused, and so is a last port above 65535."""
    monkeypatch.setenv("KAFKA_TASKS_PORT", "20000")
    monkeypatch.setenv("KAFKA_TASKS_ZOOKEEPER_PORT", "20002")
    refused(run("up --brokers 3"), "20002", "20000")
    monkeypatch.setenv("KAFKA_TASKS_PORT", "65534")
    monkeypatch.setenv("KAFKA_TASKS_ZOOKEEPER_PORT", "auto")
    refused(run("up --brokers 3"), "65535")


def test_broker_properties_of_the_runtime_are_refused(
    run: Run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of broker properties may not set what the runtime decides; the line is named."""
    file = project.path / "broker.properties"
    file.write_text("log.retention.hours=1\nlisteners=PLAINTEXT://0.0.0.0:1\n")
    monkeypatch.setenv("KAFKA_TASKS_BROKER_PROPERTIES", "broker.properties")
    refused(run("up"), "line 2", "listeners")
