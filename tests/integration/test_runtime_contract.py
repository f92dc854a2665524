"""The contract of runtimes, on real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping

import psutil
import pytest

from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.project import choices
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import load
from tests.contract import topics
from tests.contract.runtime import RuntimeContract, Subject
from tests.integration.conftest import Sandbox, eventually
from tests.tiers import inherited_for_release


def _hold(pid: int) -> None:
    """Stop a process; return when all of it stands still."""
    os.kill(pid, signal.SIGSTOP)
    process = psutil.Process(pid)
    eventually(lambda: process.status() == psutil.STATUS_STOPPED, f"{pid} stands still")


@pytest.fixture(scope="module")
def subject(new_project: Callable[..., Sandbox]) -> Iterator[Subject]:
    """Return a project of this process, with the settings that a command would have."""
    sandbox = new_project("contract")
    project = Project(sandbox.path)

    def open_(environ: Mapping[str, str]) -> Session:
        merged = {**sandbox.environ, **environ}
        remembered = choices.remembered(project)
        return open_session(project, load(project.path, environ=merged, remembered=remembered))

    def address() -> str:
        session = open_({})
        return session.cluster().bootstrap_servers

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", sandbox.environ["XDG_STATE_HOME"])
        yield Subject(
            open=open_,
            kill=sandbox.kill,
            hold=lambda service: _hold(sandbox.pids()[service]),
            identities=lambda: dict(sandbox.pids()),
            put=lambda name: topics.create(address(), name),
            kept=lambda: topics.names(address()),
        )


@inherited_for_release(
    "test_restart_of_one_service_leaves_the_other",
    "test_a_killed_cluster_has_failed_and_is_started_again",
    "test_a_wiped_cluster_is_forgotten",
)
class TestEmbeddedRuntime(RuntimeContract):
    """ZooKeeper and Kafka as processes of this machine."""
