"""Layer `broker`: every bootstrap address answers the Kafka protocol.

An open port proves nothing: a published Docker port accepts before the broker listens.
"""

from __future__ import annotations

from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.model.topology import broker_name
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet


class BrokerProbe:
    """Metadata is answered at each bootstrap address."""

    layer = "broker"

    def __init__(self) -> None:
        self._passed: set[str] = set()

    def check(self, context: Context) -> list[Held]:
        """Ask each address that has not answered yet."""
        held = []
        for index, address in enumerate(context.cluster.bootstrap, start=1):
            key = str(address)
            if key not in self._passed:
                single = len(context.cluster.bootstrap) == 1
                try:
                    context.look(None if single else key)
                except BrokerUnreachable as error:
                    seen = error.evidence[0] if error.evidence else error.message
                    raise NotYet(f"{key}: {seen}") from error
                self._passed.add(key)
            held.append(Held(broker_name(index), key))
        return held
