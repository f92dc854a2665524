"""Layer `roundtrip`: a canary record goes in with acks=all and comes out."""

from __future__ import annotations

from kafka_tasks.errors import BrokerUnreachable, ClusterError
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet


class RoundtripProbe:
    """A topic takes a record and gives the same one back."""

    layer = "roundtrip"

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def check(self, context: Context) -> list[Held]:
        """Send one and read it."""
        from kafka_tasks.clients.kafka.records import roundtrip

        try:
            took = roundtrip(context.cluster, self._topic, timeout_s=10.0)
        except (BrokerUnreachable, ClusterError) as error:
            raise NotYet(error.message) from error
        context.findings["roundtrip_ms"] = str(took)
        return [Held(None, f"{self._topic} in {took:g} ms")]
