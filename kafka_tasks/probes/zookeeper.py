"""Layer `zookeeper`: ZooKeeper answers `srvr` with a mode."""

from __future__ import annotations

from kafka_tasks.clients.zookeeper import Unanswered, mode, topics
from kafka_tasks.model.cluster import ZOOKEEPER
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet


class ZookeeperProbe:
    """ZooKeeper serves requests, not only connections."""

    layer = "zookeeper"

    def check(self, context: Context) -> list[Held]:
        """Ask once; a cluster whose ZooKeeper is not known has nothing to hold here."""
        address = context.cluster.zookeeper
        if address is None:
            return []
        try:
            found = mode(address, timeout_s=1.0)
            # Asked now, while the broker still starts: it costs nobody any time.
            if context.recall and context.cluster.had_data:
                context.topics = topics(address, timeout_s=5.0)
        except Unanswered as error:
            raise NotYet(str(error)) from error
        return [Held(ZOOKEEPER, f"{address} {found}")]
