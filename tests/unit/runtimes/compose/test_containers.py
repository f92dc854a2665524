from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from kafka_tasks.clients.container import Container
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.topology import identify, of_names
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes.compose import containers
from kafka_tasks.settings import Settings
from tests.unit.recorded import cluster_record
from tests.unit.runtimes.compose.engine import FakeEngine, container

HERE = Path("/some/shop")


def _names(*found: Container) -> list[str]:
    return list(containers.by_service(FakeEngine(list(found)), HERE))  # type: ignore[arg-type]


# -- which containers -----------------------------------------------------------------------------


def test_containers_of_this_directory() -> None:
    """By service; those of other directories are somebody else's, whatever their project."""
    there = [container("kafka"), container("zookeeper", "/other"), container("kafka-2")]
    assert _names(*there) == ["kafka", "kafka-2"]


@pytest.mark.parametrize(
    "service", ["kafka-ui", "kafka-connect", "kafka-", "kafka2", "my-kafka", "web"]
)
def test_other_services_beside_ours(service: str) -> None:
    """A kafka-ui in the same file is no broker."""
    assert _names(container(service)) == []


def test_a_further_zookeeper() -> None:
    """It is one by its image, and not by its name alone."""
    assert _names(container("zookeeper-2", image="example/app:1")) == []
    assert _names(container("zookeeper-2", image="zookeeper:3.9")) == ["zookeeper-2"]


def test_a_container_of_compose_run_is_not_the_service() -> None:
    """`docker compose run kafka bash` starts no broker."""
    assert _names(container("kafka", one_off=True)) == []


@pytest.mark.parametrize("running_first", [True, False])
def test_of_two_containers_the_running_one_counts(running_first: bool) -> None:
    """A leftover of a second project of this directory hides nothing."""
    pair = [container("kafka", id="runs"), container("kafka", id="ended", status="exited")]
    there = pair if running_first else pair[::-1]
    assert containers.by_service(FakeEngine(there), HERE)["kafka"].id == "runs"  # type: ignore[arg-type]


def test_services_are_in_the_order_of_their_start() -> None:
    """ZooKeeper, then the brokers by number and not by letter."""
    names = ["kafka-10", "kafka-2", "kafka", "zookeeper"]
    assert list(of_names(names).names) == names[::-1]


# -- what they show -------------------------------------------------------------------------------


def test_a_running_container() -> None:
    """Address, id, version and health are the container's."""
    found = _state("kafka", container("kafka"))
    assert (found.name, found.role, found.alive) == ("kafka", "broker", True)
    assert found.address == Address("localhost", 9092)
    assert (found.container, found.version, found.health) == ("id-shop-kafka", "7.9.6", "healthy")
    assert found.ended is None
    assert _state("zookeeper", container("zookeeper")).role == "zookeeper"


def test_a_missing_container_is_dead() -> None:
    """Whoever waits for it is told at once."""
    found = _state("kafka", None)
    assert (found.alive, found.ended) == (False, "its container is gone")
    assert (found.address, found.container) == (None, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exit_code": 1}, "exit code 1"),
        ({"exit_code": 137, "out_of_memory": True}, "killed for memory, exit code 137"),
        ({"exit_code": 127, "error": "exec: not found"}, "exec: not found"),
        (
            {"exit_code": 137, "out_of_memory": True, "error": "x"},
            "killed for memory, exit code 137",
        ),
    ],
)
def test_how_a_container_ended(changes: dict[str, Any], said: str) -> None:
    """Out of memory is told from other ends; the engine's own words come before a number."""
    found = _state("kafka", container("kafka", status="exited", **changes))
    assert (found.alive, found.ended, found.uptime_s) == (False, said, None)


@pytest.mark.parametrize(
    ("image", "version"),
    [
        ("confluentinc/cp-kafka:7.9.6", "7.9.6"),
        ("mirror:5000/cp-kafka:7.9.6", "7.9.6"),
        ("mirror:5000/cp-kafka", None),
        ("confluentinc/cp-kafka", None),
        ("cp-kafka@sha256:abc", None),
        ("cp-kafka:7.9.6@sha256:abc", "7.9.6"),
    ],
)
def test_the_version_is_the_images_tag(image: str, version: str | None) -> None:
    """Neither a registry's port nor a digest is one."""
    assert _state("kafka", container("kafka", image=image)).version == version


@pytest.mark.parametrize(
    ("started_at", "uptime_s"),
    [
        ("2024-05-01T10:00:00.123456789Z", 59.9),
        ("2024-05-01T10:00:00Z", 60.0),
        ("2024-05-01T10:05:00Z", 0.0),
        ("soon", None),
        (None, None),
    ],
)
def test_how_long_a_container_runs(
    monkeypatch: pytest.MonkeyPatch, started_at: str | None, uptime_s: float | None
) -> None:
    """In seconds, by the engine's nanoseconds; never negative where its clock is ahead."""
    monkeypatch.setattr(time, "time", lambda: 1714557660.0)
    found = _state("kafka", container("kafka", started_at=started_at))
    assert found.uptime_s == uptime_s


