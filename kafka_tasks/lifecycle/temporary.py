"""A cluster for a moment: in a directory and on ports of its own, removed afterwards."""

from __future__ import annotations

import contextlib
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kafka_tasks.lifecycle.session import SIGNALS, Session, open_session, signals_held
from kafka_tasks.lifecycle.start import up
from kafka_tasks.lifecycle.stop import down
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.results import Report
from kafka_tasks.project import register
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import registry, roles
from kafka_tasks.settings import Settings, load


@contextlib.contextmanager
def temporary_cluster(
    settings: Settings | None = None, recorder: Recorder | None = None
) -> Iterator[Report]:
    """Start a cluster with these settings (default: what the environment says) within the block.

    Ports are free ones, the project is a temporary directory. Cluster and directory are removed
    after the block, however it ends.
    """
    recorder = recorder or Recorder()
    with temporary_project(recorder.notice) as project:
        wanted = on_free_ports(settings or load(project.path))
        with temporary_session(project, wanted, recorder) as session:
            yield up(session)


@contextlib.contextmanager
def temporary_session(
    project: Project, settings: Settings, recorder: Recorder | None = None
) -> Iterator[Session]:
    """Give a session with these settings; whatever it started is wiped after the block."""
    session = open_session(project, replace(settings, project=project.path), recorder)
    try:
        yield session
    finally:
        with signals_held():
            if session.is_local:
                # Its times are those of this stop, not of what the block did before.
                session.recorder.begin()
                down(session, wipe=True, confirmed=True)


@contextlib.contextmanager
def temporary_project(
    notice: Callable[[str], None], prefix: str = "kafka-tasks-"
) -> Iterator[Project]:
    """Give a project in a temporary directory.

    The directory is removed after the block unless a server still works in it.
    """
    # A signal between making the directory and caring for it is held back until then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    path = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield Project(path)
    finally:
        with signals_held():
            if any(project.path == path for project in registry.running_here()):
                notice(f"servers are left in {path}; kafka-tasks list shows them")
            else:
                shutil.rmtree(path, ignore_errors=True)
            # Reading the register drops the entries of projects that are gone.
            for _ in register.remembered():
                pass


def on_free_ports(settings: Settings) -> Settings:
    """Return the same settings with every port picked."""
    ports: dict[str, Any] = dict.fromkeys(roles.port_settings(settings.topology), "auto")
    return replace(settings, **ports)
