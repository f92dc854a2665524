"""A session: the project, its settings and its runtime, as every verb needs them."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from kafka_tasks.errors import InvalidInput, NotReady
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.project.directory import Project
from kafka_tasks.retry import Deadline
from kafka_tasks.runtimes import registry
from kafka_tasks.runtimes.protocol import DataAccess, Preparation, Recovery, Runtime, Servers
from kafka_tasks.runtimes.secure import access
from kafka_tasks.settings import Settings

_Ability = TypeVar("_Ability")
# Ctrl-C, a supervisor's stop, and a closed terminal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Session:
    """One project with its settings and its runtime.

    `last_words` has what the services logged before a failed start was undone: a container that is
    removed takes its log along. `undone` has the names of those that were stopped again.
    """

    project: Project
    settings: Settings
    runtime: Runtime
    reason: str
    recorder: Recorder
    last_words: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)
    undone: list[str] = field(default_factory=list, compare=False, repr=False)

    # -- look ----------------------------------------------------------------------------------

    def observe(self) -> Observation:
        """Look once at every service."""
        return self.runtime.observe()

    def cluster(self) -> Cluster:
        """Return the cluster that is here, or that a start would make."""
        return self.runtime.plan(self.settings)

    def logs(self, service: str, tail: int) -> list[str]:
        """Return the last lines of a service's log; none for a remote cluster."""
        servers = self.runtime.abilities.servers
        return servers.logs(service, tail) if servers else []

    @property
    def watch(self) -> readiness.Watch:
        """The services as the probes see them."""
        return readiness.Watch(lambda: self.observe().services, self.logs, self.is_local)

    def watch_only(self, names: Iterable[str]) -> readiness.Watch:
        """Return a watch over these services alone."""
        wanted = tuple(names)
        return replace(self.watch, services=lambda: self.observe().only(wanted).services)

    # -- what can be done ----------------------------------------------------------------------

    @property
    def is_local(self) -> bool:
        """True where the cluster is started and stopped from here."""
        return self.runtime.abilities.servers is not None

    def servers(self) -> Servers:
        """Return the ability to start and stop; raises `InvalidInput` for a remote cluster."""
        return self._able(self.runtime.abilities.servers)

    def recovery(self) -> Recovery:
        """Return the ability to repair; raises `InvalidInput` for a remote cluster."""
        return self._able(self.runtime.abilities.recovery)

    def preparation(self) -> Preparation:
        """Return the ability to fetch; raises `InvalidInput` for a remote cluster."""
        return self._able(self.runtime.abilities.preparation)

    def data(self) -> DataAccess:
        """Return access to the data; raises `InvalidInput` for a remote cluster."""
        return self._able(self.runtime.abilities.data)

    def _able(self, ability: _Ability | None) -> _Ability:
        if ability is not None:
            return ability
        if (context := self.settings.remote) is not None:
            chosen = self.settings.origins["context"]
            raise InvalidInput(
                f"The context {context.name} names a remote cluster, which kafka-tasks does not "
                "start, stop, save or restore.",
                evidence=(f"the context is chosen by {chosen}",),
                hint="leave out --context"
                if chosen.kind == "flag"
                else "KAFKA_TASKS_CONTEXT= in front of the command uses a cluster of your own",
            )
        servers = ",".join(map(str, self.settings.bootstrap_servers or ()))
        raise InvalidInput(
            f"The cluster at {servers} is a remote cluster: kafka-tasks does not start, stop, save "
            "or restore it.",
            hint="unset KAFKA_TASKS_BOOTSTRAP_SERVERS to use a cluster of your own; "
            "invoke kafka.status looks at this one",
        )

    def require_running(self) -> None:
        """Raise `NotReady` where no broker runs that could answer.

        Raises `InvalidInput` where the certificates are missing by which it is asked.
        """
        seen = self.observe()
        if not seen.alive:
            raise NotReady(f"No cluster is running in {self.project.path}.", hint="invoke kafka.up")
        brokers = [service for service in seen.services if service.role.serves_clients]
        if not any(broker.alive and not broker.suspended for broker in brokers):
            states = (f"{b.name} {'is suspended' if b.alive else 'has exited'}" for b in brokers)
            raise NotReady(
                f"No broker is running in {self.project.path}: {', '.join(states)}.",
                layer="process",
                service=brokers[0].name if brokers else None,
                hint="invoke kafka.up",
            )
        access.require_files(self.project.path, self.settings.security)

    def deadline(self) -> Deadline:
        """Return the moment that is `timeout` seconds from now."""
        return Deadline.after(self.settings.timeout)


def open_session(project: Project, settings: Settings, recorder: Recorder | None = None) -> Session:
    """Choose the runtime and put everything together."""
    recorder = recorder or Recorder()
    choice = registry.choose(project, settings, recorder)
    settings = choice.settings or settings
    return Session(project, settings, choice.runtime, choice.reason, recorder)


@contextmanager
def signals_held() -> Iterator[None]:
    """Ignore further signals while the first Ctrl-C is cleaned up after."""
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
