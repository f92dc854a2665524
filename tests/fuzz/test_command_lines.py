"""Command lines and damaged projects, in this process, on a cluster in memory."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from kafka_tasks.acceptance import suite
from kafka_tasks.clients.kafka import admin as admin_module
from kafka_tasks.clients.kafka import group_admin, reader, reassignment
from kafka_tasks.clients.kafka import records as kafka_records
from kafka_tasks.diagnosis import doctor
from kafka_tasks.errors import BrokerUnreachable, NotReady
from kafka_tasks.groups import lag
from kafka_tasks.probes import readiness
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.project.directory import Project
from kafka_tasks.records import produce
from kafka_tasks.retry import Deadline, RetryPolicy
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import load
from kafka_tasks.tasks import kafka
from kafka_tasks.testing import FakeClock, FakeRuntime
from kafka_tasks.topics import apply, deletion
from tests.fuzz import corpora, terminal
from tests.fuzz.command_lines import line
from tests.fuzz.conftest import Room
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, twisted, word
from tests.fuzz.test_state_files import content_of
from tests.unit.fakes import FakeAdmin, FakeChanges, topic

_FILES = ("topics.yaml", "plan.json", "orders")


class HastyClock(FakeClock):
    """Each wait takes ten minutes, so that none takes long."""

    def sleep(self, seconds: float) -> None:
        """Let ten minutes pass."""
        self.now += max(600.0, seconds)


class _Nothing:
    """No records in, none out."""

    given = accepted = pending = acknowledged = 0
    failures: dict[int, Any] = {}  # noqa: RUF012

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def batches(self, _: int | None) -> Iterator[list[Any]]:
        """None."""
        yield from ()

    def send(self, *_: object) -> bool:
        """Forget it."""
        return True

    def serve(self, *_: object) -> None:
        """Nothing to hear."""

    flush = withdraw = serve


class _Gone:
    """A client of a broker that has just gone away."""

    def __getattr__(self, _: str) -> Any:
        future: Future[Any] = Future()
        future.set_exception(KafkaException(KafkaError(KafkaError._TRANSPORT)))

        def refuse(asked: Any = None, *_: object, **__: object) -> Any:
            return future if asked is None else dict.fromkeys(asked, future)

        return refuse


class Away(FakeAdmin):
    """Topics in memory; whatever is asked of the library itself fails."""

    client = _Gone()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HastyClock:
    """Deadlines and policies that are given no clock have this one."""
    import time

    fake = HastyClock()
    instead: dict[Any, Any] = {time.monotonic: fake, time.sleep: fake.sleep}
    functions: list[Any] = [RetryPolicy.__init__, Deadline.__init__, Deadline.after.__func__]  # type: ignore[attr-defined]
    for function in functions:
        faked = tuple(instead.get(default, default) for default in function.__defaults__)
        monkeypatch.setattr(function, "__defaults__", faked)
    return fake


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch, clock: HastyClock) -> None:
    """No broker, no examination of this machine, no child process."""
    monkeypatch.setattr(readiness, "ladder", lambda _: (ProcessProbe(),))
    monkeypatch.setattr(kafka_records, "roundtrip", lambda *_, **__: 5.0)
    for module in (apply, deletion):
        monkeypatch.setattr(module, "changes", FakeChanges)
    monkeypatch.setattr(group_admin, "names", lambda _: [])
    monkeypatch.setattr(group_admin, "listed", lambda _: {})
    monkeypatch.setattr(lag, "reading", lambda *_: [])
    monkeypatch.setattr(reader, "Reader", _Nothing)
    monkeypatch.setattr(produce, "Sender", _Nothing)
    monkeypatch.setattr(doctor, "CHECKS", ())
    defaults = doctor.examine.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "checks", ())

    def no_sizes(*_: object) -> None:
        raise BrokerUnreachable("No broker answered: log directories.", hint="invoke kafka.status")

    monkeypatch.setattr(reassignment, "sizes", no_sizes)
    monkeypatch.setattr(reassignment, "unavailable", lambda *_: "for the fuzzer")

    def no_verdict(*_: object) -> None:
        raise NotReady("Nothing is verified here.", hint="invoke kafka.up")

    monkeypatch.setattr(suite, "verify", no_verdict)


def _cluster(room: Room, rng: random.Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running or not, with two topics."""
    runtime = FakeRuntime(room.project, logs={"kafka": ["one", "\x1b[31mtwo"], "zookeeper": ["z"]})
    if rng.random() < 0.7:
        runtime.start(load(room.project, environ={}))
    admin = Away({"orders": topic("orders", 3), "payments": topic("payments")})
    monkeypatch.setattr(registry, "choose", lambda *_: registry.Choice(runtime, "for the fuzzer"))
    monkeypatch.setattr(registry, "projects_here", lambda: iter([Project(room.project)]))
    monkeypatch.setattr(admin_module, "Admin", lambda *_, **__: admin)


