"""The users of a secured cluster: made after a start, and accepted by every broker."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from threading import Event

from kafka_tasks.clients.kafka import scram
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import NotReady
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.address import Address
from kafka_tasks.model.client_names import MECHANISM, PASSWORD, USER
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.topology import Topology
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.secure import access
from kafka_tasks.runtimes.secure.store import SecureStore

_LAYER = "users"
# A refused log-in takes 0.4 s; without an answer for so long, the next attempt is due.
_LOG_IN_S = 5.0
# A broker that has heard of a password accepts it at once; after so many refusals it is another.
_REFUSALS = 3
# Log-ins at the same time: a connection and a thread each.
_AT_ONCE = 8


def settle(session: Session, cluster: Cluster, deadline: Deadline) -> None:
    """Make the users that the cluster lacks; return when each broker accepts each of them."""
    security = cluster.topology.security
    if security is None:
        return
    store = SecureStore.of(session.project)
    passwords = store.passwords()
    users = dict(passwords.users) if passwords and security.knows_users else {}
    if security.kind == "scram":
        with Admin(cluster) as admin:
            there = scram.users(admin)
            scram.set_passwords(admin, {n: w for n, w in users.items() if n not in there})
    waits = []
    for name in users or (None,):
        mine = replace(access.as_user(cluster, name), topology=Topology())
        for broker in cluster.topology.brokers:
            assert broker.address is not None
            waits.append(_Acceptance(cluster, mine, name, broker.address))
    _require_all(waits, deadline)
    session.recorder.passed(_LAYER, None, ", ".join(users))
    for said in roles.open_servers(cluster.topology, cluster.runtime):
        session.recorder.notice(said)


def _require_all(waits: Sequence[_Acceptance], deadline: Deadline) -> None:
    """Wait for all log-ins at the same time; raises the first `NotReady`.

    A broker that has just started takes 0.1 s for each.
    """
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        futures = [pool.submit(each.wait, deadline) for each in waits]
        try:
            for future in futures:
                future.result()
        except BaseException:
            # Ctrl-C, too, must not wait for the others until the deadline.
            for each in waits:
                each.given_up.set()
            raise


@dataclass(slots=True)
class _Acceptance:
    """One user at one broker; `mine` is the cluster as that user connects to it."""

    cluster: Cluster
    mine: Cluster
    name: str | None
    broker: Address
    given_up: Event = field(default_factory=Event, init=False)
    _refused: int = field(default=0, init=False)

    def wait(self, deadline: Deadline) -> None:
        """Return when the broker accepts the user; raises `NotReady`."""
        try:
            RetryPolicy().until(lambda: self._check(deadline), deadline)
        except OutOfTime as error:
            who = f"user {self.name}" if self.name else "a client"
            raise NotReady(
                f"Not ready in time: layer {_LAYER} does not hold: {who} is refused: {error}.",
                layer=_LAYER,
                hint="invoke kafka.doctor; invoke kafka.up --timeout 120",
            ) from error

    def _check(self, deadline: Deadline) -> None:
        if self.given_up.is_set():
            raise NotReady("Another log-in has failed.", layer=_LAYER)
        patience_s = min(_LOG_IN_S, max(0.1, deadline.remaining()))
        try:
            scram.require_log_in(self.mine, self.broker, patience_s)
        except NotYet:
            self._refused += 1
            if self._refused == _REFUSALS:
                self._set_again()
            raise

    def _set_again(self) -> None:
        """Set the password once more: the data may be that of a cluster with other passwords."""
        client = self.mine.client
        if client.get(MECHANISM, "").startswith("SCRAM"):
            with Admin(self.cluster) as admin:
                scram.set_passwords(admin, {client[USER]: client[PASSWORD]})
