"""The contract of runtimes, on containers of a real engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import docker
import pytest

from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.model.topology import kraft_cluster
from kafka_tasks.project import choices
from kafka_tasks.project.directory import Project
from kafka_tasks.settings import load
from tests.compose.conftest import KRAFT, Bench, make_project, named
from tests.contract import topics
from tests.contract.runtime import RuntimeContract, Subject
from tests.tiers import inherited_for_release


def _running(bench: Bench) -> dict[str, Any]:
    return {
        name: container
        for name, container in bench.containers.items()
        if container.status in ("running", "paused")
    }


@contextmanager
def _subject(bench: Bench) -> Iterator[Subject]:
    """Give a project of this process, with the settings that a command would have."""
    project = Project(bench.path)

    def open_(environ: Mapping[str, str]) -> Session:
        merged = {**bench.environ, **environ}
        remembered = choices.remembered(project)
        return open_session(project, load(project.path, environ=merged, remembered=remembered))

    def kill(service: str) -> None:
        container = bench.containers[service]
        container.kill()
        container.wait(timeout=30)

    def identities() -> dict[str, object]:
        return {
            name: (container.id, container.attrs["State"]["StartedAt"])
            for name, container in _running(bench).items()
        }

    address = f"127.0.0.1:{bench.port()}"
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(bench.path)
            yield Subject(
                open=open_,
                kill=kill,
                hold=lambda service: bench.containers[service].pause(),
                identities=identities,
                put=lambda name: topics.create(address, name),
                kept=lambda: topics.names(address),
            )
    finally:
        bench.clean()


@pytest.fixture(scope="class")
def subject(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    engine: docker.DockerClient,
    images: None,
) -> Iterator[Subject]:
    """Return a project for the tests of one class."""
    bench = make_project(tmp_path_factory.mktemp(named("contract")), engine)
    bench.environ |= request.cls.environ
    with _subject(bench) as made:
        yield made


@inherited_for_release(
    "test_restart_renews_every_service_and_keeps_the_data",
    "test_restart_of_one_service_leaves_the_other",
    "test_a_killed_cluster_has_failed_and_is_started_again",
    "test_down_and_a_failed_start_keep_the_data",
    "test_a_wiped_cluster_is_forgotten",
)
class TestComposeRuntime(RuntimeContract):
    """ZooKeeper and Kafka in containers."""

    environ: ClassVar[dict[str, str]] = {}


@pytest.mark.release
class TestComposeRuntimeInKraftMode(RuntimeContract):
    """A controller and a broker in containers of Confluent Platform 8."""

    planned = kraft_cluster(1, controllers=1)
    environ: ClassVar[dict[str, str]] = {**KRAFT, "KAFKA_TASKS_CONTROLLERS": "1"}
