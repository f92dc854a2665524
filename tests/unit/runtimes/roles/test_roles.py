from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import zookeeper_cluster
from kafka_tasks.runtimes import roles
from kafka_tasks.settings import load


def _configured(
    name: str, *, brokers: int, further: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a service's properties in a cluster of so many brokers at the default ports."""
    topology = zookeeper_cluster(brokers).at((2181, *range(9092, 9092 + brokers)))
    service = topology.service(name)
    assert service is not None
    return roles.of(service.role).configure(service, topology, further or {})


@pytest.mark.parametrize(
    ("brokers", "replicas", "in_sync"), [(1, 1, 1), (2, 2, 1), (3, 3, 2), (4, 3, 2), (5, 3, 2)]
)
def test_internal_topics_fit_the_number_of_brokers(
    brokers: int, replicas: int, in_sync: int
) -> None:
    """Replication factor min(3, N) and min ISR one below it, but at least one."""
    found = _configured("kafka", brokers=brokers)
    assert found["offsets.topic.replication.factor"] == str(replicas)
    assert found["offsets.topic.num.partitions"] == ("1" if brokers == 1 else "50")
    assert found["transaction.state.log.replication.factor"] == str(replicas)
    assert found["transaction.state.log.min.isr"] == str(in_sync)


def test_a_broker_listens_on_loopback_alone() -> None:
    """Address, id and directory belong to the service; clients are told localhost."""
    found = _configured("kafka-3", brokers=3)
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:9094"
    assert found["advertised.listeners"] == "PLAINTEXT://localhost:9094"
    assert found["broker.id"] == "3"
    assert found["log.dirs"] == "./data/kafka-3"
    assert found["zookeeper.connect"] == "127.0.0.1:2181"
    assert found["zookeeper.session.timeout.ms"] == "18000"
    assert found["group.initial.rebalance.delay.ms"] == "0"


def test_further_properties_have_the_last_word() -> None:
    """What the user's file says wins over what is ours to suggest."""
    further = {"num.io.threads": "16", "log.retention.hours": "1"}
    found = _configured("kafka", brokers=1, further=further)
    assert found["num.io.threads"] == "16"
    assert found["log.retention.hours"] == "1"


def test_zookeeper_opens_one_port_on_loopback() -> None:
    """No web console, and clients only from this machine."""
    found = _configured("zookeeper", brokers=1)
    assert (found["clientPort"], found["clientPortAddress"]) == ("2181", "127.0.0.1")
    assert found["admin.enableServer"] == "false"


@pytest.mark.parametrize("role", Role)
def test_every_role_has_a_recipe_that_names_real_settings(role: Role) -> None:
    """Ports, heap and image of a role are settings, and each place has a directory in its image."""
    recipe, settings = roles.of(role), load(Path("/p"), environ={})
    assert recipe.role is role
    named = (recipe.port_setting, recipe.heap_setting, recipe.container.image_setting)
    assert all(getattr(settings, name) for name in named)
    assert len(recipe.container.data) == len(role.places)
    assert (recipe.coordinator is not None) is role.coordinates


def test_the_compose_file_has_the_same_session() -> None:
    """A killed broker is waited for as long on both runtimes."""
    from kafka_tasks.runtimes.compose import compose_file
    from kafka_tasks.runtimes.roles import zookeeper

    text = compose_file.packaged().read_text(encoding="utf-8")
    assert f"KAFKA_ZOOKEEPER_SESSION_TIMEOUT_MS: {zookeeper.SESSION_S * 1000}" in text
    assert f"KAFKA_ZOOKEEPER_CONNECTION_TIMEOUT_MS: {zookeeper.CONNECT_S * 1000}" in text


def test_the_compose_file_has_the_same_heartbeat() -> None:
    """A broker that was refused registers again as soon on both runtimes."""
    from kafka_tasks.runtimes.compose import compose_file
    from kafka_tasks.runtimes.roles import quorum

    text = compose_file.packaged("kraft").read_text(encoding="utf-8")
    assert f"KAFKA_BROKER_HEARTBEAT_INTERVAL_MS: {quorum.HEARTBEAT_MS}" in text
