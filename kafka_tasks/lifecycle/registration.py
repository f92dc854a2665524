"""A killed broker stays registered with its coordinator until its session expires.

Where its very process is known to have exited, the registration is removed instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import InvalidInput, NotReady
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model import listener
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Service
from kafka_tasks.probes import readiness
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.protocol import Recovery
from kafka_tasks.runtimes.roles.recipe import Coordinator

_ANSWER_S = 5.0


def clear_old_registrations(session: Session, cluster: Cluster, deadline: Deadline) -> None:
    """Return when no dead broker is registered with the coordinators, which were started alone.

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
    dead = [broker for broker in cluster.topology.brokers if broker.name not in alive]
    for coordinator in roles.coordinators(cluster):
        Registrations(coordinator, session.recovery(), session.recorder).clear(dead, deadline)


def remove_exited(session: Session, seen: Observation) -> None:
    """Unregister the brokers that have exited, before their coordinator stops as well.

    A container of ZooKeeper waits with its end for the brokers that it lists.
    """
    cluster = session.cluster()
    if cluster.topology.voters or not session.recovery().unclean(seen):
        return
    dead = [broker for broker in cluster.topology.brokers if broker.name not in seen.alive]
    for coordinator in roles.coordinators(cluster):
        if coordinator.service.name in seen.alive:
            with suppress(NotYet):
                Registrations(coordinator, session.recovery(), session.recorder).remove(dead)


@dataclass(slots=True)
class Registrations:
    """The list of one coordinator, which has no dead broker after `clear`."""

    coordinator: Coordinator
    recovery: Recovery
    recorder: Recorder
    _waits: int = field(default=0, init=False)

    def clear(
        self, dead: Iterable[Service], deadline: Deadline, policy: RetryPolicy | None = None
    ) -> None:
        """Return when none of these brokers is listed; raises `NotReady`.

        A broker that has certainly exited is unregistered, the session of any other is waited out.
        """
        brokers = tuple(dead)

        def check() -> None:
            if left := self.remove(brokers):
                self._tell(left)
                raise NotYet(f"broker {_named(left)} is still registered")

        try:
            (policy or RetryPolicy(first_s=0.1, cap_s=0.25)).until(check, deadline)
        except OutOfTime as error:
            raise NotReady(
                f"The registration of a killed broker did not expire in time: {error}.",
                layer=self.coordinator.service.role.proven_by,
                service=self.coordinator.service.name,
                hint="invoke kafka.up --timeout 120",
            ) from error

    def remove(self, dead: Iterable[Service]) -> list[int]:
        """Unregister those that have certainly exited; returns who is listed after that.

        Raises `NotYet` where the coordinator does not answer.
        """
        brokers = {broker.node_id: broker for broker in dead}
        listed = {n: ends for n, ends in self._listed().items() if n in brokers}
        return [n for n in listed if not self._removed(brokers[n], listed[n])]

    def _listed(self) -> dict[int, tuple[str, ...]]:
        try:
            return self.coordinator.registered_brokers(_ANSWER_S)
        except Unanswered as error:
            raise NotYet(str(error)) from error

    def _removed(self, broker: Service, endpoints: tuple[str, ...]) -> bool:
        """Unregister a broker that has certainly exited; return whether it was one."""
        if broker.name not in self.recovery.exited() or not _is_at(broker, endpoints):
            return False
        try:
            if not self.coordinator.unregister(broker.node_id, _ANSWER_S):
                return False
        except Unanswered:
            return False
        title = roles.of(self.coordinator.service.role).title
        self.recorder.notice(f"{broker.name} was killed; removed its registration from {title}")
        return True

    def _tell(self, left: list[int]) -> None:
        self._waits += 1
        # A process that was just killed takes a moment to exit.
        if self._waits == 2:
            recipe = roles.of(self.coordinator.service.role)
            self.recorder.notice(
                f"{recipe.title} still lists broker {_named(left)}, which is not running; "
                f"waiting for its session to expire ({recipe.registered_s:g} s)"
            )


def _is_at(broker: Service, endpoints: tuple[str, ...]) -> bool:
    """Return whether the registered broker is the one at our port, and no other of the same id."""
    try:
        return broker.port in {each.port for each in listener.parse(",".join(endpoints))}
    except InvalidInput:
        return False


def _named(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))
