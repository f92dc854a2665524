"""The quorum of controllers, with which brokers register in KRaft mode."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct

from kafka_tasks.clients.kafka import quorum
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.listener import Listener, rendered
from kafka_tasks.model.topology import Service, Topology

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.answers import ClusterView

_LISTENER = "CONTROLLER"
# How long a killed broker stays registered: Kafka's default, broker.session.timeout.ms.
SESSION_S = 9
# After a refusal a broker waits for so long, in Kafka two seconds, before it registers again.
HEARTBEAT_MS = 500


def properties(service: Service, topology: Topology) -> dict[str, str]:
    """Return what every node of a cluster in KRaft mode is told about its quorum."""
    voters = (f"{each.node_id}@127.0.0.1:{each.quorum_port}" for each in topology.voters)
    parts = {"broker": service.role.serves_clients, "controller": service.role.votes}
    return {
        "process.roles": ",".join(part for part, has in parts.items() if has),
        "node.id": str(service.node_id),
        "controller.quorum.voters": ",".join(voters),
        "controller.listener.names": _LISTENER,
        "listener.security.protocol.map": f"{_LISTENER}:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    }


def listener(service: Service) -> str:
    """Return the listener of a controller."""
    return rendered(Listener(_LISTENER, "127.0.0.1", service.quorum_port or 0))


class _Controller(Struct, frozen=True):
    """One controller of the quorum; brokers are asked for what only they tell."""

    cluster: Cluster
    service: Service

    def mode(self, timeout_s: float) -> str:
        """Return leader or follower."""
        leads = self._describe(self.service, timeout_s)
        return "leader" if leads else "follower"

    def serving(self, timeout_s: float) -> dict[str, str]:
        """Return leader or follower for each voter, if one leads and knows them all."""
        voters = self.cluster.topology.voters
        reachable = [each for each in voters if each.quorum_port]
        found = {each.name: self._describe(each, timeout_s) for each in reachable}
        leading = next((each for each in found.values() if each), None)
        if leading is None:
            raise Unanswered("no controller leads yet")
        unknown = sorted({each.node_id for each in voters} - set(leading.voters))
        if unknown:
            names = ", ".join(map(str, unknown))
            raise Unanswered(f"the leader does not know the voters {names}")
        return {name: "leader" if each else "follower" for name, each in found.items()}

    def cluster_id(self, timeout_s: float) -> str | None:
        """Return what the brokers say."""
        return self._view(timeout_s).cluster_id

    def registered_brokers(self, timeout_s: float) -> dict[int, tuple[str, ...]]:
        """Return the brokers whose session lasts, as the brokers list them."""
        found = self._view(timeout_s).brokers
        return {number: (f"PLAINTEXT://{address}",) for number, address in found.items()}

    def unregister(self, broker: int, timeout_s: float) -> bool:
        """Ask each controller until the one that leads has done it."""
        for voter in self.cluster.topology.voters:
            with suppress(Unanswered):
                if quorum.unregister(_address(voter), broker, timeout_s, self.cluster.client):
                    return True
        return False

    def topics(self, timeout_s: float) -> None:
        """Return None: controllers have no listener for clients."""
        return

    def session_left_s(self, broker: int, timeout_s: float) -> None:
        """Return None: no controller tells."""
        return

    def _describe(self, voter: Service, timeout_s: float) -> quorum.Quorum | None:
        return quorum.describe(_address(voter), timeout_s, self.cluster.client)

    def _view(self, timeout_s: float) -> ClusterView:
        from kafka_tasks.clients.kafka.admin import Admin

        try:
            with Admin(self.cluster) as admin:
                return admin.look(timeout_s)
        except KafkaTasksError as error:
            raise Unanswered(error.message) from error


def coordinator(cluster: Cluster, service: Service) -> _Controller:
    """Return how a controller of this cluster is asked."""
    return _Controller(cluster, service)


def _address(service: Service) -> Address:
    """Return where a controller listens: localhost may be an address of IPv6."""
    return Address("127.0.0.1", service.quorum_port or 0)
