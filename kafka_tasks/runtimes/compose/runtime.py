"""ZooKeeper and Kafka in containers of a Docker engine."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.clients.docker import WORKING_DIRECTORY, Container, Engine
from kafka_tasks.errors import EngineMissing, InvalidInput, MachineError, NotReady, PortTaken
from kafka_tasks.model.cluster import (
    ZOOKEEPER,
    Address,
    Capabilities,
    Cluster,
    ServiceState,
    broker_id,
    broker_name,
    service_names,
)
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, telling
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import broker_properties, ports
from kafka_tasks.runtimes.compose import command, file
from kafka_tasks.settings import Settings, environment

OURS = "kafka-tasks.cluster"
_FIELDS = (
    "version",
    "brokers",
    "port",
    "zookeeper_port",
    "kafka_image",
    "zookeeper_image",
    "launch",
    "network",
    "broker_properties",
)


class ComposeRuntime:
    """The cluster of one project as a Compose project."""

    name = "compose"
    capabilities = Capabilities()

    def __init__(
        self, project: Project, recorder: Recorder | None = None, engine: Engine | None = None
    ) -> None:
        self._project = project
        self._recorder = recorder or Recorder()
        self._connected = engine

    @property
    def engine(self) -> Engine:
        """The engine; raises `EngineMissing` where none answers."""
        if self._connected is None:
            self._connected = Engine.connect(environment())
        return self._connected

    # -- what is there -------------------------------------------------------------------------

    def record(self) -> ClusterRecord | None:
        """What was written down, if it was by this runtime."""
        record = state.read(self._project)
        return record if record and record.runtime == self.name else None

    def _containers(self) -> dict[str, Container]:
        """By service: what Compose made for this directory, whoever called it."""
        found: dict[str, Container] = {}
        for container in self.engine.of_directory(self._project.path):
            name = container.service
            if name == ZOOKEEPER or name == "kafka" or name.startswith("kafka-"):
                before = found.get(name)
                if before is None or (container.running and not before.running):
                    found[name] = container
        return found

    def services(self) -> tuple[ServiceState, ...]:
        """Each expected service, and whether its container runs."""
        record = self.record()
        containers = self._containers()
        running = record is not None and record.wanted == "running"
        expected = service_names(record.brokers) if record and running else ()
        names = sorted({*expected, *containers}, key=_order)
        return tuple(_state(name, containers.get(name)) for name in names)

    def cluster(self, settings: Settings) -> Cluster:
        """The cluster by its published ports, else as recorded, else as the settings have it."""
        record = self.record()
        containers = self._containers()
        brokers = [name for name in sorted(containers, key=_order) if name != ZOOKEEPER]
        count = record.brokers if record else len(brokers) or settings.brokers
        port = record.port if record else _number(settings.port, 9092)
        keeper = record.zookeeper_port if record else _number(settings.zookeeper_port, 2181)
        bootstrap = []
        for index in range(1, count + 1):
            found = containers.get(broker_name(index))
            published = _host_port(found) if found else None
            bootstrap.append(Address("localhost", published or port + index - 1))
        at_zookeeper = containers.get(ZOOKEEPER)
        published = at_zookeeper.ports.get(2181) if at_zookeeper else None
        visible = at_zookeeper is None or published is not None
        return Cluster(
            project=self._project.path,
            runtime=self.name,
            bootstrap=tuple(bootstrap),
            zookeeper=Address("localhost", published or keeper) if visible else None,
            brokers=count,
            kafka_version=record.kafka_version if record else settings.kafka_line,
        )

    def adopt(self) -> tuple[str, ...]:
        """Labels say what is ours: there is nothing to record."""
        return ()

    def unclean(self) -> bool:
        """Whether a broker's container was killed, so that ZooKeeper may still list it."""
        return any(
            not found.running and found.status != "created" and found.exit_code not in (0, 143)
            for name, found in self._containers().items()
            if name != ZOOKEEPER
        )

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Both images, and a Compose that can."""
        command.require_compose()
        broker_properties.read(settings.broker_properties)
        self._require_images(settings)
        return (settings.zookeeper_image, settings.kafka_image)

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Never: images are all it needs."""
        return False

    def settled(self, *, wait: bool = False) -> None:
        """The next start needs nothing but what is there."""

    # -- start ---------------------------------------------------------------------------------

    def start(self, settings: Settings, services: Sequence[str] | None = None) -> Cluster:
        """Bring up what is not running; raises before anything starts if the machine cannot."""
        self._require_local()
        command.require_compose()
        root = self._project.make_state()
        record = self._planned(settings)
        names = service_names(record.brokers)
        wanted = [name for name in names if services is None or name in services]
        self._require_ports(record, wanted)
        project = self._compose(settings, record)
        project = self._laid_over(project, settings, record, root)
        self._require_images(settings)
        state.write(self._project, record)
        self._drop_orphans(project, names)
        done = project.up(wanted, timeout_s=settings.timeout + 30)
        if done.code:
            self._explain(done)
        return self.cluster(settings)

    def _require_local(self) -> None:
        if not self.engine.is_local:
            raise EngineMissing(
                f"The Docker engine is on another machine ({self.engine.host}); ports that it "
                "publishes on 127.0.0.1 cannot be reached from here.",
                hint="docker context use default; or --runtime embedded; or point "
                "KAFKA_TASKS_BOOTSTRAP_SERVERS at a cluster there",
            )

    def _planned(self, settings: Settings) -> ClusterRecord:
        before = self.record()
        auto, port, keeper = self._ports(settings, before)
        return ClusterRecord(
            runtime=self.name,
            wanted="running",
            version=settings.version,
            kafka_version=settings.kafka_line,
            brokers=settings.brokers,
            port=port,
            zookeeper_port=keeper,
            changed_at=time.time(),
            auto_ports=auto,
            fingerprint={name: str(getattr(settings, name)) for name in _FIELDS},
            compose_project=self._project_name(before),
        )

    def _ports(
        self, settings: Settings, before: ClusterRecord | None
    ) -> tuple[tuple[str, ...], int, int]:

        own = {port for found in self._containers().values() for port in found.ports.values()}
        return ports.resolve(
            self._project.path,
            settings,
            before,
            own,
            brokers=settings.brokers,
            notice=self._recorder.notice,
        )

    def _project_name(self, before: ClusterRecord | None) -> str:
        """Compose's own name for this directory, unless another directory has it already."""
        if before and before.compose_project:
            return before.compose_project
        here = self._containers()
        if here:
            return next(iter(here.values())).project
        name = file.project_name(self._project.path)
        others = {
            record.compose_project
            for other in register.remembered()
            if other.path != self._project.path and (record := state.read(other))
        }
        foreign = any(
            found.labels.get(WORKING_DIRECTORY) != str(self._project.path)
            or found.service not in service_names(5)
            for found in self.engine.of_project(name)
        )
        if name not in others and not foreign:
            return name
        digest = hashlib.sha256(os.fsencode(self._project.path)).hexdigest()[:6]
        self._recorder.notice(f"another project is called {name}; this one is {name}-{digest}")
        return f"{name}-{digest}"

    def _require_ports(self, record: ClusterRecord, wanted: Sequence[str]) -> None:
        running = {name for name, found in self._containers().items() if found.running}
        for name in wanted:
            port = _port_of(name, record)
            if name in running or processes.port_is_free(port):
                continue
            variable = "KAFKA_TASKS_ZOOKEEPER_PORT" if name == ZOOKEEPER else "KAFKA_TASKS_PORT"
            if (other := self.engine.publisher(port)) is not None:
                raise PortTaken(
                    f"Port {port}, which {name} needs, is published by the container {other.name} "
                    f"(project {other.project or 'none'}).",
                    hint=f"docker stop {other.name}, or {variable}=auto invoke kafka.up",
                )
            holder = processes.port_holder(port)
            raise PortTaken(
                f"Port {port}, which {name} needs, is held by {holder or 'another process'}.",
                hint=f"stop it, or {variable}=auto invoke kafka.up",
            )

    def _compose(self, settings: Settings, record: ClusterRecord) -> command.Project:
        chosen = file.choose(settings)
        if chosen.notice:
            self._recorder.notice(chosen.notice)
        name = record.compose_project or file.project_name(self._project.path)
        return command.Project(
            name=name,
            directory=self._project.path,
            files=(chosen.path,),
            variables=file.variables(settings, record.port, record.zookeeper_port, name),
            brokers=record.brokers,
        )

    def _laid_over(
        self, project: command.Project, settings: Settings, record: ClusterRecord, root: Path
    ) -> command.Project:
        """The project with an override file where one is needed, and checked."""
        config = project.config()
        names = service_names(record.brokers)
        if lacking := [name for name in names if name not in config["services"]]:
            raise InvalidInput(
                f"{project.files[0]} has no service {lacking[0]}, which "
                f"{record.brokers} brokers need.",
                hint=f"add it under the profile brokers-{record.brokers}, or --brokers 1",
            )
        file.check(config, names)
        text = file.override(
            config["services"],
            brokers=record.brokers,
            further=broker_properties.read(settings.broker_properties),
            start_interval=self.engine.has_start_interval,
        )
        path = root / "conf" / file.OVERRIDE
        try:
            if text is None:
                path.unlink(missing_ok=True)
                return project
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise unwritable(path, error) from error
        return command.Project(
            project.name,
            project.directory,
            (*project.files, path),
            project.variables,
            project.brokers,
        )

    def _require_images(self, settings: Settings) -> None:
        for image in (settings.zookeeper_image, settings.kafka_image):
            if not self.engine.has_image(image):
                self.pull_image(image)

    def pull_image(self, image: str) -> None:
        """Fetch an image with its progress on the screen."""
        self._recorder.notice(f"pulling {image}")
        self.engine.pull(
            image, lambda done, total: self._recorder.progress(image, done, max(total, 1))
        )

    def _drop_orphans(self, project: command.Project, names: Sequence[str]) -> None:
        """Remove containers of ours whose service the file no longer has."""
        for found in self.engine.of_project(project.name):
            mine = found.labels.get(OURS) is not None
            if mine and found.service not in service_names(5) and found.service not in names:
                self._recorder.notice(f"removing {found.name}, which the Compose file has no more")
                command.remove_container(found.id)

    def _explain(self, done: processes.Completed) -> None:
        """Say why Compose gave up: the container that ended, or its own last words."""
        for name, found in self._containers().items():
            if not found.running and found.status == "exited":
                raise NotReady(
                    f"{name} ended while it was started ({_ended(found)}).",
                    layer="process",
                    service=name,
                    evidence=telling(self.engine.logs(found.id, WINDOW)),
                    hint=f"invoke kafka.logs --service {name}",
                )
        lines = [line for line in done.output.strip().splitlines() if line.strip()]
        raise MachineError(
            f"docker compose up failed (exit code {done.code}).",
            evidence=lines[-5:],
            hint="docker ps -a; invoke kafka.logs",
        )

    # -- stop ----------------------------------------------------------------------------------

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop `services` and keep their containers; without names remove what Compose made."""
        containers = self._containers()
        alive = [name for name in sorted(containers, key=_order) if containers[name].running]
        record = self.record()
        project = self._known_project(record, containers)
        if services is not None:
            chosen = [name for name in reversed(alive) if name in services]
            if chosen and project:
                self._stop_each(project, chosen)
            return tuple(chosen)
        if project is not None:
            self._stop_each(project, list(reversed(alive)))
            project.down(wipe=wipe)
        if record is not None:
            idle = msgspec.structs.replace(record, wanted="stopped", changed_at=time.time())
            state.write(self._project, idle)
        if wipe:
            state.forget(self._project)
        return tuple(reversed(alive))

    def _stop_each(self, project: command.Project, names: Sequence[str]) -> None:
        """One after the other, brokers first: each leaves in order."""
        for name in names:
            project.stop([name])
            self._recorder.passed("stopped", name)

    def _known_project(
        self, record: ClusterRecord | None, containers: dict[str, Container]
    ) -> command.Project | None:
        """The Compose project as it was started, by the record or by the containers' labels."""
        if record is None and not containers:
            return None
        some = next(iter(containers.values()), None)
        from kafka_tasks.settings import load

        settings = load(self._project.path, environ={})
        name = some.project if some else (record.compose_project if record else None)
        labelled = some.labels.get("com.docker.compose.project.config_files", "") if some else ""
        files = tuple(Path(part) for part in labelled.split(",") if part and Path(part).exists())
        port = record.port if record else 9092
        keeper = record.zookeeper_port if record else 2181
        name = name or file.project_name(self._project.path)
        return command.Project(
            name=name,
            directory=self._project.path,
            files=files or (file.choose(settings).path,),
            variables=file.variables(settings, port, keeper, name),
            brokers=record.brokers if record else 1,
        )

    # -- logs ----------------------------------------------------------------------------------

    def logs(self, service: str, tail: int) -> list[str]:
        """The last lines of the service's container."""
        return self.engine.logs(self._of(service).id, tail)

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """The last lines and each new one."""
        return self.engine.follow(self._of(service).id, tail)

    def _of(self, service: str) -> Container:
        containers = self._containers()
        if service not in containers:
            names = ", ".join(sorted(containers, key=_order)) or "none yet"
            raise InvalidInput(
                f"There is no container of {service!r} in this project (there is: {names}).",
                hint="invoke kafka.status",
            )
        return containers[service]


