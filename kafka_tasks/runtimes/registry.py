"""Name → runtime, and how `auto` chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import EngineMissing, InvalidInput, KafkaTasksError
from kafka_tasks.model.events import Recorder
from kafka_tasks.project import register, state, written_by
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes.protocol import Runtime
from kafka_tasks.settings import Settings


class Choice(Struct, frozen=True):
    """A runtime, why it is this one, and the settings that its cluster has instead, if any."""

    runtime: Runtime
    reason: str
    settings: Settings | None = None


def choose(project: Project, settings: Settings, recorder: Recorder) -> Choice:
    """Return the runtime of this project: the named one, or what `auto` finds.

    Raises `InvalidInput` where another runtime's cluster runs in the project.
    """
    record = state.read(project)
    running = record.runtime if record and record.wanted == "running" else None
    name, reason = _name(project, settings, record.runtime if record else _of_data(project))
    chosen = make(name, project, settings, recorder)
    if running and running != name and name != "remote":
        other = make(running, project, settings, recorder)
        if other.observe().alive:
            raise InvalidInput(
                f"This project's cluster runs on the {running} runtime; {name} was asked for.",
                hint=f"invoke kafka.down, then invoke kafka.up --runtime {name}",
            )
    return Choice(chosen, reason, _as_it_has_them(name, settings, record))


def _of_data(project: Project) -> str | None:
    """Return the only runtime that has data here, where the record of the cluster is lost."""
    found = [runtime for runtime, _ in written_by.every(project)]
    return found[0] if len(found) == 1 else None


def _as_it_has_them(name: str, settings: Settings, record: ClusterRecord | None) -> Settings:
    """Return the settings with the services of a user's own Compose file.

    While its cluster runs, they are the recorded ones. A file that cannot be read, or is not clear,
    changes nothing here: a start refuses it.
    """
    if name != "compose":
        return settings
    from kafka_tasks.runtimes.compose import compose_file

    if record and record.runtime == name and record.wanted == "running":
        # A secured one is of the packaged file, and its ZooKeeper has no port.
        own = record.security is None and any(each.number is not None for each in record.services)
        return replace(settings, services=record.topology if own else None)
    try:
        return compose_file.fitted(settings)
    except KafkaTasksError:
        return settings


def _name(project: Project, settings: Settings, recorded: str | None) -> tuple[str, str]:
    if settings.runtime != "auto":
        return settings.runtime, f"asked for by {settings.origins['runtime']}"
    if settings.bootstrap_servers:
        return "remote", f"bootstrap servers are set by {settings.origins['bootstrap_servers']}"
    if recorded is not None:
        return recorded, "this project's cluster is on it"
    return _by_engine(project, settings)


def _by_engine(project: Project, settings: Settings) -> tuple[str, str]:
    """Choose compose where an engine answers within a second and the images can be pulled."""
    from kafka_tasks.settings import environment

    surroundings = environment()
    if not _may_have_engine(surroundings):
        return "embedded", "there is no Docker engine here"
    from kafka_tasks.clients.docker import Engine
    from kafka_tasks.runtimes.compose import secured_services, site

    try:
        engine = Engine.connect(surroundings, timeout_s=1.0)
        if engine.of_directory(project.path):
            return "compose", "containers of this directory are there"
        if not engine.is_local:
            return "embedded", f"the Docker engine is on another machine ({engine.host})"
        images = site.images_to_start(project, settings)
        if settings.lacks_image and settings.kafka_image in images:
            return "embedded", settings.lacks_image
        if said := _too_few_services(settings) or secured_services.unfit(settings):
            return "embedded", said
        for image in images:
            if not engine.has_image(image) and not engine.can_pull(image):
                return "embedded", f"Docker answers, but {image} cannot be pulled"
    except EngineMissing:
        return "embedded", "no Docker engine answers within a second"
    return "compose", "Docker answers, and the images are there or can be pulled"


def _too_few_services(settings: Settings) -> str | None:
    """Return why the Compose file does not have so many brokers; None where it does."""
    from kafka_tasks.runtimes.compose import compose_file

    most = compose_file.PACKAGED_BROKERS
    if settings.brokers <= most or not compose_file.is_packaged(compose_file.choose(settings).path):
        return None
    return f"the packaged Compose file has {most} brokers, and {settings.brokers} were asked for"


def _may_have_engine(environ: Mapping[str, str]) -> bool:
    """Return whether it is worth asking: loading the SDK costs a fifth of a second."""
    if environ.get("DOCKER_HOST") or environ.get("DOCKER_CONTEXT"):
        return True
    home = Path(environ.get("HOME", "/"))
    sockets = (Path("/var/run/docker.sock"), home / ".docker" / "run" / "docker.sock")
    return any(path.exists() for path in sockets) or (home / ".docker" / "contexts").is_dir()


def make(name: str, project: Project, settings: Settings, recorder: Recorder) -> Runtime:
    """Return the runtime of this name, for one project."""
    if name == "embedded":
        from kafka_tasks.runtimes.embedded.runtime import EmbeddedRuntime

        return EmbeddedRuntime(project, recorder)
    if name == "remote":
        from kafka_tasks.runtimes.remote import RemoteRuntime

        return RemoteRuntime(settings)
    if name == "compose":
        from kafka_tasks.runtimes.compose.runtime import ComposeRuntime

        return ComposeRuntime(project, recorder)
    raise InvalidInput(
        f"The {name} runtime is not part of this version.", hint="--runtime embedded"
    )


def projects_here() -> Iterator[Project]:
    """Yield every project on this machine that has, or had, a cluster: noted or running."""
    seen = {project.path: project for project in (*register.remembered(), *running_here())}
    yield from (seen[path] for path in sorted(seen))


def running_here() -> Iterator[Project]:
    """Yield the projects whose servers run as processes of this machine."""
    from kafka_tasks.clients import processes
    from kafka_tasks.runtimes.embedded.process_tags import PROJECT_PROPERTY

    for found in processes.find(PROJECT_PROPERTY):
        for argument in found.arguments:
            if argument.startswith(PROJECT_PROPERTY):
                yield Project(Path(argument.removeprefix(PROJECT_PROPERTY)))
