"""What is examined: a project, its settings, and what can be asked about both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle import Session
from kafka_tasks.model.cluster import ServiceState
from kafka_tasks.model.finding import Area, Finding, Level
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine


@dataclass
class Examination:
    """One project under examination.

    `session` is None where no runtime could be chosen, `readable` False where the settings could
    not be read, so that these are the defaults; `environ` is the process environment; `held`
    whether another command changes the cluster just now, asked once: asking takes the lock.
    """

    project: Project
    settings: Settings
    session: Session | None
    environ: Mapping[str, str]
    services: tuple[ServiceState, ...] = ()
    readable: bool = True
    held: bool = False
    _engine: Engine | KafkaTasksError | None = None
    _asking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def runtime(self) -> str | None:
        """The runtime's name."""
        return self.session.runtime.name if self.session else None

    @property
    def record(self) -> ClusterRecord | None:
        """What is written down about the cluster."""
        return state.read(self.project)

    def alive(self) -> list[ServiceState]:
        """The services that run."""
        return [service for service in self.services if service.alive]

    def engine(self) -> Engine:
        """The Docker engine, asked for once; raises `EngineMissing`."""
        with self._asking:
            if self._engine is None:
                from kafka_tasks.clients.docker import Engine

                try:
                    self._engine = Engine.connect(self.environ, timeout_s=2.0)
                except KafkaTasksError as error:
                    self._engine = error
        if isinstance(self._engine, KafkaTasksError):
            raise self._engine
        return self._engine


@dataclass(frozen=True, slots=True)
class Check:
    """One question: `ask` returns what it found; what it raises becomes a finding of its own."""

    name: str
    area: Area
    ask: Callable[[Examination], Iterable[Finding]]


def of_error(
    error: KafkaTasksError, id: str, area: Area, *, level: Level = "error", reference: str = ""
) -> Finding:
    """An error of this package as a finding."""
    return Finding(
        id=id,
        level=level,
        title=error.message,
        area=area,
        evidence=error.evidence,
        fix=error.hint,
        exit_code=error.exit_code if error.exit_code in (1, 3, 4, 5) else 1,
        reference=reference or None,
    )
