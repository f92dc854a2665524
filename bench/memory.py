"""The row about memory: both clusters idle side by side."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from bench.by_hand import ByHand
from bench.children import resident_mb
from bench.rows import Pair, row
from bench.surroundings import Surroundings, Workspace

_IDLE_S = 5.0

# The flags of kafka-server-start and zookeeper-server-start.
_COMMON = (
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-Djava.awt.headless=true",
)
_START_SCRIPTS = {
    "kafka": ("-Xmx1G", "-Xms1G", *_COMMON),
    "zookeeper": ("-Xmx512M", "-Xms512M", *_COMMON),
}


@row(
    "memory",
    what="memory of the two JVMs, idle",
    against="the flags of Kafka's own start scripts",
    unit="MB",
    limit=0.85,
)
def memory(surroundings: Surroundings, pairs: int) -> Iterator[Pair]:
    """Measure the resident memory, five seconds after both are ready."""
    with surroundings.workspace() as ours, ByHand(surroundings, _START_SCRIPTS) as theirs:
        for _ in range(pairs):
            pids = _pids(ours)
            theirs.start()
            time.sleep(_IDLE_S)
            pair = Pair(resident_mb(pids), resident_mb(theirs.pids))
            ours.wipe()
            theirs.wipe()
            yield pair


def _pids(ours: Workspace) -> list[int]:
    """Start the cluster and return the process ids in its report."""
    report = json.loads(ours.command("up", "--output", "json").output)
    return [service["pid"] for service in report["services"]]
