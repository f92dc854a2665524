"""The brokers that a coordinator lists, against those that run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.diagnosis.examination import Examination
from kafka_tasks.model.finding import Finding
from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.recipe import Coordinator, Recipe

_ANSWER_S = 1.0
# The mode of a ZooKeeper without others.
_STANDALONE = "standalone"


def registrations(exam: Examination) -> Iterator[Finding]:
    """Report dead brokers that a coordinator still lists, and running ones that it does not."""
    alive = {service.name for service in exam.alive()}
    # Without its coordinators a broker lists what it remembers.
    cluster = exam.session.cluster() if exam.session else None
    if cluster is None or not cluster.topology.is_coordinated(alive):
        return
    for coordinator in roles.coordinators(cluster):
        service = coordinator.service
        if service.name not in alive:
            continue
        asked = _Asked(roles.of(service.role), coordinator)
        if (alone := asked.alone(cluster.topology)) is not None:
            yield alone
            return
        if found := list(asked.compared(exam, cluster.topology)):
            # Each has the same list.
            yield from found
            return


@dataclass(frozen=True, slots=True)
class _Asked:
    """One coordinator and its recipe."""

    recipe: Recipe
    coordinator: Coordinator

    def alone(self, topology: Topology) -> Finding | None:
        """Return the finding of a server that serves without the others of its ensemble."""
        name = self.coordinator.service.name
        ensemble = [each.name for each in topology.coordinators]
        try:
            if len(ensemble) < 2 or self.coordinator.mode(_ANSWER_S) != _STANDALONE:
                return None
        except Unanswered:
            return None  # the check of readiness reports it
        return Finding(
            "ensemble-not-formed",
            "error",
            f"{name} runs alone, although it belongs to the ensemble {', '.join(ensemble)}.",
            area="cluster",
            cause="It has not read the list of the others: each server has data of its own, and "
            "brokers that connect to different ones do not see each other.",
            evidence=(f"{name} answers srvr with Mode: {_STANDALONE}",),
            fix="compare the variables of the servers (ZOOKEEPER_SERVERS and ZOOKEEPER_SERVER_ID, "
            "or ZOO_SERVERS and ZOO_MY_ID) with those that the image reads",
            exit_code=5,
        )

    def compared(self, exam: Examination, topology: Topology) -> Iterator[Finding]:
        """Compare the list of registered brokers with the services that run."""
        try:
            listed = self.coordinator.registered_brokers(_ANSWER_S)
        except Unanswered:
            return  # the check of readiness reports it
        alive = {
            known.node_id
            for service in exam.alive()
            if service.role.serves_clients and (known := topology.service(service.name))
        }
        for number in sorted(set(listed) - alive):
            yield self._dead(number, listed[number])
        young = any((service.uptime_s or 0) < self.recipe.registered_s for service in exam.alive())
        for number in sorted(alive - set(listed)) if not young and not exam.held else ():
            yield self._unknown(number, listed)

    def _dead(self, number: int, endpoints: tuple[str, ...]) -> Finding:
        try:
            left = self.coordinator.session_left_s(number, _ANSWER_S)
        except Unanswered:
            left = None
        most = (
            f"in {left:.0f} s or less"
            if left is not None
            else f"within {self.recipe.registered_s:g} s of the kill"
        )
        return Finding(
            "broker-still-registered",
            "warning",
            f"{self.recipe.title} still lists broker {number}, which is dead; its session expires "
            f"{most}.",
            area="cluster",
            cause="The broker was killed; its registration stays until its session expires, and a "
            "broker that starts earlier is refused.",
            evidence=(f"listed: broker {number}, {', '.join(endpoints)}",),
            fix="invoke kafka.up, which removes the registration of a broker that has exited",
            exit_code=5,
            reference="confluentinc/kafka-images#30",
        )

    def _unknown(self, number: int, listed: dict[int, tuple[str, ...]]) -> Finding:
        title = self.recipe.title
        return Finding(
            "broker-not-registered",
            "error",
            f"Broker {number} is running, but not registered in {title}.",
            area="cluster",
            cause=f"{title} lost its data, or the broker lost its session: topics cannot be "
            "created, and brokers do not learn of new leaders.",
            evidence=(f"listed: brokers {', '.join(map(str, sorted(listed))) or 'none'}",),
            fix="invoke kafka.restart",
            exit_code=5,
            reference="wurstmeister/kafka-docker#374",
        )
