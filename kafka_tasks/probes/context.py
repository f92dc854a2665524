"""The context that every probe gets, and the shape of a probe."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct, field

from kafka_tasks.model.cluster import Cluster, ServiceState
from kafka_tasks.retry import Deadline

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.clients.kafka.answers import ClusterView


class Held(Struct, frozen=True):
    """A layer holds for this service (None: for the cluster as a whole).

    With `without`, it holds although this service does not answer: the text says what was seen.
    """

    service: str | None
    text: str = ""
    without: bool = False


class Context(Struct):
    """The cluster under probe, its services as their runtime sees them, and open connections.

    `findings` collects what the probes learned (cluster id); connections are opened once. With
    `recall`, a cluster that had data is ready only when it shows the `topics` that it had.
    With `once`, all layers see the same metadata: each address is asked until it answers, once.
    No request lasts longer than the `deadline`. `absent` are brokers of a remote cluster that have
    replicas and are not registered.
    """

    cluster: Cluster
    services: Callable[[], tuple[ServiceState, ...]]
    findings: dict[str, str] = field(default_factory=dict)
    recall: bool = False
    once: bool = False
    topics: frozenset[str] = frozenset()
    deadline: Deadline | None = None
    absent: frozenset[int] = frozenset()
    _admins: dict[str | None, Admin] = field(default_factory=dict)
    _views: dict[str | None, ClusterView] = field(default_factory=dict)

    def admin(self, bootstrap: str | None = None) -> Admin:
        """Return the connection to the cluster, or to one address of it."""
        if bootstrap not in self._admins:
            from kafka_tasks.clients.kafka.admin import Admin

            self._admins[bootstrap] = Admin(self.cluster, bootstrap=bootstrap)
        return self._admins[bootstrap]

    def look(self, bootstrap: str | None = None, *, patience_s: float = 0.0) -> ClusterView:
        """Return the metadata that the cluster, or one address of it, answers with."""
        if not self.once or bootstrap not in self._views:
            admin = self.admin(bootstrap)
            patient = self.within(patience_s) if patience_s else None
            self._views[bootstrap] = admin.look(patient) if patient else admin.look()
        return self._views[bootstrap]

    def within(self, seconds: float) -> float:
        """Return these seconds, or those that are left."""
        return seconds if self.deadline is None else min(seconds, self.deadline.remaining() + 0.1)

    @property
    def is_accepted(self) -> bool:
        """True where a remote cluster has accepted a connection, whatever comes of it."""
        contacts = (admin.connection.contact for admin in self._admins.values())
        return any(contact is not None and contact.is_accepted for contact in contacts)

    def close(self) -> None:
        """Close what was opened."""
        while self._admins:
            self._admins.popitem()[1].__exit__()


class Probe(Protocol):
    """One layer of readiness."""

    layer: str

    def check(self, context: Context) -> list[Held]:
        """Return for whom it holds; raises `NotYet` with what was seen instead."""
