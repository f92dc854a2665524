"""Who holds a port: a process, a container, or the cluster of another project."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import WORKING_DIRECTORY, Container
from kafka_tasks.errors import KafkaTasksError
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded.process_tags import PROJECT_PROPERTY
from kafka_tasks.settings import environment

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

# Programs that listen on behalf of a container, by the engines that start them.
_FORWARDS = re.compile(
    r"docker|containerd|rootless|conmon|gvproxy|vpnkit|slirp4netns|limactl|colima|orbstack",
    re.IGNORECASE,
)
_PATIENCE_S = 2.0


class Holder(Struct, frozen=True):
    """The holder by name, and the command that frees the port, where one does."""

    name: str
    stop: str | None = None


def _engine_here() -> Engine:
    from kafka_tasks.clients.docker import Engine

    return Engine.connect(environment(), timeout_s=_PATIENCE_S)


def holder_of(
    port: int, engine: Callable[[], Engine] = _engine_here, *, by_engine: bool = False
) -> Holder:
    """Return who holds a port.

    The engine is asked first with `by_engine`, else where the process is hidden or an engine's.
    """
    process = None if by_engine else processes.port_holder(port)
    hidden = process is not None and (process.pid is None or _FORWARDS.search(process.name or ""))
    if by_engine or hidden:
        container = _publisher(port, engine)
        if container is not None:
            return _of_container(container)
    return _of_process(processes.port_holder(port) if by_engine else process)


def _publisher(port: int, engine: Callable[[], Engine]) -> Container | None:
    try:
        return engine().publisher(port)
    except KafkaTasksError:
        return None


def _of_process(process: processes.PortHolder | None) -> Holder:
    if process is None:
        return Holder("another process")
    if process.pid is None:
        return Holder(f"{process}")
    if (project := _project_of(process.pid)) is not None:
        return _cluster_of(project)
    return Holder(f"{process}", f"kill {process.pid}")


def _project_of(pid: int) -> Path | None:
    """Return the project that a server's command line names; None for another process."""
    for found in processes.find(PROJECT_PROPERTY):
        if found.identity.pid == pid:
            words = (word for word in found.arguments if word.startswith(PROJECT_PROPERTY))
            return Path(next(words).removeprefix(PROJECT_PROPERTY))
    return None


def _of_container(container: Container) -> Holder:
    if (project := _recorded(container)) is not None:
        return _cluster_of(project)
    named = f"the container {container.name} (project {container.project or 'none'})"
    return Holder(named, f"docker stop {container.name}")


def _recorded(container: Container) -> Path | None:
    """Return the project that recorded a container's service as one of its cluster's."""
    directory = container.labels.get(WORKING_DIRECTORY)
    record = state.read_of(Project(Path(directory)), "compose") if directory else None
    if record is None or record.compose_project != container.project:
        return None
    return Path(directory or "") if record.topology.service(container.service) else None


def _cluster_of(project: Path) -> Holder:
    stop = f"(cd {shlex.quote(str(project))} && kafka-tasks down)"
    return Holder(f"the cluster of {project}", stop)
