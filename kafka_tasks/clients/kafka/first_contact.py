"""The first answer of a remote cluster, or the reason why there will be none.

librdkafka tries for ever, whatever the reason: a wrong password would be sent three times a second.
It tells some reasons to `error_cb`, which only `poll` calls; the others are asked of the listener.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka.connection import ENOUGH_REFUSALS, SLICE_S, has_log_in
from kafka_tasks.clients.kafka.pace import Pace
from kafka_tasks.clients.unanswered import Unanswered
from kafka_tasks.errors import BrokerUnreachable, CannotConnect, KafkaTasksError
from kafka_tasks.model.address import Address
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.retry import Deadline

_POLL_S = 0.02
# A client that has heard nothing for so long may have met a listener that does not answer it.
_SILENCE_S = 1.0
_BETWEEN_PROBES_S = 1.0
_PROBE_S = 2.0
# Most log-ins are decided within so long. A refusal is looked for in short steps meanwhile, because
# the library sends the password again 0.2 s after it.
_LOG_IN_S, _LOG_IN_LOOK_S = 0.5, 0.04
# A token endpoint that gives nothing twice, so far apart, has more than a bad moment.
_BETWEEN_TOKENS_S = 4.0
# The first request blocks Ctrl-C as briefly as any; a later one waits for a far cluster.
_LONGEST_LOOK_S = 2.0
# In the text of an error: the listener has no such log-in; no password was sent.
_NO_SUCH_LOG_IN = "handshake failed"


class FirstContact:
    """Waits for the first answer to one client; `heard` is its `error_cb`.

    `is_accepted` once something that may be a broker listens at an address, `is_answered` once the
    cluster has answered.
    """

    def __init__(self, cluster: Cluster, addresses: tuple[Address, ...]) -> None:
        self.is_accepted = False
        self.is_answered = False
        self._cluster = cluster
        self._properties = cluster.client
        self._addresses = addresses
        self._servers = ",".join(map(str, addresses))
        self._heard: list[KafkaError] = []
        self._last: KafkaError | None = None
        self._pace = Pace(remote=True, first_s=SLICE_S, far_s=_LONGEST_LOOK_S)
        self._probe_at: float | None = None
        self._log_in_until = 0.0
        self._probed = False
        self._endpoint_at = 0.0
        self._token_faults: list[CannotConnect] = []

    @classmethod
    def of(cls, cluster: Cluster, bootstrap: str | None) -> FirstContact | None:
        """Return that of a remote cluster, or of one address; None for one started here."""
        if not cluster.is_remote:
            return None
        return cls(cluster, (Address.parse(bootstrap),) if bootstrap else cluster.bootstrap)

    def heard(self, error: KafkaError) -> None:
        """Keep an error that the library reports."""
        self._heard.append(error)

    def require(self, client: AdminClient, timeout_s: float) -> None:
        """Return as soon as the cluster has answered this client once.

        Raises `CannotConnect` as soon as waiting can make no address usable, and
        `BrokerUnreachable` without an answer in time.
        """
        deadline = Deadline.after(timeout_s)
        if self._probe_at is None:
            now = time.monotonic()
            self._probe_at = now + _SILENCE_S
            if has_log_in(self._properties):
                self._log_in_until = now + _LOG_IN_S
        while not self.is_answered:
            self.is_answered = self._has_answered(client, deadline)
            if self.is_answered:
                return
            client.poll(min(_POLL_S, deadline.remaining()))
            self._judge(deadline)
            if deadline.expired() and not self._has_answered(client, deadline):
                raise self._unanswered(timeout_s)

    @contextlib.contextmanager
    def watched(self, client: AdminClient) -> Iterator[None]:
        """Watch a request after the first contact, such as behind a change of the password.

        Raises `CannotConnect` for a request that fails while brokers refuse each log-in.
        """
        try:
            yield
        except KafkaException:
            client.poll(0)
            refused = [error for error in self._heard if _is_refused_log_in(error)]
            if len(refused) >= ENOUGH_REFUSALS:
                from kafka_tasks.clients.kafka import log_in_refusals

                raise log_in_refusals.of(self._cluster, self._servers, refused[-1]) from None
            raise
        client.poll(0)
        self._heard.clear()

    def _has_answered(self, client: AdminClient, deadline: Deadline) -> bool:
        """Return whether the cluster answers within a moment that becomes longer.

        Not by a request of the admin API: while brokers restart it may wait for ever, or end the
        process (librdkafka 2.16, `Assertion eonce->refcnt > 0`).
        """
        logs_in = time.monotonic() < self._log_in_until
        look_s = _LOG_IN_LOOK_S if logs_in else self._pace.slice_s
        try:
            client.list_topics(timeout=max(_POLL_S, min(look_s, deadline.remaining())))
        except KafkaException:
            if not logs_in:
                self._pace.silent()
            return False
        return True

    def _judge(self, deadline: Deadline) -> None:
        """Raise `CannotConnect` for what was heard, or for what all addresses show."""
        heard, self._heard = self._heard, []
        for error in heard:
            if _is_refused_log_in(error):
                from kafka_tasks.clients.kafka import log_in_refusals

                raise log_in_refusals.of(self._cluster, self._servers, error)
            if error.code() != KafkaError._ALL_BROKERS_DOWN:
                self._last = error
            elif not self._probed:
                self._probe_at = 0.0
        if time.monotonic() >= (self._probe_at or 0.0):
            self._probe(max(0.1, min(_PROBE_S, deadline.remaining())))

    def _probe(self, timeout_s: float) -> None:
        """Raise `CannotConnect` where every address has a fault that waiting does not cure."""
        self._probed = True
        faults = [self._fault(address, timeout_s) for address in self._addresses]
        self._probe_at = time.monotonic() + _BETWEEN_PROBES_S
        if faults[0] is not None and all(faults):
            raise faults[0]
        self._ask_endpoint(timeout_s)

    def _ask_endpoint(self, timeout_s: float) -> None:
        """Ask the token endpoint, if there is one: librdkafka waits for it without a word."""
        from kafka_tasks.clients.kafka import log_in_refusals

        if time.monotonic() < self._endpoint_at:
            return
        self._endpoint_at = time.monotonic() + _BETWEEN_TOKENS_S
        fault = log_in_refusals.of_endpoint(self._properties, timeout_s)
        self._token_faults = [] if fault is None else [*self._token_faults, fault]

    def _fault(self, address: Address, timeout_s: float) -> CannotConnect | None:
        from kafka_tasks.clients.kafka import listener_probe, refusals, wire

        try:
            found = listener_probe.look(address, self._properties, timeout_s)
        except wire.NotKafka as error:
            return refusals.not_kafka(address, error.first)
        except wire.Unresolved as error:
            return refusals.unresolved(address, str(error))
        except wire.Refused:
            return None
        except Unanswered:
            self.is_accepted = True
            return None
        self.is_accepted = True
        if isinstance(found, listener_probe.TlsFault):
            return refusals.of_tls(address, found, self._properties)
        fault = refusals.of_listener(address, found, self._properties)
        if fault is None and self._last is not None and self._last.code() == KafkaError._SSL:
            return refusals.tls_failed(str(address), self._last.str())
        return fault

    def _unanswered(self, timeout_s: float) -> KafkaTasksError:
        if len(self._token_faults) > 1:
            return self._token_faults[-1]
        return BrokerUnreachable(
            f"No broker answered at {self._servers} within {timeout_s:g} s.",
            evidence=self._evidence(),
            hint="invoke kafka.config shows KAFKA_TASKS_BOOTSTRAP_SERVERS with its origin",
        )

    def _evidence(self) -> tuple[str, ...]:
        for fault in self._token_faults[-1:]:
            return (fault.message, *fault.evidence)
        if self._last is not None:
            return (self._last.str(),)
        return ("the connection is accepted, and no answer comes",) if self.is_accepted else ()


def _is_refused_log_in(error: KafkaError) -> bool:
    return error.code() == KafkaError._AUTHENTICATION and _NO_SUCH_LOG_IN not in error.str()