def _order(name: str) -> tuple[int, int, str]:
    if name == ZOOKEEPER:
        return (0, 0, name)
    tail = name.removeprefix("kafka-")
    return (1, 1 if name == "kafka" else int(tail) if tail.isdigit() else 99, name)


def _number(value: int | str, default: int) -> int:
    return value if isinstance(value, int) else default


def _port_of(service: str, record: ClusterRecord) -> int:
    return record.zookeeper_port if service == ZOOKEEPER else record.port + broker_id(service) - 1


def _host_port(container: Container) -> int | None:
    """The published port that leads to the listener for the host."""
    return min(container.ports.values(), default=None)


def _state(name: str, container: Container | None) -> ServiceState:
    role = "zookeeper" if name == ZOOKEEPER else "broker"
    if container is None:
        return ServiceState(name, role, alive=False, ended="its container is gone")  # type: ignore[arg-type]
    port = container.ports.get(2181) if name == ZOOKEEPER else _host_port(container)
    return ServiceState(
        name=name,
        role=role,  # type: ignore[arg-type]
        alive=container.running,
        address=Address("localhost", port) if port else None,
        container=container.id,
        uptime_s=_uptime_s(container) if container.running else None,
        version=container.image.rpartition(":")[2] or None,
        health=container.health,
        ended=None if container.running else _ended(container),
    )


def _ended(container: Container) -> str:
    if container.out_of_memory:
        return f"killed for memory, exit code {container.exit_code}"
    return container.error or f"exit code {container.exit_code}"


def _uptime_s(container: Container) -> float | None:
    if not container.started_at:
        return None
    try:
        started = datetime.fromisoformat(container.started_at[:26].rstrip("Z") + "+00:00")
    except ValueError:
        return None
    return round(max(0.0, time.time() - started.timestamp()), 1)
