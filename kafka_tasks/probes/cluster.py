"""Layer `cluster`: the expected number of brokers is registered and there is a controller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.errors import BrokerUnreachable
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.answers import ClusterView


class ClusterProbe:
    """The brokers know each other and one of them is the controller."""

    layer = "cluster"

    def check(self, context: Context) -> list[Held]:
        """Ask once for metadata that shows every broker."""
        expected = context.cluster.brokers
        try:
            view = context.look()
        except BrokerUnreachable as error:
            raise NotYet(error.evidence[0] if error.evidence else error.message) from error
        if len(view.brokers) < expected:
            raise NotYet(f"{len(view.brokers)} of {expected} brokers are registered")
        if view.controller is None or view.controller not in view.brokers:
            raise NotYet("there is no controller yet")
        # A controller tells brokers of each other first, and of topics a moment later.
        if missing := context.topics - view.topics:
            raise NotYet(f"{len(missing)} of {len(context.topics)} topics are not there yet")
        if view.cluster_id:
            context.findings["cluster_id"] = view.cluster_id
        count = len(view.brokers)
        noun = "broker" if count == 1 else "brokers"
        return [
            Held(None, f"{count} {noun}, controller {view.controller}"),
            *_lacking(context, view),
        ]


def _lacking(context: Context, view: ClusterView) -> list[Held]:
    """Note and return the brokers of a remote cluster that have replicas and are not there.

    How many it should have is not known; its own metadata names them.
    """
    if not context.cluster.is_remote:
        return []
    context.absent = view.absent
    if not context.absent:
        return []
    numbers = ", ".join(map(str, sorted(context.absent)))
    said = f"brokers with replicas are not registered: {numbers}; the cluster serves without them"
    return [Held(None, said, without=True)]
