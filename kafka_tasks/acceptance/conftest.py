"""Fixtures: the cluster of the current project, and topics that are deleted at the end."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator

import pytest

from kafka_tasks.acceptance.criteria import MARKER
from kafka_tasks.acceptance.leftovers import GROUP, PREFIX, delete_groups
from kafka_tasks.acceptance.readiness import current_session, require_ready
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import KafkaTasksError, NotPermitted
from kafka_tasks.fixtures import made_topics
from kafka_tasks.lifecycle.complete_answers import completeness
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.recipe import Coordinator

NewTopic = Callable[..., str]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the name of the run, by which the topics of a killed run are found."""
    parser.addini("kafka_tasks_run", "name of this run, part of its topics' names", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line(
        "markers", f"{MARKER}(id): the acceptance criterion that the test proves"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Add each test's criterion to the JUnit file."""
    for item in items:
        for mark in item.iter_markers(MARKER):
            item.user_properties.append((MARKER, mark.args[0]))


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Report an error of the cluster in words: what the user's rights forbid is no failure."""
    try:
        yield
    except KafkaTasksError as error:
        text = "\n".join([error.message, *error.evidence])
        if isinstance(error, NotPermitted):
            pytest.skip(text[:1].lower() + text[1:].replace("\n", " "))
        pytest.fail(text, pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Iterator[None]:
    """Report the error of a fixture."""
    with _told():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Iterator[None]:
    """Report the error of a test."""
    with _told():
        return (yield)


@pytest.fixture(scope="session")
def session() -> Session:
    """The session of the current project; the run exits with the reason if it is not ready."""
    try:
        found = current_session()
        require_ready(found)
    except KafkaTasksError as error:
        lines = [error.message, *error.evidence]
        hint = [f"Hint: {error.hint}"] if error.hint else []
        pytest.exit("\n".join(lines + hint), returncode=error.exit_code)
    return found


@pytest.fixture(scope="session")
def cluster(session: Session) -> Cluster:
    """The cluster's addresses."""
    return session.cluster()


@pytest.fixture(scope="session")
def coordinators(cluster: Cluster) -> tuple[Coordinator, ...]:
    """The services that brokers register with, such as ZooKeeper."""
    found = roles.coordinators(cluster)
    if not found:
        hidden = ", ".join(service.name for service in cluster.topology.coordinators)
        unknown = "what coordinates a remote cluster is unknown"
        pytest.skip(f"no port of {hidden} is published" if hidden else unknown)
    return found


@pytest.fixture(scope="session")
def admin(cluster: Cluster) -> Iterator[Admin]:
    """A connection to the cluster."""
    with Admin(cluster, completeness=completeness(cluster)) as found:
        yield found


@pytest.fixture(scope="session")
def run_prefix(pytestconfig: pytest.Config) -> str:
    """The prefix of this run's topics."""
    return f"{PREFIX}{pytestconfig.getini('kafka_tasks_run') or uuid.uuid4().hex[:12]}-"


@pytest.fixture(scope="session")
def new_topic(admin: Admin, run_prefix: str) -> Iterator[NewTopic]:
    """A function that creates a topic and returns its name; all are deleted at the end."""
    created: list[str] = []

    def make(
        partitions: int = 1, replication_factor: int = 1, config: dict[str, str] | None = None
    ) -> str:
        name = f"{run_prefix}{len(created) + 1}"
        created.append(name)
        made_topics.create(admin, name, partitions, replication_factor, config)
        return name

    yield make
    made_topics.delete_now(admin, created)


@pytest.fixture(scope="session")
def scratch(new_topic: NewTopic) -> str:
    """A topic that keeps every record, however old its timestamp."""
    keeps = {"retention.ms": "-1", "message.timestamp.type": "CreateTime"}
    return new_topic(config={**keeps, "cleanup.policy": "delete"})


@pytest.fixture
def group(admin: Admin, run_prefix: str) -> Iterator[str]:
    """The name of a consumer group, which is deleted at the end."""
    name = f"{run_prefix}{GROUP}"
    yield name
    delete_groups(admin, [name])


@pytest.fixture(scope="session")
def limit_s(session: Session) -> float:
    """The seconds for one step of a check."""
    return min(session.settings.timeout, 30.0)
