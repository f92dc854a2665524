"""One project's place on an engine: its record, its containers, and its Compose project."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kafka_tasks.clients.container import CONFIG_FILES, Container
from kafka_tasks.errors import InvalidInput, KafkaTasksError
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.role import MAX_BROKERS
from kafka_tasks.model.topology import Topology
from kafka_tasks.project import private, state
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import broker_properties, node_data, ports, roles
from kafka_tasks.runtimes.compose import (
    cast,
    command,
    compose_file,
    containers,
    file_variables,
    leavings,
    left_out,
    old_data,
    override,
    plan,
    secured_services,
)
from kafka_tasks.runtimes.compose.rehearsal import Rehearsal
from kafka_tasks.runtimes.compose.service_config import ConfiguredService
from kafka_tasks.runtimes.secure import container_files
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import NO_CONNECTION, Settings, environment, load

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

RUNTIME = "compose"


@dataclass(slots=True)
class Site:
    """What the abilities of the runtime share; the engine is connected when it is first asked."""

    project: Project
    recorder: Recorder
    _connected: Engine | None = None
    # That of the image of the last start.
    rehearsal: Rehearsal | None = None
    # Of a cluster without data.
    new_id: str = field(default_factory=node_data.new_id)

    @property
    def engine(self) -> Engine:
        """The engine; raises `EngineMissing` where none answers."""
        if self._connected is None:
            # It brings the docker library along.
            from kafka_tasks.clients.docker import Engine

            self._connected = Engine.connect(environment())
        return self._connected

    def record(self) -> ClusterRecord | None:
        """Return what was written down, if it was by this runtime."""
        return state.read_of(self.project, RUNTIME)

    def containers(self) -> dict[str, Container]:
        """Return the containers of the project's services."""
        return containers.by_service(self.engine, self.project.path, self.record())

    def planned(self, settings: Settings, there: Mapping[str, Container]) -> ClusterRecord:
        """Return the record of a start with these settings."""
        notice = self.recorder.notice
        here = self.project.path
        found = plan.record(here, settings, self.record(), self.engine, there, notice, self.new_id)
        if settings.services is None:
            return found
        at = compose_file.published(found.topology, self.composed(settings, found).config())
        return msgspec.structs.replace(found, services=tuple(map(ServiceRecord.of, at)))

    def ask_ahead(self, settings: Settings) -> None:
        """Let Compose read the packaged file for a start, while the engine is connected.

        What it answers counts where the engine has nothing that makes the start another one.
        """
        if settings.services is not None:
            return
        # The start says what is wrong, and what it decides.
        with suppress(KafkaTasksError):
            here, before = self.project.path, self.record()
            found = plan.record(here, settings, before, None, {}, lambda _: None, self.new_id)
            self.composed(settings, found).ask_ahead()

    def composed(self, settings: Settings, record: ClusterRecord | None) -> command.Project:
        """Return the Compose project as recorded; before a first start, by the settings."""
        name = compose_file.project_of(self.project.path, record)
        topology = record.topology if record else ports.as_set(settings, settings.topology)
        cluster_id = record.cluster_id if record else None
        path = compose_file.choose(settings).path
        return command.Project(
            name=name,
            directory=self.project.path,
            files=(path,),
            variables=file_variables.of(settings, topology, name, cluster_id),
            profiles=compose_file.profiles_for(settings, path, topology),
        )

    def published(self, settings: Settings, record: ClusterRecord) -> frozenset[int] | None:
        """Return the ports that a user's own file publishes; None for the packaged one: all."""
        if compose_file.choose(settings).path == compose_file.packaged(settings.resolved_mode):
            return None
        services = self.composed(settings, record).config()["services"]
        entries = (port for each in services.values() for port in each.get("ports") or ())
        told = (str(port.get("published") or "") for port in entries)
        return frozenset(int(text) for text in told if text.isdigit())

    def require_fitting_data(
        self, settings: Settings, planned: ClusterRecord, there: Mapping[str, Container]
    ) -> None:
        """Raise `InvalidInput` where the volumes have data that a start cannot have."""
        before = self.record()
        if there:
            chosen = compose_file.choose(settings).path
            packaged = chosen == compose_file.packaged(settings.resolved_mode)
            old_data.require_fit(self.engine, there, planned.topology, packaged=packaged)
        elif before and self.engine.has_volumes(before.compose_project or ""):
            old_data.require_same_quorum(before, planned.topology)

    def prepared(
        self, settings: Settings, record: ClusterRecord, there: Mapping[str, Container]
    ) -> command.Project:
        """Return the Compose project of these settings, checked, with its images here.

        `there` has the containers that the project has by now.
        """
        if notice := compose_file.choose(settings).notice:
            self.recorder.notice(notice)
        project = self.composed(settings, record)
        for line in left_out.lines(settings, project.name):
            self.recorder.notice(line)
        config = project.config()
        project = self._overridden(project, config, settings, record.topology)
        self.require_images(images_of(config, record.topology.names), settings)
        self.rehearsal = Rehearsal.of(self.engine, config)
        if self.rehearsal is not None:
            told = self.rehearsal.variables(there.values())
            return replace(project, variables={**project.variables, **told})
        return project

    def _overridden(
        self,
        project: command.Project,
        config: dict[str, Any],
        settings: Settings,
        topology: Topology,
    ) -> command.Project:
        """Return the project with an override file where one is needed, and checked."""
        if lacking := [name for name in topology.names if name not in config["services"]]:
            raise _lacking(project, lacking[0], topology)
        compose_file.check(config, topology)
        if topology.security is not None:
            container_files.make_folders(SecureStore.of(self.project))
        text = override.rendered(
            config["services"],
            topology=topology,
            further=broker_properties.of(settings),
            start_interval=self.engine.has_start_interval,
            secured=secured_services.changes(topology, self.project.path),
        )
        path = self.project.make_state() / "conf" / override.FILE
        try:
            if text is None:
                path.unlink(missing_ok=True)
                return project
            command.require_compose()
            private.write(path, text.encode())
        except OSError as error:
            raise unwritable(path, error) from error
        return replace(project, files=(*project.files, path))

    def known(
        self, record: ClusterRecord | None, there: Mapping[str, Container]
    ) -> command.Project | None:
        """Return the Compose project as it was started, by the record or by the labels."""
        if record is None and not there:
            return None
        settings = load(self.project.path, flags={"runtime": "compose"}, environ=NO_CONNECTION)
        if record and (mode := record.topology.mode):
            settings = replace(settings, mode=mode)
        project = self.composed(settings, record)
        some = next(iter(there.values()), None)
        labelled = some.labels.get(CONFIG_FILES, "") if some else ""
        files = tuple(Path(part) for part in labelled.split(",") if part and Path(part).exists())
        return replace(
            project, name=some.project if some else project.name, files=files or project.files
        )

    def require_images(self, images: Collection[str], settings: Settings) -> None:
        """Fetch those images that are not on the engine, with progress on the screen.

        Raises `InvalidInput` for the default image of a version that has none.
        """
        if settings.lacks_image and settings.kafka_image in images:
            raise InvalidInput(
                f"The compose runtime has no image for Kafka {settings.version}: "
                f"{settings.lacks_image}.",
                hint=f"KAFKA_TASKS_VERSION={settings.line.confluent}, or --runtime embedded",
            )
        for image in images:
            if not self.engine.has_image(image):
                self.recorder.notice(f"pulling {image}")
                self.engine.pull(image, self._progress_of(image))

    def _progress_of(self, image: str) -> Callable[[int, int], None]:
        return lambda done, total: self.recorder.progress(image, done, max(total, 1))

    def take_away(self, project: command.Project, *, wipe: bool, at_once: bool = False) -> None:
        """Remove what Compose made for our services; other services of the file stay.

        So do the networks, while one of those has a container, stopped or not. `at_once` kills the
        containers of a file that has no other.
        """
        config = project.config(profile="*")
        record = self.record()
        known = record.topology if record else None
        every = (ConfiguredService(name, entry) for name, entry in config["services"].items())
        ours = [each.name for each in every if cast.concerns(each, known)]
        if len(ours) == len(config["services"]):
            project.down(wipe=wipe, at_once=at_once)
            return
        project.remove(ours)
        for name in leavings.volumes_of(config, ours) if wipe else ():
            command.remove_volume(name)
        left = sorted({found.service for found in self.engine.of_project(project.name)})
        networks = self.engine.made_for(project.name).networks
        if not left:
            leavings.Leavings(networks=tuple(networks)).remove()
        elif networks:
            self.recorder.notice(f"the file's networks stay for {', '.join(left)}")


