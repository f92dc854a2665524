"""Fixtures: the cluster of the current project, and topics that are deleted afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest

from kafka_tasks.acceptance.criteria import MARKER
from kafka_tasks.acceptance.leftovers import PREFIX, delete_topics
from kafka_tasks.acceptance.readiness import current_session, require_ready
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.cluster import Address, Cluster
from kafka_tasks.topics import one_topic
from kafka_tasks.topics.model import TopicSpec

NewTopic = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who started the run names it, to find again what a killed run leaves."""
    parser.addini("kafka_tasks_run", "the name of this run, part of its topics' names", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", f"{MARKER}(id): the acceptance criterion that it proves")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put each test's criterion into the JUnit file."""
    for item in items:
        for mark in item.iter_markers(MARKER):
            item.user_properties.append((MARKER, mark.args[0]))


@pytest.fixture(scope="session")
def session() -> Session:
    """The cluster of the current project; the run ends in words where it is not ready."""
    try:
        found = current_session()
        require_ready(found)
    except KafkaTasksError as error:
        said = [error.message, *error.evidence]
        hint = [f"Hint: {error.hint}"] if error.hint else []
        pytest.exit("\n".join(said + hint), returncode=error.exit_code)
    return found


@pytest.fixture(scope="session")
def cluster(session: Session) -> Cluster:
    """Where it is."""
    return session.runtime.cluster(session.settings)


@pytest.fixture(scope="session")
def keeper(cluster: Cluster) -> Address:
    """Where its ZooKeeper is."""
    if cluster.zookeeper is None:
        pytest.skip("the ZooKeeper of a cluster that somebody else runs is not known here")
    return cluster.zookeeper


@pytest.fixture(scope="session")
def admin(cluster: Cluster) -> Iterator[Admin]:
    """A connection to it."""
    with Admin(cluster) as found:
        yield found


@pytest.fixture(scope="session")
def run_prefix(pytestconfig: pytest.Config) -> str:
    """How the names of this run's topics begin."""
    return f"{PREFIX}{pytestconfig.getini('kafka_tasks_run') or uuid.uuid4().hex[:12]}-"


@pytest.fixture(scope="session")
def new_topic(admin: Admin, run_prefix: str) -> Iterator[NewTopic]:
    """Makes topics of a name of their own; all are deleted when the run ends."""
    made: list[str] = []

    def make(
        partitions: int = 1, replication_factor: int = 1, config: dict[str, str] | None = None
    ) -> str:
        name = f"{run_prefix}{len(made) + 1}"
        made.append(name)
        spec = TopicSpec(name, partitions, replication_factor, config or {})
        one_topic.create(admin, spec, if_not_exists=False)
        return name

    yield make
    delete_topics(admin, made)


@pytest.fixture(scope="session")
def scratch(new_topic: NewTopic) -> str:
    """One topic that keeps whatever is put in, however old its timestamp."""
    keeps = {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    return new_topic(config={**keeps, "cleanup.policy": "delete"})
