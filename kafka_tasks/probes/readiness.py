"""Runs the ladder: each layer until it holds, one deadline for all, the dead noticed at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import Struct

from kafka_tasks.errors import CannotConnect, NotReady, ServiceDied
from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, telling
from kafka_tasks.model.topology import Topology
from kafka_tasks.probes.advertised import AdvertisedProbe
from kafka_tasks.probes.broker import BrokerProbe
from kafka_tasks.probes.cluster import ClusterProbe
from kafka_tasks.probes.context import Context, Held, Probe
from kafka_tasks.probes.coordinator import CoordinatorProbe
from kafka_tasks.probes.process import ProcessProbe
from kafka_tasks.probes.replicas import ReplicasProbe
from kafka_tasks.retry import Attempt, Deadline, NotYet, OutOfTime, RetryPolicy

# Longer than any layer takes on a slow laptop: from here on a person wants to see why.
_PATIENCE_S = 5.0
# The time between two looks for the dead, as a multiple of what a look takes: an engine needs 20 ms
# of the CPU that the servers start on.
_BETWEEN_LOOKS = 20
# The layers of a glance that wait for a connection, and for how long.
_OF_CONNECTIONS = ("broker", "advertised")
_CONNECTION_S = 2.0
_LOG_IN_S = 8.0


def ladder(topology: Topology, *replicas: Probe) -> tuple[Probe, ...]:
    """Return the layers that `up` waits for, lowest first; `replicas` where they matter.

    Of the processes of a remote cluster nothing is known.
    """
    brokers: tuple[Probe, ...] = (BrokerProbe(), ClusterProbe(), *replicas, AdvertisedProbe())
    processes: tuple[Probe, ...] = (ProcessProbe(),) if topology else ()
    return (*processes, *coordination(topology), *brokers)


def in_sync(cluster: Cluster, *, required: bool) -> tuple[Probe, ...]:
    """Return the layer of replicas: none for one broker, whose replicas are in sync always."""
    if len(cluster.topology.brokers) == 1:
        return ()
    return (ReplicasProbe(required),)


def coordination(topology: Topology) -> tuple[Probe, ...]:
    """Return the layers of the coordinators alone."""
    return tuple(CoordinatorProbe(layer) for layer in topology.coordination_layers)


@dataclass(frozen=True, slots=True)
class Watch:
    """A view of the services while their cluster is waited for."""

    services: Callable[[], tuple[ServiceState, ...]]
    logs: Callable[[str, int], list[str]]
    fail_on_death: bool = True


def wait_until_ready(
    cluster: Cluster,
    watch: Watch,
    deadline: Deadline,
    recorder: Recorder,
    *,
    policy: RetryPolicy | None = None,
    layers: Sequence[Probe] | None = None,
    replicas: Sequence[Probe] = (),
    coordinated: Callable[[], None] = lambda: None,
) -> dict[str, str]:
    """Return the probes' findings when every layer holds, with `replicas` among them.

    `coordinated` is called when brokers can register, before they are waited for.

    Raises `NotReady` with the layer that did not hold in time, or `ServiceDied` as soon as a
    service ends, both with that service's last log lines.
    """
    context = Context(cluster, watch.services, recall=True, deadline=deadline)
    waiting = policy or RetryPolicy()
    try:
        for probe in ladder(cluster.topology, *replicas) if layers is None else layers:
            _climb(probe, context, watch, deadline, recorder, waiting)
            if probe.layer in cluster.topology.coordination_layers[-1:]:
                coordinated()
    finally:
        context.close()
    return context.findings


def _climb(
    probe: Probe,
    context: Context,
    watch: Watch,
    deadline: Deadline,
    recorder: Recorder,
    policy: RetryPolicy,
) -> None:
    shown_at = next_look_at = 0.0

    def observe(attempt: Attempt) -> None:
        nonlocal shown_at, next_look_at
        if watch.fail_on_death and attempt.waited_s >= next_look_at:
            began = policy.clock()
            _raise_if_dead(probe.layer, watch)
            next_look_at = attempt.waited_s + _BETWEEN_LOOKS * (policy.clock() - began)
        if attempt.waited_s - shown_at >= _PATIENCE_S:
            shown_at = attempt.waited_s
            service = _suspect(probe.layer, watch, context.cluster)
            recorder.emit(
                "waiting",
                str(attempt.cause),
                layer=probe.layer,
                service=service,
                lines=tuple(watch.logs(service, 3)),
            )

    recorder.emit("started", layer=probe.layer)
    try:
        held = policy.until(lambda: probe.check(context), deadline, observe)
    except OutOfTime as error:
        if isinstance(probe, ReplicasProbe) and not probe.required:
            recorder.notice(f"{error}; invoke kafka.wait --in-sync waits until they are")
            return
        service = _suspect(probe.layer, watch, context.cluster)
        logged = f"invoke kafka.logs --service {service}; invoke kafka.up --timeout 120"
        raise NotReady(
            f"Not ready in time: layer {probe.layer} does not hold: {error}.",
            layer=probe.layer,
            service=service,
            evidence=telling(watch.logs(service, WINDOW)),
            hint=logged if context.cluster.topology else "invoke kafka.wait --timeout 120",
        ) from error
    _record(probe.layer, held, recorder)


def _record(layer: str, held: Sequence[Held], recorder: Recorder) -> None:
    """Record for whom a layer holds, and a notice for each service that it holds without."""
    for entry in held:
        if entry.without:
            recorder.notice(entry.text)
        else:
            recorder.passed(layer, entry.service, entry.text)


def _suspect(layer: str, watch: Watch, cluster: Cluster) -> str:
    """Return the service whose log tells most: a dead one, else the one that the layer is about."""
    dead = (service.name for service in watch.services() if not service.alive)
    return next(dead, cluster.topology.suspect(layer))


def _raise_if_dead(layer: str, watch: Watch) -> None:
    """Raise `ServiceDied` for the first service that is no longer alive."""
    for service in watch.services():
        if not service.alive:
            raise ServiceDied(
                f"{service.name} exited while it was waited for "
                f"(layer {layer}{', ' + service.ended if service.ended else ''}).",
                layer=layer,
                service=service.name,
                evidence=telling(watch.logs(service.name, WINDOW)),
                hint=f"invoke kafka.logs --service {service.name}",
            )


class Glance(Struct, frozen=True):
    """The ladder looked at once: `failed` is the first layer that does not hold.

    `without` has the services that do not answer, although each layer holds.
    `absent` has the numbers of brokers of a remote cluster that have replicas and do not answer.
    `refused` is the error where the cluster refuses the settings of the connection.
    """

    findings: dict[str, str]
    failed: str | None = None
    reason: str | None = None
    without: frozenset[str] = frozenset()
    absent: frozenset[int] = frozenset()
    refused: CannotConnect | None = None


def glance(
    cluster: Cluster, watch: Watch, recorder: Recorder, *, limit_s: float = math.inf
) -> Glance:
    """Look at each layer once, lowest first, and stop at the first that does not hold.

    The connection to a broker is given two seconds: one that lives may be busy. A remote cluster
    that has accepted it is given more, for TLS and log-in. `limit_s` bounds the whole look.
    """
    whole = Deadline.after(limit_s)
    context = Context(cluster, watch.services, once=True, deadline=whole)
    policy = RetryPolicy()
    without: set[str] = set()

    def observe(attempt: Attempt) -> None:
        if attempt.waited_s >= _CONNECTION_S and not context.is_accepted:
            raise OutOfTime(attempt.cause, attempt.number)

    patience_s = _LOG_IN_S if cluster.is_remote else _CONNECTION_S
    try:
        for probe in ladder(cluster.topology):
            waits = probe.layer in _OF_CONNECTIONS
            deadline = Deadline.after(min(patience_s, whole.remaining()) if waits else 0.0)
            try:
                held = policy.until(lambda probe=probe: probe.check(context), deadline, observe)  # type: ignore[misc]
            except OutOfTime as error:
                return Glance(context.findings, probe.layer, str(error))
            except CannotConnect as error:
                return Glance(context.findings, probe.layer, error.message, refused=error)
            _record(probe.layer, held, recorder)
            without |= {entry.service for entry in held if entry.without and entry.service}
        return Glance(context.findings, without=frozenset(without), absent=context.absent)
    finally:
        context.close()


__all__ = ["Glance", "NotYet", "Watch", "glance", "ladder", "wait_until_ready"]
