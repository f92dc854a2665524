"""A broker that registers with ZooKeeper."""

from __future__ import annotations

from collections.abc import Mapping

from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.topology import Role, Service, Topology
from kafka_tasks.runtimes.roles import zookeeper
from kafka_tasks.runtimes.roles.recipe import Container, Recipe


def _configure(service: Service, topology: Topology, further: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of one broker on loopback.

    Kafka's defaults expect three brokers and patient clients; with fewer the internal topics could
    not be created. A session of 6 s instead of 18 s shortens the wait after a kill, no rebalance
    delay makes a first consumer 3 s faster, and the smaller pools fit a laptop.
    """
    replicas = min(3, len(topology.brokers))
    in_sync = max(1, replicas - 1)
    port = service.port or 0
    coordinators = [each for each in topology.coordinators if each.port]
    return {
        "broker.id": str(service.number),
        "listeners": rendered(Listener("PLAINTEXT", "127.0.0.1", port)),
        "advertised.listeners": rendered(Listener("PLAINTEXT", "localhost", port)),
        "zookeeper.connect": ",".join(f"127.0.0.1:{each.port}" for each in coordinators),
        "log.dirs": f"./data/{service.name}",
        "zookeeper.session.timeout.ms": str(zookeeper.SESSION_S * 1000),
        "zookeeper.connection.timeout.ms": str(zookeeper.CONNECT_S * 1000),
        "offsets.topic.replication.factor": str(replicas),
        "transaction.state.log.replication.factor": str(replicas),
        "transaction.state.log.min.isr": str(in_sync),
        "default.replication.factor": str(replicas),
        "group.initial.rebalance.delay.ms": "0",
        "controlled.shutdown.retry.backoff.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": "16777216",
        **further,
    }


RECIPE = Recipe(
    role=Role.BROKER,
    title="Kafka",
    main_class="kafka.Kafka",
    archive="kafka",
    port_setting="port",
    heap_setting="heap",
    container=Container(
        image_setting="kafka_image",
        data=("/var/lib/kafka/data",),
        directory_variable="KAFKA_LOG_DIRS",
        id_variable="KAFKA_BROKER_ID",
    ),
    configure=_configure,
    # Without its coordinator a broker cannot shut down in an orderly way.
    alone_s=5.0,
    goodbye=b"shut down completed",
    shows_version=True,
)
