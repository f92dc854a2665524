"""The library's admin client, replaced by a new one when no broker answers it any more.

librdkafka 2.16 can drop every broker that it knows, and then connects to none again. It happens
where a broker that has just started names no broker at all, not even itself, while the library
still keeps an earlier connection to it, such as that of a coordinator.
"""

from __future__ import annotations

import time

from confluent_kafka.admin import AdminClient

from kafka_tasks.clients.kafka import closing
from kafka_tasks.clients.kafka.connection import configuration, connected
from kafka_tasks.clients.kafka.first_contact import FirstContact
from kafka_tasks.clients.kafka.pace import Pace
from kafka_tasks.model.cluster import Cluster

# Requests to leaders carry the epoch of the metadata that the library keeps: by default for a
# quarter of an hour, in which a leader that was moved refuses each of them.
_PROPERTIES = {"metadata.max.age.ms": 1000}
# A broker that restarts is away for less. A far cluster may need longer for a new connection: its
# clients are given twice the time after each that was silent.
_PATIENCE_S, _FAR_PATIENCE_S = 3.0, 24.0


class LastingClient:
    """A connection that outlives the library's clients. One thread at a time uses it."""

    def __init__(self, cluster: Cluster, bootstrap: str | None) -> None:
        self.contact = FirstContact.of(cluster, bootstrap)
        self._properties = {**configuration(cluster, bootstrap), **_PROPERTIES}
        if self.contact is not None:
            self._properties["error_cb"] = self.contact.heard
        self._pace = Pace(remote=cluster.is_remote, first_s=_PATIENCE_S, far_s=_FAR_PATIENCE_S)
        self._lent: list[AdminClient] = []
        self._open()

    def _open(self) -> None:
        self.current = closing.opened(connected(AdminClient, self._properties))
        self._heard_at = time.monotonic()

    @property
    def patience_s(self) -> float:
        """The seconds without an answer after which the client is replaced."""
        return self._pace.slice_s

    def lend(self) -> AdminClient:
        """Return the client for other users, to whom it stays open until `close`."""
        self._lent.append(self.current)
        return self.current

    def answered(self) -> None:
        """Note that a broker has answered."""
        self._heard_at = time.monotonic()

    def unanswered(self) -> None:
        """Note that a request was not answered, and replace the client if it is silent for long.

        Until a remote cluster has answered once, each new client would send the password again.
        """
        unknown = self.contact is not None and not self.contact.is_answered
        if not unknown and time.monotonic() - self._heard_at >= self.patience_s:
            self.replace()

    def replace(self) -> None:
        """Use a new client from now on, and close this one in the background."""
        before = self.current
        self._open()
        self._pace.silent()
        if before not in self._lent:
            closing.begin(before)

    def close(self) -> None:
        """Close the client, and those that were lent."""
        for client in {*self._lent, self.current}:
            closing.close(client)
