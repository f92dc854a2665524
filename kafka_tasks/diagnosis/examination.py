"""The examination of a project: its settings, session and services, and the checks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.lifecycle.session import Session
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

    `session` is None if no runtime could be chosen. `readable` is False if the settings could not
    be read; then they are the defaults. `environ` is the process environment. `held` is True while
    another command changes the cluster; it is asked once, because asking takes the lock.
    """

    project: Project
    settings: Settings
    session: Session | None
    environ: Mapping[str, str]
    services: tuple[ServiceState, ...] = ()
    readable: bool = True
    held: bool = False
    _engine: Engine | KafkaTasksError | None = None
    _connecting: threading.Lock = field(default_factory=threading.Lock)

    @property
    def runtime(self) -> str | None:
        """The name of the runtime."""
        return self.session.runtime.name if self.session else None

    @property
    def record(self) -> ClusterRecord | None:
        """The record of the cluster, or None."""
        return state.read(self.project)

    @property
    def own_file(self) -> Path | None:
        """The user's own Compose file, if no setting changes its ports and images."""
        return own_file(self.settings)

    def alive(self) -> list[ServiceState]:
        """Return the running services."""
        return [service for service in self.services if service.alive]

    def engine(self) -> Engine:
        """Return the Docker engine, connected once; raises `EngineMissing`."""
        with self._connecting:
            if self._engine is None:
                from kafka_tasks.clients.docker import Engine

                try:
                    self._engine = Engine.connect(self.environ, timeout_s=2.0)
                except KafkaTasksError as error:
                    self._engine = error
        if isinstance(self._engine, KafkaTasksError):
            raise self._engine
        return self._engine


def own_file(settings: Settings) -> Path | None:
    """Return the user's own Compose file that is used, if no setting changes its ports."""
    if settings.services is None:
        return None
    from kafka_tasks.runtimes.compose import compose_file

    return compose_file.with_fixed_ports(settings)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: `run` yields findings; an exception becomes a finding, too."""

    name: str
    area: Area
    run: Callable[[Examination], Iterable[Finding]]


def of_error(
    error: KafkaTasksError, id: str, area: Area, *, level: Level = "error", reference: str = ""
) -> Finding:
    """Return an error of this package as a finding."""
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
