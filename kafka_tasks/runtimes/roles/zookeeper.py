"""ZooKeeper: brokers register with it and expire in it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from kafka_tasks.clients import zookeeper
from kafka_tasks.model.address import Endpoint
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.runtimes.roles.recipe import Container, Recipe

# Kafka's own default. A broker that stood still for longer than this loses its registration: with
# 6 s, brokers of a busy machine lost theirs and failed requests, with 18 s none did.
SESSION_S = 18
# How long a broker tries to reach ZooKeeper before it gives up; Kafka's own default.
CONNECT_S = 18


def _configure(service: Service, _: Topology, __: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of one ZooKeeper on loopback.

    Its web console is off: it would open port 8080.
    """
    return {
        "dataDir": f"./data/{service.name}",
        "clientPort": str(service.port),
        "clientPortAddress": "127.0.0.1",
        "admin.enableServer": "false",
        "4lw.commands.whitelist": "srvr,dump",
        "tickTime": "2000",
        "maxClientCnxns": "0",
        "autopurge.snapRetainCount": "3",
        "autopurge.purgeInterval": "24",
    }


class _ZooKeeper(Struct, frozen=True):
    """ZooKeeper as the coordinator of brokers; `ensemble` has each server that can be reached."""

    service: Service
    address: Endpoint
    ensemble: dict[str, Endpoint]

    def mode(self, timeout_s: float) -> str:
        """Return standalone, leader or follower."""
        return zookeeper.mode(self.address, timeout_s)

    def serving(self, timeout_s: float) -> dict[str, str]:
        """Return the mode of each server; one that has no majority with it has none."""
        return {name: zookeeper.mode(address, timeout_s) for name, address in self.ensemble.items()}

    def cluster_id(self, timeout_s: float) -> str | None:
        """Return what the first broker wrote."""
        return zookeeper.cluster_id(self.address, timeout_s)

    def registered_brokers(self, timeout_s: float) -> dict[int, tuple[str, ...]]:
        """Return the nodes under /brokers/ids."""
        return zookeeper.registered_brokers(self.address, timeout_s)

    def unregister(self, broker: int, timeout_s: float) -> bool:
        """Delete the ephemeral nodes of the session that registered the broker."""
        zookeeper.unregister(self.address, broker, timeout_s)
        return True

    def topics(self, timeout_s: float) -> frozenset[str]:
        """Return the nodes under /brokers/topics that are not about to be deleted."""
        return zookeeper.topics(self.address, timeout_s)

    def session_left_s(self, broker: int, timeout_s: float) -> float | None:
        """Return the rest of the session that holds the broker's node."""
        return zookeeper.session_left_s(self.address, f"/brokers/ids/{broker}", timeout_s)


def _coordinator(cluster: Cluster, service: Service) -> _ZooKeeper:
    pairs = ((each.name, each.coordination_endpoint) for each in cluster.topology.coordinators)
    ensemble = {name: endpoint for name, endpoint in pairs if endpoint is not None}
    return _ZooKeeper(service, ensemble[service.name], ensemble)


RECIPE = Recipe(
    role=Role.ZOOKEEPER,
    title="ZooKeeper",
    main_class="org.apache.zookeeper.server.quorum.QuorumPeerMain",
    archive="zookeeper",
    port_setting="zookeeper_port",
    heap_setting="zookeeper_heap",
    container=Container(
        image_setting="zookeeper_image",
        data=("/var/lib/zookeeper/data", "/var/lib/zookeeper/log"),
        port=2181,
    ),
    configure=_configure,
    # ZooKeeper has nothing to do at SIGTERM; left to the JVM, it takes 0.3 s over that.
    jvm_flags=("-Xrs",),
    # A broker that asks for ZooKeeper before it listens sleeps one to two seconds before it asks
    # again; measured, this head start makes that rare and costs 0.05 s.
    head_start_s=0.1,
    coordinator=_coordinator,
    registered_s=SESSION_S,
    stays_open="ZooKeeper has no password: {} can read and change the salted passwords and the "
    "ACLs in it; --mode kraft has no ZooKeeper",
)
