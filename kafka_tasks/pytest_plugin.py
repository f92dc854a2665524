"""The pytest plugin: a real Kafka for tests, started when the first test asks for it.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kafka_tasks import pytest_values as values


class _Later:
    """A module of the fixtures that is imported when something public of it is first used.

    Pytest asks every value beside a fixture for `_mock_name` and `__wrapped__`.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        """Return what the module has by this name; raises `AttributeError` for a private one."""
        if name.startswith("_"):
            raise AttributeError(name)
        from kafka_tasks.fixtures import plain_imports

        plain_imports.install(sys.meta_path)
        return getattr(import_module(f"kafka_tasks.fixtures.{self._name}"), name)


if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

    from kafka_tasks.fixtures import fixture_bodies, hooks
    from kafka_tasks.fixtures.cluster import KafkaCluster
    from kafka_tasks.fixtures.one_test import OneTest
    from kafka_tasks.fixtures.records import Records
    from kafka_tasks.fixtures.run import InUse, Run
else:
    # A project whose tests have no Kafka does not wait for them.
    fixture_bodies, hooks = _Later("fixture_bodies"), _Later("hooks")


# -- the run -----------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each also as a setting of the ini file."""
    group = parser.getgroup("kafka", "Kafka (kafka-tasks)")
    for option in values.OPTIONS:
        told = f"{option.help} (default: {option.default})" if option.default else option.help
        kind: dict[str, Any] = {"metavar": option.metavar} if option.metavar else {}
        if option.choices:
            kind["choices"] = option.choices
        if option.is_switch:
            kind["action"] = "store_true"
        group.addoption(option.flag, dest=option.destination, default=None, help=told, **kind)
        ini_type: Any = "bool" if option.is_switch else "string"
        parser.addini(option.ini, f"the same as {option.flag}", type=ini_type, default=None)


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers, and check the options."""
    for line in values.MARKERS:
        config.addinivalue_line("markers", line)
    if any(values.set_in(config)):
        hooks.check(config)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of xdist the directory and the owner of the run."""
    node.workerinput[hooks.HANDED] = hooks.for_worker(node.config)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Say which cluster tests get, where the options say something."""
    return hooks.header(config) if any(values.set_in(config)) else None


# -- collection --------------------------------------------------------------------------------


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test with `@pytest.mark.kafka(…)` the cluster of that shape."""
    marks = [mark for mark in metafunc.definition.iter_markers("kafka") if mark.args or mark.kwargs]
    if marks and "kafka_cluster" in metafunc.fixturenames:
        shape = hooks.shape_of(marks[0])
        metafunc.parametrize("kafka_cluster", [shape], indirect=True, ids=[str(shape)])


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark each test that uses Kafka with `kafka`, and have the topics that a marker names."""
    names: list[str] = getattr(item, "fixturenames", [])
    if any(item.iter_markers("kafka_topics")) and "_kafka_marked_topics" not in names:
        names.insert(0, "_kafka_marked_topics")
    if values.uses_kafka(names) or "_kafka_names" in names:
        item.add_marker("kafka")


# -- fixtures: the cluster ---------------------------------------------------------------------


@pytest.fixture(scope="session")
def _kafka_run(pytestconfig: pytest.Config) -> Run:
    return hooks.run_of(pytestconfig)


@pytest.fixture(scope="session")
def kafka_settings() -> dict[str, Any]:
    """Settings of the cluster, such as {"brokers": 3, "config": {…}}: override it."""
    return {}


@pytest.fixture(scope="session")
def kafka_topics_file() -> str | Path | None:
    """A topics.yaml, applied once the cluster runs: override it and return the path."""
    return None


@pytest.fixture(scope="session")
def kafka_cluster(
    request: pytest.FixtureRequest,
    _kafka_run: Run,
    kafka_settings: Mapping[str, Any],
    kafka_topics_file: str | Path | None,
) -> KafkaCluster:
    """The running cluster: bootstrap_servers, kafka_version, cluster_id, brokers, project."""
    asked = getattr(request, "param", None)
    return fixture_bodies.cluster(_kafka_run, kafka_settings, asked, kafka_topics_file)


@pytest.fixture(scope="session")
def _kafka_in_use(_kafka_run: Run, kafka_cluster: KafkaCluster) -> InUse:
    return _kafka_run.using(kafka_cluster)


@pytest.fixture(scope="session")
def kafka_bootstrap_servers(kafka_cluster: KafkaCluster) -> str:
    """The addresses of the cluster, as clients take them."""
    return kafka_cluster.bootstrap_servers


@pytest.fixture(scope="session")
def kafka_client_config(kafka_cluster: KafkaCluster) -> dict[str, Any]:
    """The properties of a connection, for any client of confluent-kafka."""
    return kafka_cluster.config()


@pytest.fixture(scope="session")
def kafka_client_config_aiokafka(kafka_cluster: KafkaCluster) -> dict[str, Any]:
    """The arguments of a connection, for any client of aiokafka."""
    return fixture_bodies.for_aiokafka(kafka_cluster)


@pytest.fixture(scope="session")
def kafka_user(kafka_cluster: KafkaCluster) -> Callable[..., dict[str, Any]]:
    """On a secured cluster: `kafka_user("alice")` returns the properties of this user."""
    return fixture_bodies.user(kafka_cluster)


@pytest.fixture
def kafka_grant(_kafka_in_use: InUse) -> Iterator[Callable[..., None]]:
    """With an authorizer: `kafka_grant("alice", "read", topic)` grants a right for the test."""
    yield from fixture_bodies.grants(_kafka_in_use)


@pytest.fixture
def kafka_refused(
    kafka_cluster: KafkaCluster, tmp_path: Path
) -> Iterator[Callable[..., dict[str, Any]]]:
    """On a secured cluster: `kafka_refused("password")` returns properties that are refused."""
    yield from fixture_bodies.refused(kafka_cluster, tmp_path)


@pytest.fixture(scope="session")
def kafka_refusal(kafka_cluster: KafkaCluster) -> Callable[..., str]:
    """A function that returns why properties are refused, and fails where they are accepted."""
    return fixture_bodies.refusal(kafka_cluster)


@pytest.fixture(scope="session")
def kafka_admin(_kafka_in_use: InUse) -> AdminClient:
    """A `confluent_kafka.admin.AdminClient`."""
    return _kafka_in_use.clients.admin.connection.lend()


# -- fixtures: one test ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _kafka_module(_kafka_in_use: InUse) -> Iterator[None]:
    yield
    fixture_bodies.delete_batch(_kafka_in_use)


@pytest.fixture
def _kafka_test(
    request: pytest.FixtureRequest, _kafka_run: Run, _kafka_in_use: InUse, _kafka_module: None
) -> Iterator[OneTest]:
    yield from fixture_bodies.one_test(request, _kafka_run, _kafka_in_use)


@pytest.fixture
def kafka_name(request: pytest.FixtureRequest, _kafka_names: Callable[[str], str]) -> str:
    """A name that no other test, worker or run has, valid for topics and groups."""
    return _kafka_names(request.node.name)


@pytest.fixture
def kafka_group(request: pytest.FixtureRequest, _kafka_names: Callable[[str], str]) -> str:
    """The name of a consumer group that nothing else uses."""
    return _kafka_names(f"{request.node.name} group")


@pytest.fixture(scope="session")
def _kafka_names(pytestconfig: pytest.Config) -> Callable[[str], str]:
    return hooks.names_of(pytestconfig).new


@pytest.fixture
def kafka_topic_factory(request: pytest.FixtureRequest, _kafka_test: OneTest) -> Callable[..., str]:
    """A function that creates a topic: `factory(partitions=3, config={…})` returns its name."""
    fixture_bodies.clean_first(request)
    return fixture_bodies.told(_kafka_test.topic)


@pytest.fixture
def kafka_topic(kafka_topic_factory: Callable[..., str]) -> str:
    """The name of a fresh topic with one partition, whose leader is there."""
    return kafka_topic_factory()


@pytest.fixture
def _kafka_marked_topics(request: pytest.FixtureRequest, _kafka_test: OneTest) -> Iterator[None]:
    fixture_bodies.clean_first(request)
    yield from fixture_bodies.marked_topics(request, _kafka_test)


@pytest.fixture
def kafka_clean(_kafka_run: Run, _kafka_test: OneTest) -> Iterator[None]:
    """A cluster without topics and groups, before the test and after it."""
    yield from fixture_bodies.cleaned(_kafka_run, _kafka_test)


# -- fixtures: clients -------------------------------------------------------------------------


@pytest.fixture
def kafka_producer_factory(_kafka_test: OneTest) -> Callable[..., Producer]:
    """A function that returns a producer: `factory({"acks": 1}, transactional=True)`."""

    def make(
        config: Mapping[str, Any] | None = None,
        *,
        transactional: bool = False,
        undelivered_ok: bool = False,
    ) -> Any:
        return _kafka_test.producer(
            config, transactional=transactional, undelivered_ok=undelivered_ok
        )

    return fixture_bodies.told(make)


@pytest.fixture
def kafka_producer(kafka_producer_factory: Callable[..., Producer]) -> Producer:
    """A `confluent_kafka.Producer`; a record that is not delivered fails the test."""
    return kafka_producer_factory()


@pytest.fixture
def kafka_consumer_factory(_kafka_test: OneTest) -> Callable[..., Consumer]:
    """A function that returns a consumer with partitions: `factory("orders", group="billing")`."""

    def make(
        *topics: str, group: str | None = None, config: Mapping[str, Any] | None = None
    ) -> Any:
        return _kafka_test.consumer(topics, group=group, config=config)

    return fixture_bodies.told(make)


@pytest.fixture
def kafka_consumer(
    request: pytest.FixtureRequest, kafka_consumer_factory: Callable[..., Consumer]
) -> Consumer:
    """A `confluent_kafka.Consumer`, assigned to the test's topics from their beginning."""
    return kafka_consumer_factory(*fixture_bodies.topics_of(request))


@pytest.fixture
def kafka_records(_kafka_test: OneTest) -> Records:
    """Records without clients: `.send(topic, values)`, `.take(topic, n)` and `.all(topic)`."""
    return fixture_bodies.records(_kafka_test)
