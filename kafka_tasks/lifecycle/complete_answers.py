"""Whether an answer about topics is the cluster's, or that of one broker with an empty cache.

A broker that has just started answers before it knows the topics. The coordinator of a cluster that
was started here knows their names; elsewhere every broker is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.clients.kafka.answers import ClusterView, Completeness, TopicsAnswer
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.roles.recipe import Coordinator

# For so long, all brokers have to say the same: a broker that starts on a busy machine takes longer
# to learn the topics, and its answers take longer than the usual 20 ms. They are asked so often.
_AGREED_S, _AGREED_AT_MOST_S, _ANSWER_TIMES = 1.0, 4.0, 25
_BETWEEN_S = 0.2
_ASK_S = 2.0
_COORDINATOR_S = 5.0

# Asks the broker at an address for what it shows.
_Ask = Callable[[Address], ClusterView]


def completeness(cluster: Cluster) -> Completeness:
    """Return the judge of answers about the topics of this cluster."""
    if cluster.topology.voters:
        return _ByController()
    brokers = _ByBrokers(_asking(cluster))
    coordinators = roles.coordinators(cluster)
    return _ByCoordinator(coordinators[0], brokers) if coordinators else brokers


class _ByController:
    """In KRaft mode an answer counts when it names a controller and a broker.

    A broker that names one has read the log of the quorum, which has the topics.
    """

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return what the answer lacks."""
        if answer.view.controller is None or not answer.view.brokers:
            return "the broker knows no controller yet"
        return None


@dataclass(slots=True)
class _ByBrokers:
    """An answer that lacks topics counts when every broker has given it for a second or longer."""

    ask: _Ask
    clock: Callable[[], float] = time.monotonic
    _agreed_since: float | None = None
    _asked_at: float | None = None
    _slowest: float = 0.0

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return which broker shows more or does not answer, or that they agree not yet long."""
        if answer.view.topics and not answer.lacking:
            self._agreed_since = None
            return None
        now = self.clock()
        if self._asked_at is None or now - self._asked_at >= _BETWEEN_S:
            self._asked_at = now
            why = self._disagreement(answer)
            if why is not None:
                self._agreed_since = None
                return why
            took = (self.clock() - now) / len(answer.view.brokers)
            self._slowest = max(self._slowest, took)
            if self._agreed_since is None:
                self._agreed_since = now
            wanted = max(_AGREED_S, _ANSWER_TIMES * self._slowest)
            if now - self._agreed_since >= min(wanted, _AGREED_AT_MOST_S):
                self._agreed_since = self._asked_at = None
                return None
        return "no broker shows more topics, but not for long enough so far"

    def _disagreement(self, answer: TopicsAnswer) -> str | None:
        if not answer.view.brokers:
            return "the answer names no broker"
        for number, address in sorted(answer.view.brokers.items()):
            try:
                shown = self.ask(address).topics
            except KafkaTasksError as error:
                return f"broker {number} at {address}: {error.message}"
            more = shown & answer.lacking if answer.lacking else shown
            if more:
                return f"broker {number} shows {min(more)}, and another one does not"
        return None


def _asking(cluster: Cluster) -> _Ask:
    def ask(address: Address) -> ClusterView:
        # A connection that lasts would learn of the other brokers and ask any of them.
        with Admin(cluster, bootstrap=str(address)) as admin:
            return admin.look(_ASK_S)

    return ask


@dataclass(frozen=True, slots=True)
class _ByCoordinator:
    """An answer counts when it has every topic of which the coordinator knows."""

    coordinator: Coordinator
    otherwise: Completeness

    def doubt(self, answer: TopicsAnswer, timeout_s: float) -> str | None:
        """Return how many topics are missing in the answer."""
        try:
            names = self.coordinator.topics(min(timeout_s, _COORDINATOR_S))
        except Unanswered:
            # It may have died, and the brokers answer all the same.
            return self.otherwise.doubt(answer, timeout_s)
        known = names or frozenset()
        missing = known - answer.view.topics if answer.whole else known & answer.lacking
        if not missing:
            return None
        return f"{len(missing)} of {len(known)} topics are not shown yet, such as {min(missing)}"
