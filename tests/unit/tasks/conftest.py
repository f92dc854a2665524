"""Tasks as a user runs them: through Invoke's Program, on a cluster in memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from invoke.program import Program

from kafka_tasks.clients.kafka import acls, group_admin, records, scram
from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.groups import lag
from kafka_tasks.model.user import User
from kafka_tasks.probes import readiness
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry
from kafka_tasks.tasks import kafka
from kafka_tasks.testing import FakeRuntime
from kafka_tasks.topics import apply, deletion
from tests.unit.fakes import FakeAdmin, FakeChanges
from tests.unit.tasks.rules import Rules


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout."""
        return json.loads(self.out)


Run = Callable[[str], Ran]


@pytest.fixture
def run(
    project: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Run a command line in the project."""
    monkeypatch.chdir(project.path)

    def call(line: str) -> Ran:
        capsys.readouterr()
        program = Program(name="kafka-tasks", binary="kafka-tasks", namespace=kafka)
        code = 0
        try:
            program.run(["kafka-tasks", *line.split(" ")])
        except SystemExit as end:
            code = int(end.code or 0)
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return call


@pytest.fixture
def runtime(project: Project, monkeypatch: pytest.MonkeyPatch) -> FakeRuntime:
    """The runtime that every command gets."""
    found = FakeRuntime(project.path, logs={"kafka": ["one", "two", "three"], "zookeeper": ["z"]})
    choice = registry.Choice(found, "asked for by a test")
    monkeypatch.setenv("KAFKA_TASKS_RUNTIME", "embedded")
    monkeypatch.setattr(registry, "choose", lambda *_: choice)
    monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(),))
    return found


@pytest.fixture
def admin(monkeypatch: pytest.MonkeyPatch) -> FakeAdmin:
    """The cluster that every topic command talks to."""
    found = FakeAdmin()

    def connect(*_: object, timeout_s: float | None = None, **__: object) -> FakeAdmin:
        found.timeout_s = timeout_s
        return found

    monkeypatch.setattr(admin_module, "Admin", connect)
    monkeypatch.setattr(records, "roundtrip", lambda *_, **__: 5.0)
    for module in (apply, deletion):
        monkeypatch.setattr(module, "changes", FakeChanges)
    monkeypatch.setattr(group_admin, "names", lambda *_, **__: [])
    monkeypatch.setattr(group_admin, "listed", lambda *_, **__: {})
    monkeypatch.setattr(lag, "reading", lambda *_: [])
    return found


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """The rules of the cluster."""
    found = Rules()
    monkeypatch.setattr(acls, "rules", lambda *_, **__: sorted(found.there))
    for name in ("grant", "revoke", "until_known"):
        monkeypatch.setattr(acls, name, getattr(found, name))
    monkeypatch.setattr(scram, "users", lambda _: {"alice": User("alice"), "bob": User("bob")})
    return found


@pytest.fixture
def ready(run: Run, runtime: FakeRuntime, admin: FakeAdmin) -> Run:
    """The same as `run`, on a cluster that is up."""
    assert run("up").code == 0
    runtime.calls.clear()
    return run


@pytest.fixture(autouse=True)
def _no_examination(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed start is not followed by a look at the machine that the tests run on."""
    monkeypatch.setattr("kafka_tasks.diagnosis.doctor.CHECKS", ())
