"""ZooKeeper and Kafka in containers of a Docker engine."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.clients.docker import CONFIG_FILES, Container, Engine
from kafka_tasks.errors import EngineMissing, InvalidInput, MachineError, NotReady
from kafka_tasks.model.cluster import (
    MAX_BROKERS,
    ZOOKEEPER,
    Capabilities,
    Cluster,
    ServiceState,
    service_names,
)
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, telling
from kafka_tasks.project import private, state
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import broker_properties
from kafka_tasks.runtimes.compose import command, compose_file, containers, plan
from kafka_tasks.runtimes.compose.volumes import ComposeData
from kafka_tasks.settings import Settings, environment, load


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
        return containers.by_service(self.engine, self._project.path)

    def _expected(self) -> tuple[str, ...]:
        record = self.record()
        running = record is not None and record.wanted == "running"
        return service_names(record.brokers) if record and running else ()

    def services(self) -> tuple[ServiceState, ...]:
        """Each expected service, and whether its container runs."""
        found = self._containers()
        names = sorted({*self._expected(), *found}, key=containers.order)
        return tuple(containers.service_state(name, found.get(name)) for name in names)

    def cluster(self, settings: Settings) -> Cluster:
        """The cluster by its published ports, else as recorded, else as the settings have it."""
        return containers.cluster(self._project.path, self._containers(), self.record(), settings)

    def adopt(self) -> tuple[str, ...]:
        """Labels say what is ours: there is nothing to record."""
        return ()

    def resume(self) -> tuple[str, ...]:
        """Let go on what was paused, or stopped by a signal; returns the names."""
        resumed = []
        for name, found in sorted(
            self._containers().items(), key=lambda at: containers.order(at[0])
        ):
            if found.paused:
                command.unpause_container(found.id)
            elif found.running and self.engine.is_stopped(found.id):
                command.continue_container(found.id)
            else:
                continue
            resumed.append(name)
        return tuple(resumed)

    def unclean(self) -> bool:
        """Whether a broker's container was killed, so that ZooKeeper may still list it."""
        return containers.unclean(self._containers())

    def perhaps_registered(self) -> bool:
        """Whether there is data of an earlier start, whose end nobody can tell.

        A container that was removed has no exit code, and one that said goodbye after ZooKeeper
        was killed is listed all the same.
        """
        there, record = self._containers(), self.record()
        recorded = compose_file.project_of(self._project.path, record)
        names = {recorded, *(c.project for c in there.values())}
        return containers.unclean(there) or any(map(self.engine.has_volumes, names))

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """The images that the Compose file names, and a Compose that can."""
        command.require_compose()
        broker_properties.read(settings.broker_properties)
        config = self._compose(settings, self.record()).config()
        names = service_names(settings.brokers)
        images = _images(config, [name for name in names if name in config["services"]])
        self._require_images(images)
        return tuple(images)

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
        there = self._containers()
        record = self._planned(settings, there)
        names = service_names(record.brokers)
        wanted = [name for name in names if services is None or name in services]
        # Also of those that are going to be started later.
        plan.require_ports(record, names, self.engine, there)
        project = self._prepared(settings, record, root)
        state.write(self._project, record)
        self._drop_orphans(project)
        keeper = there.get(ZOOKEEPER)
        brokers = [name for name in wanted if name != ZOOKEEPER]
        # A ZooKeeper that runs is proven by the probes; its health check may lag behind.
        alone = bool(brokers and keeper and keeper.running)
        done = project.up(
            brokers if alone else wanted, timeout_s=settings.timeout + 30, alone=alone
        )
        if done.code:
            self._explain(done)
        return self.cluster(settings)

    def _planned(self, settings: Settings, there: Mapping[str, Container]) -> ClusterRecord:
        notice = self._recorder.notice
        return plan.record(self._project.path, settings, self.record(), self.engine, there, notice)

    def _prepared(self, settings: Settings, record: ClusterRecord, root: Path) -> command.Project:
        """The Compose project of these settings, checked, with its images on the machine."""
        if told := compose_file.choose(settings).notice:
            self._recorder.notice(told)
        project = self._compose(settings, record)
        config = project.config()
        project = self._laid_over(project, config, settings, root)
        self._require_images(_images(config, service_names(record.brokers)))
        return project

    def _require_local(self) -> None:
        if not self.engine.is_local:
            raise EngineMissing(
                f"The Docker engine is on another machine ({self.engine.host}); ports that it "
                "publishes on 127.0.0.1 cannot be reached from here.",
                hint="docker context use default; or --runtime embedded; or point "
                "KAFKA_TASKS_BOOTSTRAP_SERVERS at a cluster there",
            )

    def _compose(self, settings: Settings, record: ClusterRecord | None) -> command.Project:
        """The Compose project as recorded; before a first start, with the usual ports."""
        name = compose_file.project_of(self._project.path, record)
        port, keeper = (record.port, record.zookeeper_port) if record else (9092, 2181)
        return command.Project(
            name=name,
            directory=self._project.path,
            files=(compose_file.choose(settings).path,),
            variables=compose_file.variables(settings, port, keeper, name),
            brokers=record.brokers if record else settings.brokers,
        )

    def _laid_over(
        self, project: command.Project, config: dict[str, Any], settings: Settings, root: Path
    ) -> command.Project:
        """The project with an override file where one is needed, and checked."""
        names = service_names(project.brokers)
        if lacking := [name for name in names if name not in config["services"]]:
            raise InvalidInput(
                f"{project.files[0]} has no service {lacking[0]}, which "
                f"{project.brokers} brokers need.",
                hint=f"add it under the profile brokers-{project.brokers}, or --brokers 1",
            )
        compose_file.check(config, names)
        text = compose_file.override(
            config["services"],
            brokers=project.brokers,
            further=broker_properties.read(settings.broker_properties),
            start_interval=self.engine.has_start_interval,
        )
        path = root / "conf" / compose_file.OVERRIDE
        try:
            if text is None:
                path.unlink(missing_ok=True)
                return project
            private.write(path, text.encode())
        except OSError as error:
            raise unwritable(path, error) from error
        return command.Project(
            project.name,
            project.directory,
            (*project.files, path),
            project.variables,
            project.brokers,
        )

    def _require_images(self, images: Iterable[str]) -> None:
        for image in images:
            if not self.engine.has_image(image):
                self.pull_image(image)

    def pull_image(self, image: str) -> None:
        """Fetch an image with its progress on the screen."""
        self._recorder.notice(f"pulling {image}")
        self.engine.pull(
            image, lambda done, total: self._recorder.progress(image, done, max(total, 1))
        )

    def _drop_orphans(self, project: command.Project) -> None:
        """Remove containers of ours whose service the file no longer has."""
        for found in self.engine.of_project(project.name):
            mine = found.labels.get(containers.OURS) is not None
            if mine and found.service not in plan.SERVICES:
                self._recorder.notice(f"removing {found.name}, which the Compose file has no more")
                command.remove_container(found.id)

    def _explain(self, done: processes.Completed) -> None:
        """Say why Compose gave up: the container that ended, or its own last words."""
        for name, found in self._containers().items():
            if not found.running and found.status == "exited":
                raise NotReady(
                    f"{name} ended while it was started ({containers.ended(found)}).",
                    layer="process",
                    service=name,
                    evidence=telling(self.engine.logs(found.id, WINDOW)),
                    hint=f"invoke kafka.logs --service {name}",
                )
        lines = [line for line in done.output.strip().splitlines() if line.strip()]
        exists = "incorrect label" in done.output and "network" in done.output
        raise MachineError(
            f"docker compose up failed (exit code {done.code}).",
            evidence=lines[-5:],
            hint="KAFKA_TASKS_NETWORK_EXTERNAL=true joins a network that exists already"
            if exists
            else "docker ps -a; invoke kafka.logs",
        )

    # -- stop ----------------------------------------------------------------------------------

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop `services` and keep their containers; without names remove what Compose made."""
        there = self._containers()
        alive = [name for name in sorted(there, key=containers.order) if there[name].running]
        record = self.record()
        project = self._known_project(record, there)
        if services is not None:
            chosen = [name for name in reversed(alive) if name in services]
            if chosen and project:
                self._stop_each(project, chosen)
            return tuple(chosen)
        if project is not None:
            self._stop_each(project, list(reversed(alive)))
            self._take_away(project, wipe=wipe)
        if record is not None:
            idle = msgspec.structs.replace(record, wanted="stopped", changed_at=time.time())
            state.write(self._project, idle)
        if wipe:
            state.forget(self._project)
        return tuple(reversed(alive))

    def _take_away(self, project: command.Project, *, wipe: bool) -> None:
        """Remove what Compose made for our services; what else a user's file has is left alone."""
        config = project.config(profile="*")
        ours = [name for name in config["services"] if name in service_names(MAX_BROKERS)]
        if len(ours) == len(config["services"]):
            project.down(wipe=wipe)
            return
        project.remove(ours)
        for name in compose_file.volumes_of(config, ours) if wipe else ():
            command.remove_volume(name)

    def _stop_each(self, project: command.Project, names: Sequence[str]) -> None:
        """One after the other, brokers first: each leaves in order."""
        for name in names:
            project.stop([name])
            self._recorder.passed("stopped", name)

    def _known_project(
        self, record: ClusterRecord | None, there: Mapping[str, Container]
    ) -> command.Project | None:
        """The Compose project as it was started, by the record or by the containers' labels."""
        if record is None and not there:
            return None
        settings = load(self._project.path, environ={})
        some = next(iter(there.values()), None)
        name = (some.project if some else None) or compose_file.project_of(
            self._project.path, record
        )
        labelled = some.labels.get(CONFIG_FILES, "") if some else ""
        files = tuple(Path(part) for part in labelled.split(",") if part and Path(part).exists())
        port = record.port if record else 9092
        keeper = record.zookeeper_port if record else 2181
        return command.Project(
            name=name,
            directory=self._project.path,
            files=files or (compose_file.choose(settings).path,),
            variables=compose_file.variables(settings, port, keeper, name),
            brokers=record.brokers if record else 1,
        )

    # -- data ----------------------------------------------------------------------------------

    def has_data(self, settings: Settings) -> bool:
        """Whether Compose has made volumes for this project."""
        planned = self._planned(settings, self._containers())
        return self.engine.has_volumes(planned.compose_project or "")

    @contextmanager
    def data(self, settings: Settings) -> Iterator[ComposeData]:
        """The volumes, reached through the services' containers; made where there are none."""
        names = service_names(settings.brokers)
        there = self._containers()
        made: command.Project | None = None
        if not all(name in there for name in names):
            command.require_compose()
            record = self._planned(settings, there)
            project = self._prepared(settings, record, self._project.make_state())
            project.create(names)
            made = project if not there else None
            there = self._containers()
        try:
            yield ComposeData(self.engine, {name: there[name] for name in names})
        finally:
            if made is not None:
                self._take_away(made, wipe=False)

    def expect(self, settings: Settings) -> None:
        """Write down what a start with these settings would be; a wish to run is kept."""
        before = self.record()
        planned = self._planned(settings, self._containers())
        wanted = before.wanted if before else "stopped"
        state.write(self._project, msgspec.structs.replace(planned, wanted=wanted))

    # -- logs ----------------------------------------------------------------------------------

    def logs(self, service: str, tail: int) -> list[str]:
        """The last lines of the service's container; none where it is gone."""
        found = self._of(service)
        return self.engine.logs(found.id, tail) if found else []

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """The last lines and each new one."""
        found = self._of(service)
        return self.engine.follow(found.id, tail) if found else iter(())

    def _of(self, service: str) -> Container | None:
        there = self._containers()
        if service not in there and service not in self._expected():
            names = ", ".join(sorted(there, key=containers.order)) or "none yet"
            raise InvalidInput(
                f"There is no container of {service!r} in this project (there is: {names}).",
                hint="invoke kafka.status",
            )
        return there.get(service)


def _images(config: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """Each image that these services run and that Compose does not build, once."""
    services = [config["services"][name] for name in names]
    found = [service["image"] for service in services if "image" in service]
    built = {service.get("image") for service in services if "build" in service}
    return [image for image in dict.fromkeys(found) if image not in built]
