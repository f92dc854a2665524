"""A broker, which registers with ZooKeeper or with a quorum of controllers."""

from __future__ import annotations

from collections.abc import Mapping

from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.runtimes.roles import quorum, secured, zookeeper
from kafka_tasks.runtimes.roles.recipe import Container, Recipe

# Without its coordinator a broker cannot shut down in an orderly way.
_ALONE_S = 5.0
CONTAINER = Container(
    image_setting="kafka_image",
    data=("/var/lib/kafka/data",),
    directory_variable="KAFKA_LOG_DIRS",
    id_variables=("KAFKA_NODE_ID", "KAFKA_BROKER_ID"),
)


def configure(service: Service, topology: Topology, further: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of one broker on loopback, which may be a controller too.

    Kafka's defaults expect three brokers and patient clients; with fewer the internal topics could
    not be created. No rebalance delay makes a first consumer 3 s faster. So does one partition for
    committed offsets where one broker would have all 50: librdkafka asks for the coordinator again
    after 1 s, and then after 2. The cleaner's buffer fits the heap. The numbers of threads are
    Kafka's: a dynamic change at most doubles them, and fewer saved 1 MB and no time.
    """
    replicas = min(3, len(topology.brokers))
    in_sync = max(1, replicas - 1)
    return {
        **_registration(service, topology),
        **_listeners(service, topology),
        "log.dirs": f"./data/{service.name}",
        "offsets.topic.replication.factor": str(replicas),
        "offsets.topic.num.partitions": str(offsets_partitions(topology)),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "default.replication.factor": str(replicas),
        "group.initial.rebalance.delay.ms": "0",
        "controlled.shutdown.retry.backoff.ms": "500",
        "log.cleaner.dedupe.buffer.size": "16777216",
        **further,
    }


def offsets_partitions(topology: Topology) -> int:
    """Return how many partitions Kafka's topic of committed offsets gets: with more brokers, 50."""
    return 1 if len(topology.brokers) == 1 else 50


def _listeners(service: Service, topology: Topology) -> dict[str, str]:
    if topology.security is not None:
        return secured.of_broker(service, topology, topology.security)
    port = service.port or 0
    listeners = [rendered(Listener("PLAINTEXT", "127.0.0.1", port))]
    if service.role.votes:
        listeners.append(quorum.listener(service))
    return {
        "listeners": ",".join(listeners),
        "advertised.listeners": rendered(Listener("PLAINTEXT", "localhost", port)),
    }


def _registration(service: Service, topology: Topology) -> dict[str, str]:
    """Return what a broker needs to register: a quorum of voters, or ZooKeeper."""
    if topology.voters:
        replicas = min(3, len(topology.brokers))
        return {
            **quorum.properties(service, topology),
            "broker.heartbeat.interval.ms": str(quorum.HEARTBEAT_MS),
            "share.coordinator.state.topic.replication.factor": str(replicas),
            "share.coordinator.state.topic.min.isr": str(max(1, replicas - 1)),
        }
    coordinators = [each for each in topology.coordinators if each.port]
    return {
        "broker.id": str(service.number),
        "zookeeper.connect": ",".join(f"127.0.0.1:{each.port}" for each in coordinators),
        "zookeeper.session.timeout.ms": str(zookeeper.SESSION_S * 1000),
        "zookeeper.connection.timeout.ms": str(zookeeper.CONNECT_S * 1000),
    }


RECIPE = Recipe(
    role=Role.BROKER,
    title="Kafka",
    main_class="kafka.Kafka",
    archive="kafka",
    port_setting="port",
    heap_setting="heap",
    container=CONTAINER,
    configure=configure,
    alone_s=_ALONE_S,
    goodbye=b"shut down completed",
    shows_version=True,
)