@pytest.mark.parametrize(
    ("advertised", "port"),
    [
        ("HOST://localhost:9092,CONTAINER://kafka:29092", 9092),
        ("CONTAINER://kafka:29092,HOST://127.0.0.1:9092", 9092),
        ("HOST://localhost:7", 5005),
        ("CONTAINER://kafka:29092", 5005),
        ("rubbish", 5005),
    ],
)
def test_the_brokers_port_is_the_advertised_one(advertised: str, port: int) -> None:
    """A debugger's port beside it is not where clients go."""
    found = container(
        "kafka",
        ports={5005: 5005, 9092: 9092},
        environment={"KAFKA_ADVERTISED_LISTENERS": advertised},
    )
    assert _host_port(found) == port


def test_a_container_that_publishes_nothing() -> None:
    """It has no port on this machine."""
    assert _host_port(container("kafka", ports={})) is None
    assert _host_port(container("zookeeper", ports={8080: 8080})) is None


def test_a_port_of_zookeeper_that_the_file_moves() -> None:
    """Its variable says on which port it listens inside."""
    told = {"ZOOKEEPER_CLIENT_PORT": "32181"}
    assert _host_port(container("zookeeper", ports={32181: 2181}, environment=told)) == 2181


def _host_port(found: Container) -> int | None:
    service = identify(found.service)
    assert service is not None
    return containers.host_port(service, found.environment, found.ports)


@pytest.mark.parametrize(
    ("service", "status", "exit_code", "unclean"),
    [
        ("kafka", "running", 0, False),
        ("kafka", "created", 128, False),
        ("kafka", "exited", 0, False),
        ("kafka", "exited", 143, False),
        ("kafka", "exited", 137, True),
        ("kafka", "exited", 1, True),
        ("zookeeper", "exited", 137, False),
    ],
)
def test_which_ends_leave_a_broker_registered(
    service: str, status: str, exit_code: int, unclean: bool
) -> None:
    """Only a broker that was killed, not one that was stopped or never ran."""
    found = container(service, status=status, exit_code=exit_code)
    assert containers.unclean({service: found}) is unclean


# -- the cluster ----------------------------------------------------------------------------------


def _state(name: str, found: Container | None) -> ServiceState:
    (state,) = containers.observed(of_names([name]), {name: found} if found else {}).services
    return state


def _record(**changes: Any) -> ClusterRecord:
    fields: dict[str, Any] = {
        "runtime": "compose",
        "version": "7.5.0",
        "kafka_version": "3.5",
        "brokers": 2,
        "port": 20000,
        "zookeeper_port": 20010,
    }
    return cluster_record(**{**fields, **changes})


def test_a_cluster_that_was_never_started(settings: Settings) -> None:
    """It is where the settings would put it."""
    found = containers.cluster(HERE, {}, None, settings)
    assert (found.bootstrap_servers, str(found.zookeeper)) == ("localhost:9092", "localhost:2181")
    assert (found.runtime, found.brokers, found.kafka_version) == ("compose", 1, "3.9")


def test_a_recorded_cluster(settings: Settings) -> None:
    """It is where it was started, not where the settings are by now."""
    found = containers.cluster(HERE, {}, _record(), settings)
    assert found.bootstrap_servers == "localhost:20000,localhost:20001"
    assert str(found.zookeeper) == "localhost:20010"
    assert (found.brokers, found.kafka_version) == (2, "3.5")


def test_a_cluster_that_was_started_by_hand(settings: Settings) -> None:
    """Without a record its containers say how many brokers there are, and where."""
    there = {
        "zookeeper": container("zookeeper", ports={2181: 12181}),
        "kafka": container("kafka", ports={9092: 19092}),
        "kafka-2": container("kafka-2", ports={9093: 19093}),
    }
    found = containers.cluster(HERE, there, None, settings)
    assert found.bootstrap_servers == "localhost:19092,localhost:19093"
    assert str(found.zookeeper) == "localhost:12181"
    assert found.brokers == 2


def test_published_ports_come_before_recorded_ones(settings: Settings) -> None:
    """For a broker without a container the record is all there is."""
    there = {"kafka": container("kafka", ports={9092: 19092})}
    found = containers.cluster(HERE, there, _record(), settings)
    assert found.bootstrap_servers == "localhost:19092,localhost:20001"


def test_a_zookeeper_that_is_not_published_is_not_shown(settings: Settings) -> None:
    """There is no address of it that would work from here."""
    there = {"zookeeper": container("zookeeper", ports={}), "kafka": container("kafka")}
    assert containers.cluster(HERE, there, None, settings).zookeeper is None
