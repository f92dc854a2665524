from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from kafka_tasks.sessions import register


class Skipped(Exception):
    """What `session.skip` does."""


class FakeSession:
    """A Nox session that notes what it is told."""

    posargs: tuple[str, ...] = ("-k", "topics")

    def __init__(self) -> None:
        self.steps: list[tuple[Any, ...]] = []
        self.options: dict[str, Any] = {}

    def install(self, *what: str) -> None:
        """Noted."""
        self.steps.append(("install", *what))

    def run(self, *command: str, **options: Any) -> None:
        """Noted."""
        self.steps.append(("run", *command))
        self.options = options

    def skip(self, reason: str) -> None:
        """Ends the session."""
        raise Skipped(reason)


class FakeNox(ModuleType):
    """As much of Nox as `register` uses."""

    def __init__(self) -> None:
        super().__init__("nox")
        self.registered: dict[str, Any] = {}

    def session(self, **options: Any) -> Callable[[Any], Any]:
        """The decorator that registers."""

        def decorate(function: Any) -> Any:
            self.registered.update(options, function=function)
            return function

        return decorate

    def parametrize(self, name: str, values: list[Any]) -> Callable[[Any], Any]:
        """The decorator that multiplies."""
        self.registered["parametrized"] = (name, [(value.value, value.id) for value in values])
        return lambda function: function

    def param(self, value: str, *, id: str) -> SimpleNamespace:
        """One value of it."""
        return SimpleNamespace(value=value, id=id)


@pytest.fixture
def nox(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeNox]:
    """In place of the real one, which need not be installed."""
    fake = FakeNox()
    monkeypatch.setitem(sys.modules, "nox", fake)
    yield fake


def _run(nox: FakeNox, runtime: str) -> FakeSession:
    session = FakeSession()
    nox.registered["function"](session, runtime)
    return session


def test_by_default_it_is_the_embedded_runtime_alone(nox: FakeNox) -> None:
    """One session, whose reports are in the current directory."""
    register()
    assert nox.registered["name"] == "acceptance"
    assert nox.registered["parametrized"] == ("case", [("embedded", "embedded")])
    session = _run(nox, "embedded")
    assert session.steps == [
        ("install", "kafka-tasks[embedded]"),
        (
            *("run", "python", "-m", "kafka_tasks.acceptance", "--runtime=embedded"),
            *("--report=report.json", "--junit=junit.xml", "-k", "topics"),
        ),
    ]
    assert session.options["env"] == {}


def test_each_runtime_has_a_session_and_a_folder(nox: FakeNox) -> None:
    """One report does not overwrite the other."""
    register(runtimes=("embedded", "compose"), install=("-e", "."), name="proof", python="3.12")
    assert (nox.registered["name"], nox.registered["python"]) == ("proof", "3.12")
    assert [name for _, name in nox.registered["parametrized"][1]] == ["embedded", "compose"]
    session = _run(nox, "compose")
    assert session.steps[0] == ("install", "-e", ".")
    command = session.steps[1]
    assert "--runtime=compose" in command
    assert "--report=acceptance-compose/report.json" in command
    assert "--junit=acceptance-compose/junit.xml" in command


def test_further_versions_have_sessions_of_their_own(nox: FakeNox) -> None:
    """Runtime and version are the case, which names the folder."""
    register(runtimes=("embedded", "compose"), versions=("4.4",))
    cases = [name for _, name in nox.registered["parametrized"][1]]
    assert cases == ["embedded", "compose", "embedded-4.4", "compose-4.4"]
    session = _run(nox, "compose-4.4")
    assert session.options["env"] == {"KAFKA_TASKS_VERSION": "4.4"}
    assert {"--runtime=compose", "--report=acceptance-compose-4.4/report.json"} <= {
        *session.steps[1]
    }


def test_secured_clusters_have_sessions_of_their_own(nox: FakeNox) -> None:
    """The embedded runtime has them, with each version; no one has rights where none has a name."""
    register(runtimes=("embedded", "compose"), versions=("4.4",), secure=("scram", "tls"))
    cases = [name for _, name in nox.registered["parametrized"][1]][4:]
    assert cases == ["embedded-scram", "embedded-4.4-scram", "embedded-tls", "embedded-4.4-tls"]
    session = _run(nox, "embedded-4.4-scram")
    assert "--runtime=embedded" in session.steps[1]
    assert session.options["env"] == {
        "KAFKA_TASKS_VERSION": "4.4",
        "KAFKA_TASKS_SECURE": "scram",
        "KAFKA_TASKS_ACL": "true",
    }
    assert _run(nox, "embedded-tls").options["env"]["KAFKA_TASKS_ACL"] == "false"


def test_some_cases_are_left_to_a_release(nox: FakeNox) -> None:
    """They run with --full, which the suite does not get."""
    register(versions=("4.4",), release=("embedded-4.4",))
    _run(nox, "embedded")
    with pytest.raises(Skipped, match="before a release: -- --full"):
        _run(nox, "embedded-4.4")
    session = FakeSession()
    session.posargs = ("--full", "-k", "topics")
    nox.registered["function"](session, "embedded-4.4")
    assert session.steps[1][-2:] == ("-k", "topics") and "--full" not in session.steps[1]


def test_further_variables_reach_the_run(nox: FakeNox) -> None:
    """They are asked for by session and runtime, after the installation."""
    asked: list[tuple[int, str]] = []

    def environ(session: Any, runtime: str) -> Mapping[str, str]:
        asked.append((len(session.steps), runtime))
        return {"KAFKA_TASKS_KAFKA_IMAGE": f"mine:{runtime}"}

    register(runtimes=("embedded", "compose"), environ=environ)
    session = _run(nox, "compose")
    assert asked == [(1, "compose")]
    assert session.options["env"] == {"KAFKA_TASKS_KAFKA_IMAGE": "mine:compose"}


def test_what_asks_for_variables_may_skip(nox: FakeNox) -> None:
    """Then nothing is run."""

    def environ(session: Any, runtime: str) -> Mapping[str, str]:
        session.skip("no Docker engine answers")
        return {}

    register(environ=environ)
    session = FakeSession()
    with pytest.raises(Skipped, match="no Docker engine"):
        nox.registered["function"](session, "compose")
    assert [step[0] for step in session.steps] == ["install"]


def test_an_interrupted_run_has_time_to_stop_its_cluster(nox: FakeNox) -> None:
    """Nox alone would kill it after half a second, and leave servers running."""
    register()
    options = _run(nox, "embedded").options
    assert options["interrupt_timeout"] >= 30
    assert options["terminate_timeout"] >= 30


def test_the_tests_of_a_project_have_a_session_of_their_own(nox: FakeNox) -> None:
    """Each case runs pytest with the runtime and version of that case, and what was typed."""
    register(versions=("4.4",), tests=("tests/kafka", "-q"), install=("-e", "."))
    assert nox.registered["function"].__name__ == "kafka_tests"
    session = _run(nox, "embedded-4.4")
    assert session.steps == [
        ("install", "-e", "."),
        ("run", "pytest", "tests/kafka", "-q", "-k", "topics"),
    ]
    assert session.options["env"] == {
        "KAFKA_TASKS_RUNTIME": "embedded",
        "KAFKA_TASKS_VERSION": "4.4",
    }
