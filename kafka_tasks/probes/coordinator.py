"""The layer of a coordinator, such as `zookeeper`: what brokers register with answers."""

from __future__ import annotations

from kafka_tasks.clients.zookeeper import Unanswered
from kafka_tasks.model.topology import Service
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet
from kafka_tasks.runtimes import roles


class CoordinatorProbe:
    """Every coordinator of one layer serves requests, not only connections."""

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def check(self, context: Context) -> list[Held]:
        """Ask each once; one that cannot be reached from here has nothing to prove."""
        held = []
        for service in context.cluster.topology.proven_by(self.layer):
            try:
                held += self._asked(context, service)
            except Unanswered as error:
                raise NotYet(str(error)) from error
        return held

    def _asked(self, context: Context, service: Service) -> list[Held]:
        coordinator, address = roles.of(service.role).coordinator, service.address
        if coordinator is None or address is None:
            return []
        found = coordinator.mode(address, timeout_s=1.0)
        # Asked now, while the brokers still start: it costs no time.
        if context.recall and context.cluster.had_data:
            context.topics = coordinator.topics(address, timeout_s=5.0)
        return [Held(service.name, f"{address} {found}")]
