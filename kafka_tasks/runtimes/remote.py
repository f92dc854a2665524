"""A remote cluster: it is looked at and used, never started or stopped."""

from __future__ import annotations

from kafka_tasks.model.cluster import Cluster, Observation, ServiceState
from kafka_tasks.model.topology import Topology, broker_name, of_names
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.settings import Settings


class RemoteRuntime:
    """The brokers behind KAFKA_TASKS_BOOTSTRAP_SERVERS."""

    name = "remote"
    abilities = Abilities()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def plan(self, settings: Settings) -> Cluster:
        """Return the cluster at the addresses of the settings."""
        return Cluster(
            project=settings.project,
            runtime=self.name,
            topology=Topology(),
            bootstrap=settings.bootstrap_servers or (),
            brokers=1,
            client=settings.client(),
        )

    def observe(self) -> Observation:
        """Return one entry per address; whether it answers is for the probes to say."""
        servers = self._settings.bootstrap_servers or ()
        named = of_names(broker_name(number) for number in range(1, len(servers) + 1))
        return Observation(
            tuple(
                ServiceState(broker.name, broker.role, alive=True, address=address)
                for broker, address in zip(named.brokers, servers, strict=True)
            )
        )
