"""In KRaft mode a killed broker's successor waits until its predecessor's session has expired.

That takes Kafka's 9 s. The successor says in its log that it waits for that; then, and not before,
the registration of a predecessor that is known to have exited is removed by one request. Sent for
a broker that lives, the request would leave it alive and its partitions without leaders.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles

_REFUSED = "DUPLICATE_BROKER_REGISTRATION"
_REGISTERED = "Successfully registered broker"
# A session that expires after the refusal was seen would make the request hit the successor. One
# lasts 9 s, and begins again where the quorum was restarted too.
_FRESH_S = 4.0
_ANSWER_S = 1.0
# More than a start writes until its broker has registered.
_LINES = 2000
_OLD_LINES = 50


@dataclass(slots=True)
class Successions:
    """Brokers that were killed, by name, each with its log's last lines from before the start."""

    session: Session
    waiting: dict[str, frozenset[str]]
    clock: Callable[[], float]
    _looked_at: float = field(init=False)
    _stale: dict[str, int] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self._looked_at = self.clock()

    def settle(self, cluster: Cluster, deadline: Deadline) -> None:
        """Return when each successor has registered, or nothing is in its way any more.

        One that ends meanwhile, or takes longer, is left to the layers of readiness.
        """

        def check() -> None:
            self._look(cluster)
            if self.waiting and self.session.observe().alive.issuperset(self.waiting):
                raise NotYet("a predecessor is registered")

        if self.waiting:
            try:
                RetryPolicy().until(check, deadline)
            except OutOfTime:
                return

    def _look(self, cluster: Cluster) -> None:
        """Look at each log once; remove the registrations that are in the way."""
        now = self.clock()
        is_fresh, self._looked_at = now - self._looked_at < _FRESH_S, now
        for name in tuple(self.waiting):
            lines = self._new_lines(name)
            refusals = sum(_REFUSED in line for line in lines)
            if any(_REGISTERED in line for line in lines):
                del self.waiting[name]
            elif not is_fresh:
                self._stale[name] = refusals
            elif refusals > self._stale.get(name, 0):
                self._remove(cluster, name)

    def _new_lines(self, name: str) -> list[str]:
        """Return what was logged since the start."""
        lines, old = self.session.logs(name, _LINES), self.waiting[name]
        last = max((at for at, line in enumerate(lines) if line in old), default=-1)
        return lines[last + 1 :]

    def _remove(self, cluster: Cluster, name: str) -> None:
        broker = cluster.topology.service(name)
        assert broker is not None
        if roles.coordinators(cluster)[0].unregister(broker.node_id, _ANSWER_S):
            self.session.recorder.notice(f"removed the registration of {name}, which was killed")
            del self.waiting[name]


def begin(
    session: Session, planned: Topology, clock: Callable[[], float] = time.monotonic
) -> Successions:
    """Return the successions of a start in KRaft mode: call it before anything is started."""
    exited = session.recovery().exited() if planned.voters else frozenset()
    names = [broker.name for broker in planned.brokers if broker.name in exited]
    old = {name: frozenset(session.logs(name, _OLD_LINES)) for name in names}
    return Successions(session, old, clock)
