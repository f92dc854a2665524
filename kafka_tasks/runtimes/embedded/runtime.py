"""Servers as detached processes of this machine, which outlive the command and its terminal."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from kafka_tasks.clients import machine
from kafka_tasks.errors import MachineError
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import broker_properties, ports, roles
from kafka_tasks.runtimes.embedded import jars, java, process_tags, storage
from kafka_tasks.runtimes.embedded.data_directory import EmbeddedDataAccess
from kafka_tasks.runtimes.embedded.ending import Ending
from kafka_tasks.runtimes.embedded.launch import Launcher
from kafka_tasks.runtimes.embedded.log_tail import ServiceLogs
from kafka_tasks.runtimes.embedded.observation import known, look
from kafka_tasks.runtimes.embedded.planning import planned_record
from kafka_tasks.runtimes.embedded.preparation import EmbeddedPreparation
from kafka_tasks.runtimes.embedded.recovery import EmbeddedRecovery
from kafka_tasks.runtimes.embedded.storage import Storage
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.runtimes.secure import access
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings

_DISK_NEEDED = 64_000_000


class EmbeddedRuntime:
    """The cluster of one project, run by this machine itself."""

    name = "embedded"

    def __init__(self, project: Project, recorder: Recorder | None = None) -> None:
        self._project = project
        self._recorder = recorder or Recorder()
        self._preparation = EmbeddedPreparation(self._recorder)
        self._logs = ServiceLogs(project.state / "logs")
        self._recovery = EmbeddedRecovery(project, self.name)
        self._data = EmbeddedDataAccess(project, self._recorder)
        self.abilities = Abilities(self, self._recovery, self._preparation, self._data)

    # -- look ----------------------------------------------------------------------------------

    def plan(self, settings: Settings) -> Cluster:
        """Return the cluster as recorded, else as the settings would have it.

        A port of `auto` is decided by the first start: until then there is no address.
        """
        record = known(self._project, self.name)
        if record is not None:
            return self._cluster(record.topology, record.kafka_version)
        kafka = jars.load_lock(settings.line.kafka).kafka
        return self._cluster(ports.as_set(settings, settings.topology), kafka)

    def _cluster(self, topology: Topology, kafka: str) -> Cluster:
        return Cluster.of(
            topology,
            project=self._project.path,
            runtime=self.name,
            kafka_version=kafka,
            client=access.of_tool(topology, self._project.path),
        )

    def observe(self) -> Observation:
        """Look at each recorded service; where the record is lost, at those with our tags."""
        return look(known(self._project, self.name))

    def expect_start(self, settings: Settings) -> None:
        """Begin nothing: a start reads files of this machine alone."""

    # -- start ---------------------------------------------------------------------------------

    def start(
        self,
        settings: Settings,
        services: Sequence[str] | None = None,
        *,
        seen: Observation | None = None,
    ) -> Cluster:
        """Start what is not alive; raises `MachineError` before anything starts if it cannot."""
        lock = jars.lock_to_start(settings)
        if said := jars.other_patch(settings, lock):
            self._recorder.notice(said)
        further = broker_properties.of(settings)
        chosen = java.choose(settings)
        for text in chosen.passed_over:
            self._recorder.notice(f"passed over {text}")
        root = self._project.make_state()
        had_data = any((root / "data").iterdir())
        _require_disk(root)
        seen = self.observe() if seen is None else seen
        record = planned_record(self._project, settings, lock.kafka, seen, self._recorder.notice)
        before = state.read_of(self._project, self.name)
        known_id = before.cluster_id if before else None
        self._secure(settings)
        formatted = storage.check(root / "data", record.topology, known_id)
        dead = [service for service in record.topology if service.name not in seen.alive]
        # Also of those that are going to be started later.
        ports.require_free(dead)
        todo = [each for each in dead if services is None or each.name in services]
        archives = self._preparation.locate(settings, lock, chosen)
        laid_out = Storage(root / "data", settings.cache, archives, lock.kafka)
        cluster_id = laid_out.format(record.topology, formatted)
        record = msgspec.structs.replace(record, cluster_id=cluster_id)
        built = archives.built()
        for service in todo:
            record = record.with_service(_about_to_start(service))
        state.write(self._project, record)
        launcher = Launcher(self._project, settings, archives, built, further)
        self._preparation.settings, self._preparation.lists = settings, launcher.lists
        self._preparation.archives = archives
        self._preparation.missing = frozenset(archives.names) - built
        self._spawn(launcher, record, Topology(tuple(todo)))
        return replace(self._cluster(record.topology, lock.kafka), had_data=had_data)

    def _secure(self, settings: Settings) -> None:
        """Make the certificates and passwords that a secured start needs, and tell a renewal."""
        if settings.security is None:
            return
        from kafka_tasks.runtimes.secure import issuing

        issuing.prepare(SecureStore.of(self._project), settings.security, self._recorder.notice)

    def _spawn(self, launcher: Launcher, record: ClusterRecord, todo: Topology) -> None:
        """Start these services wave by wave, and write down which process each one is."""
        for service in todo:
            launcher.configure(service, record.topology)
        waves = todo.start_waves
        for wave in waves:
            for service in wave:
                planned = record.service(service.name)
                assert planned is not None
                identity = launcher.spawn(record, planned)
                record = record.with_service(process_tags.started(planned, identity))
                state.write(self._project, record)
            if wave is not waves[-1]:
                time.sleep(max(roles.of(service.role).head_start_s for service in wave))

    # -- stop ----------------------------------------------------------------------------------

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop brokers, the last first, then their coordinator; SIGKILL only after the grace.

        What is wiped is killed at once.
        """
        # A stray has to be recorded to be stopped.
        self._recovery.recover()
        record = state.read_of(self._project, self.name)
        stopped: tuple[str, ...] = ()
        if record is not None:
            record = msgspec.structs.replace(
                record, wanted="stopped" if services is None else record.wanted
            )
            state.write(self._project, record)
            ending = Ending(self._project, record, self._recorder)
            waves = record.topology.stop_waves
            if wipe:
                ending.discard([each for wave in waves for each in wave])
            for wave in () if wipe else waves:
                ending.end([each for each in wave if services is None or each.name in services])
            state.write(self._project, ending.record)
            stopped = tuple(ending.stopped)
        if wipe:
            self._data.wipe()
        return stopped

    # -- logs ----------------------------------------------------------------------------------

    def take_back(self, *, interrupted: bool) -> tuple[str, ...]:
        """Stop what lives; processes leave nothing else behind but their data and logs."""
        return self.stop() if interrupted or self.observe().alive else ()

    def logs(self, service: str, tail: int) -> list[str]:
        """Return what the JVM itself said, then the last lines of the service's log."""
        return self._logs.last(service, tail, self.observe().names)

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """Yield the last lines and each new one, across rotations."""
        return self._logs.follow(service, tail, self.observe().names)


def _require_disk(root: Path) -> None:
    try:
        free = machine.free_bytes(root)
    except OSError as error:
        raise unwritable(root, error) from error
    if free < _DISK_NEEDED:
        raise MachineError(
            f"The disk of {root} is full: {free / 1e6:.0f} MB are left, and a start needs "
            f"{_DISK_NEEDED / 1e6:.0f} MB.",
            hint=f'df -h "{root}"; du -sh "{root}"/data/*',
        )


def _about_to_start(service: Service) -> ServiceRecord:
    return msgspec.structs.replace(ServiceRecord.of(service), token=uuid.uuid4().hex)
