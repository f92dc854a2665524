"""The layer of a coordinator, such as `zookeeper`: what brokers register with answers."""

from __future__ import annotations

from collections.abc import Mapping

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.topology import Service
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet
from kafka_tasks.runtimes import roles


class CoordinatorProbe:
    """Every coordinator of one layer serves requests, not only connections."""

    def __init__(self, layer: str) -> None:
        self.layer = layer

    def check(self, context: Context) -> list[Held]:
        """Ask them once; one that cannot be reached from here has nothing to prove."""
        coordinators = roles.coordinators(context.cluster)
        mine = [each for each in coordinators if each.service.role.coordinates_in == self.layer]
        if not mine:
            return []
        try:
            words = mine[0].serving(timeout_s=1.0)
            # Asked now, while the brokers still start: it costs no time.
            if context.recall and context.cluster.had_data:
                context.topics = mine[0].topics(timeout_s=5.0) or frozenset()
        except Unanswered as error:
            raise NotYet(str(error)) from error
        return [_held(each.service, words) for each in mine]


def _held(service: Service, words: Mapping[str, str]) -> Held:
    return Held(service.name, f"{service.coordination_endpoint} {words[service.name]}")
