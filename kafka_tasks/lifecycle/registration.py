"""A killed broker stays registered with its coordinator until its session expires."""

from __future__ import annotations

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.recipe import Coordinator


def wait_out_old_registrations(session: Session, cluster: Cluster, deadline: Deadline) -> None:
    """Wait until no dead broker is registered with the coordinators, which were started alone.

    A broker that is started while its predecessor is registered dies of it (NodeExists).
    """
    readiness.wait_until_ready(
        cluster,
        session.watch_only(each.name for each in cluster.topology.coordinators),
        deadline,
        Recorder(),
        layers=readiness.coordination(cluster.topology),
    )
    alive = session.observe().alive
    dead = {broker.number for broker in cluster.topology.brokers if broker.name not in alive}
    for coordinator in roles.coordinators(cluster):
        await_deregistration(coordinator, dead, deadline, session.recorder)


def await_deregistration(
    coordinator: Coordinator,
    ids: set[int],
    deadline: Deadline,
    recorder: Recorder,
    policy: RetryPolicy | None = None,
) -> None:
    """Return when a coordinator lists none of these broker ids; raises `NotReady`."""
    service = coordinator.service
    recipe = roles.of(service.role)
    told = False

    def check() -> None:
        nonlocal told
        listed = ids & _registered(coordinator)
        if not listed:
            return
        names = ", ".join(map(str, sorted(listed)))
        if not told:
            told = True
            recorder.notice(
                f"{recipe.title} still lists broker {names}, which was killed; "
                f"waiting for its session to expire ({recipe.registered_s:g} s)"
            )
        raise NotYet(f"broker {names} is still registered")

    try:
        (policy or RetryPolicy(first_s=0.1, cap_s=0.25)).until(check, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"The registration of a killed broker did not expire in time: {error}.",
            layer=service.role.proven_by,
            service=service.name,
            hint="invoke kafka.up --timeout 120",
        ) from error


def _registered(coordinator: Coordinator) -> set[int]:
    """Return the broker ids that a coordinator lists."""
    try:
        return set(coordinator.registered_brokers(timeout_s=5.0))
    except Unanswered as error:
        raise NotYet(str(error)) from error
