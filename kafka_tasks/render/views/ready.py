"""The report of a cluster that `up`, `wait` or `restart` has proven ready."""

from __future__ import annotations

from msgspec import Struct

from kafka_tasks.model.results import Report
from kafka_tasks.render.document import Document
from kafka_tasks.render.tables import pairs
from kafka_tasks.render.views import report


class Ready(Struct, frozen=True):
    """A report; `waited` where nothing was started and the time is the result."""

    report: Report
    waited: bool = False


def document(found: Ready) -> Document:
    """Return the report."""
    return report.document(found.report)


def text(found: Ready, *, width: int) -> str:
    """Return how long it took, or that nothing changed, and the addresses."""
    seen = found.report
    after = f"Ready after {seen.elapsed_s:.1f} s"
    head = after if seen.changed or found.waited else "Already ready, nothing changed"
    version = f", Kafka {seen.kafka_version}" if seen.kafka_version else ""
    addresses = pairs(
        [
            ("bootstrap servers", seen.bootstrap_servers),
            ("ZooKeeper", seen.zookeeper),
            ("cluster id", seen.cluster_id),
        ]
    )
    return f"{head} ({seen.runtime}{version}).\n{addresses}"
