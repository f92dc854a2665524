"""What this package wrote down itself, after something else wrote over it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kafka_tasks.diagnosis import last_failure
from kafka_tasks.project import choices, lock, register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import build_archives, class_archive
from kafka_tasks.runtimes.embedded.java import Java
from kafka_tasks.runtimes.embedded.runtime import EmbeddedRuntime
from kafka_tasks.runtimes.embedded.verified import VerifiedFiles
from kafka_tasks.settings import load
from tests.fuzz import corpora
from tests.fuzz.conftest import Room
from tests.fuzz.corpus import Wrong
from tests.fuzz.judging import Campaign, Case
from tests.fuzz.mutations import damaged, twisted

ROLES = ("zookeeper", "kafka")


def content_of(rng: random.Random, value: Any) -> bytes:
    """A document with another shape, or with other bytes."""
    if rng.random() < 0.6:
        return twisted(rng, value)
    others = [corpora.as_bytes(other) for other in (corpora.STATE, corpora.LOCK, corpora.FAILURE)]
    return damaged(rng, corpora.as_bytes(value), others)


def test_state(fuzz: Campaign, room: Room) -> None:
    """The record of a cluster, and all that is made of it without a process."""
    project = Project(room.project)
    project.make_state()
    runtime = EmbeddedRuntime(project)
    settings = load(room.project, environ={})

    def make(rng: random.Random) -> Case:
        content = content_of(rng, rng.choice((corpora.CLUSTER, corpora.STATE)))
        path = room.put(f".kafka-tasks/{state.FILE}", content)

        def act() -> object:
            found = state.read(project)
            if found is not None:
                runtime.plan(settings)
                assert runtime.abilities.recovery is not None
                runtime.abilities.recovery.unclean(runtime.observe())
                load(room.project, environ={}, remembered=choices.remembered(project))
            kept = state.set_aside_if_corrupt(project)
            if found is None and (kept is None or path.exists()):
                raise Wrong("the next start would not heal it")
            return found

        return Case(content, act)

    fuzz.run("state.json", 0.07, make, room.root)


def test_notes(fuzz: Campaign, room: Room, monkeypatch: Any) -> None:
    """Lock, last failure, checksums, archives, and the list of projects."""
    monkeypatch.setenv("XDG_STATE_HOME", str(room.home))
    project = Project(room.project)
    project.make_state()
    archives = class_archive.Archives(
        room.project / "archives", Java(room.home, "17", ""), (), ROLES
    )
    archives.directory.mkdir()
    for role in ROLES:
        archives.path(role).write_bytes(b"x")
    notes: dict[str, tuple[Any, Callable[[Path], object]]] = {
        ".kafka-tasks/lock.json": (corpora.LOCK, lambda _: str(lock.holder(project))),
        ".kafka-tasks/run/last-failure.json": (
            corpora.FAILURE,
            lambda _: (found := last_failure.recall(project)) and found.when,
        ),
        "archives/verified.json": (
            corpora.VERIFIED,
            lambda path: VerifiedFiles(path).holds(path.with_name("kafka.jsa"), "9f86"),
        ),
        "archives/built.json": (corpora.BUILT, lambda _: archives.is_built()),
        "archives/order.1.json": (corpora.ORDER, build_archives.build),
    }

    def make(rng: random.Random) -> Case:
        name = rng.choice(sorted(notes))
        value, act = notes[name]
        content = content_of(rng, value)
        path = room.put(name, content)
        return Case((name, content), lambda: act(path))

    fuzz.run("notes: lock, failure, archive", 0.06, make, room.root)


def test_register(fuzz: Campaign, room: Room, monkeypatch: Any) -> None:
    """A note that is none does not hide the projects of the others."""
    monkeypatch.setenv("XDG_STATE_HOME", str(room.home))
    project = Project(room.project)
    project.make_state()
    folder = room.home / "kafka-tasks" / "projects"

    def make(rng: random.Random) -> Case:
        shutil.rmtree(folder, ignore_errors=True)
        register.remember(project)
        content = damaged(rng, str(room.project).encode())
        for name in ("0", "zz"):
            if rng.random() < 0.1:
                (folder / name).mkdir()
            else:
                (folder / name).write_bytes(content)

        def act() -> object:
            found = list(register.remembered())
            if project not in found:
                raise Wrong("a damaged note hides a good one")
            return found

        return Case(content, act)

    fuzz.run("register of projects", 0.02, make, room.root)