def _emptied(room: Room) -> None:
    for path in room.project.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def _task(words: list[str]) -> str:
    """Return the first task that is named, if any."""
    return next((word for word in words if word in kafka.task_names), "")


def test_command_lines(
    fuzz: Campaign, room: Room, monkeypatch: pytest.MonkeyPatch, outside: None
) -> None:
    """Every task with any flags and values."""
    monkeypatch.setenv("TMPDIR", str(room.root))

    def make(rng: random.Random) -> Case:
        _emptied(room)
        _cluster(room, rng, monkeypatch)
        for name in _FILES:
            if rng.random() < 0.5:
                room.put(name, rng.choice((*corpora.TOPICS, corpora.as_bytes(corpora.PLAN))))
        words = line(rng)
        given = damaged(rng, b"\n".join(corpora.LINES)) if "produce" in words else b""
        return Case(words, lambda: terminal.run(words, given).checked(), _task(words))

    fuzz.run("command lines", 0.015, make, room.root)


def test_commands_on_damaged_files(
    fuzz: Campaign, room: Room, monkeypatch: pytest.MonkeyPatch, outside: None
) -> None:
    """status, up --dry, down and their like, where what lies in the project is damaged.

    The runtime is the real one: it finds no process, and starts none.
    """
    monkeypatch.setenv("KAFKA_TASKS_RUNTIME", "embedded")
    monkeypatch.setenv("TMPDIR", str(room.root))
    monkeypatch.setattr(registry, "projects_here", lambda: iter([Project(room.project)]))
    commands = (
        ["status"],
        ["status", "-o", "json"],
        ["-R", "up"],
        ["-R", "down", "--wipe"],
        ["down"],
        ["down", "--timeout", "1"],
        ["wait", "--timeout", "1"],
        ["logs"],
        ["list"],
        ["config"],
        ["config", "-o", "yaml"],
        ["env"],
        ["env", "--format", "python"],
        ["topic.list"],
        ["topic.validate"],
        ["topic.apply", "--plan", "plan.json"],
        ["doctor"],
        ["init"],
    )

    def make(rng: random.Random) -> Case:
        _emptied(room)
        damage = _damage(room, rng)
        words = rng.choice(commands)
        return Case((words, damage), lambda: terminal.run(words).checked(), " ".join(words))

    fuzz.run("commands on damaged files", 0.01, make, room.root)


def _damage(room: Room, rng: random.Random) -> dict[str, Any]:
    """Write some of the project's files, and make something else of a few."""
    contents = {
        ".kafka-tasks/state.json": lambda: content_of(rng, corpora.STATE),
        ".kafka-tasks/lock.json": lambda: content_of(rng, corpora.LOCK),
        ".kafka-tasks/run/last-failure.json": lambda: content_of(rng, corpora.FAILURE),
        ".kafka-tasks/logs/kafka.log": lambda: damaged(rng, b"[2026-01-01 00:00:00,000] INFO x\n"),
        ".env": lambda: damaged(rng, rng.choice(corpora.ENV)),
        "invoke.yaml": lambda: damaged(rng, b"kafka:\n  brokers: 2\nrun:\n  echo: true\n"),
        "invoke.json": lambda: twisted(rng, {"kafka": {"brokers": 2}, "run": {"dry": False}}),
        "topics.yaml": lambda: damaged(rng, rng.choice(corpora.TOPICS)),
        "plan.json": lambda: twisted(rng, corpora.PLAN),
    }
    damage: dict[str, Any] = {}
    for name in rng.sample(sorted(contents), rng.choice((1, 1, 2, 3))):
        path = room.project / name
        if any(above.is_file() for above in path.parents):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        kind = rng.random()
        if kind < 0.9:
            damage[name] = contents[name]()
            path.write_bytes(damage[name])
        else:
            damage[name] = _other(rng, path, room.root)
    return damage


def _other(rng: random.Random, path: Path, root: Path) -> str:
    """Not a file with content: a directory, a link, a file in place of a directory."""
    kind = rng.choice(("directory", "dangling link", "link to itself", "file above", "empty"))
    if kind == "directory":
        path.mkdir()
    elif kind == "dangling link":
        name = word(rng).replace("\0", "").replace("/", "")[:50]
        # No file system here has a name with half a character.
        path.symlink_to(root / "project" / name.encode("utf-8", "replace").decode() / "x")
    elif kind == "link to itself":
        path.symlink_to(path)
    elif kind == "file above" and path.parent != root / "project":
        shutil.rmtree(path.parent)
        path.parent.write_bytes(b"x")
    else:
        path.write_bytes(b"")
    return kind