def images_to_start(project: Project, settings: Settings) -> tuple[str, ...]:
    """Return the images of a user's own Compose file, else those of the settings.

    A file that cannot be read has none: the start refuses it, and doctor's check reports it.
    """
    try:
        settings = compose_file.fitted(settings)
        if settings.services is None:
            return roles.images(settings)
        site = Site(project, Recorder())
        config = site.composed(settings, site.record()).config()
    except KafkaTasksError:
        return roles.images(settings)
    return tuple(images_of(config, settings.topology.names))


def _lacking(project: command.Project, name: str, topology: Topology) -> InvalidInput:
    service = topology.service(name)
    assert service is not None
    brokers, *dedicated = project.profiles
    count = len(topology.brokers)
    if count > compose_file.PACKAGED_BROKERS and compose_file.is_packaged(project.files[0]):
        return InvalidInput(
            f"The packaged Compose file has {compose_file.PACKAGED_BROKERS} brokers, and {count} "
            "were asked for.",
            hint=f"--runtime embedded, which runs up to {MAX_BROKERS}; or "
            f"--brokers {compose_file.PACKAGED_BROKERS}; or a Compose file of your own",
        )
    if service.role.serves_clients:
        needed, profile, way_out = f"{count} brokers", brokers, "--brokers 1"
    else:
        needed, profile = f"{len(topology.voters)} controllers", "".join(dedicated)
        way_out = "KAFKA_TASKS_CONTROLLERS=0"
    return InvalidInput(
        f"{project.files[0]} has no service {name}, which {needed} need.",
        hint=f"add it under the profile {profile}, or {way_out}",
    )


def images_of(config: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """Return each image that these services run and that Compose does not build, once."""
    services = [config["services"][name] for name in names if name in config["services"]]
    found = [service["image"] for service in services if "image" in service]
    built = {service.get("image") for service in services if "build" in service}
    return [image for image in dict.fromkeys(found) if image not in built]
