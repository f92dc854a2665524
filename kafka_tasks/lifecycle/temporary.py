"""A cluster for a moment: in a directory and on ports of its own, removed afterwards."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from kafka_tasks.lifecycle import owned_directory
from kafka_tasks.lifecycle.session import SIGNALS, Session, signals_held
from kafka_tasks.lifecycle.start import up
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.results import Report
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import roles
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
    session = owned_directory.opened(project, settings, recorder)
    try:
        yield session
    finally:
        with signals_held():
            owned_directory.close(session)


@contextlib.contextmanager
def temporary_project(
    notice: Callable[[str], None], prefix: str = "kafka-tasks-"
) -> Iterator[Project]:
    """Give a project in a temporary directory, which is removed after the block.

    If this process is killed meanwhile, a watcher stops the cluster and removes the directory.
    """
    # A signal between making the directory and caring for it is held back until then.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    directory = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        owned_directory.claim_once(directory, os.getpid())
        yield Project(owned_directory.place(directory))
    finally:
        with signals_held():
            for line in owned_directory.end(directory):
                notice(f"servers are left in {line}; kafka-tasks list shows them")


def on_free_ports(settings: Settings) -> Settings:
    """Return the same settings with every port picked."""
    ports: dict[str, Any] = dict.fromkeys(roles.port_settings(settings.topology), "auto")
    return replace(settings, **ports)
