"""What every verb works with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from kafka_tasks.errors import NotReady
from kafka_tasks.model.cluster import Runtime
from kafka_tasks.model.events import Recorder
from kafka_tasks.probes import readiness
from kafka_tasks.project.directory import Project
from kafka_tasks.retry import Deadline
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Session:
    """What every verb works with.

    `last_words` has what the services said before a failed start was undone: a container that is
    removed takes its log along.
    """

    project: Project
    settings: Settings
    runtime: Runtime
    reason: str
    recorder: Recorder
    last_words: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def watch(self) -> readiness.Watch:
        """How the probes see this cluster's services."""
        return readiness.Watch(
            self.runtime.services, self.runtime.logs, self.runtime.capabilities.lifecycle
        )

    def watch_only(self, name: str) -> readiness.Watch:
        """The same, for one service."""
        mine = self.watch
        return replace(mine, services=lambda: tuple(s for s in mine.services() if s.name == name))

    def require_lifecycle(self) -> None:
        """Raise `InvalidInput` where the cluster is run by somebody else."""
        if not self.runtime.capabilities.lifecycle:
            self.runtime.start(self.settings)

    def require_running(self) -> None:
        """Raise `NotReady` where no broker runs that could answer."""
        services = self.runtime.services()
        if not any(service.alive for service in services):
            raise NotReady(f"No cluster is running in {self.project.path}.", hint="invoke kafka.up")
        brokers = [service for service in services if service.role == "broker"]
        if not any(broker.alive and not broker.suspended for broker in brokers):
            states = (f"{b.name} {'is suspended' if b.alive else 'has ended'}" for b in brokers)
            raise NotReady(
                f"No broker is running in {self.project.path}: {', '.join(states)}.",
                layer="process",
                service=brokers[0].name if brokers else None,
                hint="invoke kafka.up",
            )

    def deadline(self) -> Deadline:
        """The moment the settings give, from now."""
        return Deadline.after(self.settings.timeout)


def open_session(project: Project, settings: Settings, recorder: Recorder | None = None) -> Session:
    """Choose the runtime and put everything together."""
    recorder = recorder or Recorder()
    choice = registry.choose(project, settings, recorder)
    return Session(project, settings, choice.runtime, choice.reason, recorder)


@contextmanager
def signals_held() -> Iterator[None]:
    """A second Ctrl-C does not interrupt the cleaning up after the first."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
