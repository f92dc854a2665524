"""The services that answer by themselves, whatever becomes of the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.probes.broker import BrokerProbe
from kafka_tasks.probes.context import Context, Probe
from kafka_tasks.retry import Deadline, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.recipe import Coordinator

# For a broker; a living one answers within milliseconds, one that is stopped never does.
_PATIENCE_S = 1.0
_GLANCE_S = 1.0


def answering(cluster: Cluster, services: Sequence[ServiceState]) -> frozenset[str]:
    """Return the names of those living services that answer.

    A suspended one is not asked. Without its coordinator no broker counts: what it still says is
    what it remembers.
    """
    alive = {service.name for service in services if service.alive and not service.suspended}
    return frozenset(name for name in _answering(cluster, services, alive) if name in alive)


def _answering(
    cluster: Cluster, services: Sequence[ServiceState], alive: set[str]
) -> Iterator[str]:
    asked = (each for each in roles.coordinators(cluster) if each.service.name in alive)
    # One whose port is not published cannot be asked, and counts.
    present = alive - {each.service.name for each in asked if not _answers(each)}
    if not cluster.topology.is_coordinated(present):
        return
    for service in cluster.topology:
        if service.name in present and not service.role.serves_clients:
            yield service.name
    for name, address in zip(cluster.bootstrap_names, cluster.bootstrap, strict=True):
        alone = replace(cluster, bootstrap=(address,))
        if name in present and _holds(BrokerProbe(), alone, services, _PATIENCE_S):
            yield name


def _answers(coordinator: Coordinator) -> bool:
    try:
        coordinator.mode(_GLANCE_S)
    except Unanswered:
        return False
    return True


def _holds(
    probe: Probe, cluster: Cluster, services: Sequence[ServiceState], patience_s: float
) -> bool:
    with closing(Context(cluster, lambda: tuple(services))) as context:
        try:
            RetryPolicy().until(lambda: probe.check(context), Deadline.after(patience_s))
        except OutOfTime:
            return False
    return True
