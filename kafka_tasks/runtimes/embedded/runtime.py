"""ZooKeeper and Kafka as detached processes that outlive the command and its terminal."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import msgspec

from kafka_tasks.clients import processes
from kafka_tasks.errors import InvalidInput, MachineError
from kafka_tasks.model.cluster import (
    ZOOKEEPER,
    Address,
    Capabilities,
    Cluster,
    ServiceState,
    service_names,
)
from kafka_tasks.model.events import Recorder
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project, unwritable
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.runtimes import broker_properties, ports
from kafka_tasks.runtimes.embedded import class_archive, jars, log_tail, process_tags
from kafka_tasks.runtimes.embedded import java as javas
from kafka_tasks.runtimes.embedded.data_directory import EmbeddedData
from kafka_tasks.runtimes.embedded.launch import Launcher
from kafka_tasks.settings import Settings

# A broker that asks for ZooKeeper before it listens sleeps one to two seconds before it asks
# again; measured, this head start makes that rare and costs 0.05 s.
_HEAD_START_S = 0.1
_GRACE_S = 20.0
# Without ZooKeeper a broker cannot shut down in an orderly way, so it is not given long.
_GRACE_ALONE_S = 5.0
_DISK_NEEDED = 64_000_000
# A broker's last word, once ZooKeeper no longer lists it and its data is complete.
_GOODBYE = b"shut down completed"


class EmbeddedRuntime:
    """The cluster of one project, run by this machine itself."""

    name = "embedded"
    capabilities = Capabilities()

    def __init__(self, project: Project, recorder: Recorder | None = None) -> None:
        self._project = project
        self._recorder = recorder or Recorder()
        self._lists: dict[class_archive.Role, Path] = {}
        self._archives: class_archive.Archives | None = None

    # -- what is there -------------------------------------------------------------------------

    def record(self) -> ClusterRecord | None:
        """What was written down, if it was by this runtime."""
        record = state.read(self._project)
        return record if record and record.runtime == self.name else None

    def known(self) -> ClusterRecord | None:
        """The record; where it is lost, what the running processes tell."""
        return self.record() or process_tags.with_strays(self._project.path, None, self.name)[0]

    def cluster(self, settings: Settings) -> Cluster:
        """The cluster as recorded, else as the settings would have it."""
        record = self.known()
        if record is not None:
            return self._cluster(record)
        # What `auto` means is decided by the first start: until then there is no address.
        port, keeper = settings.port, settings.zookeeper_port
        ports_known = range(port, port + settings.brokers) if isinstance(port, int) else ()
        return Cluster(
            project=self._project.path,
            runtime=self.name,
            bootstrap=tuple(Address("localhost", number) for number in ports_known),
            zookeeper=Address("localhost", keeper) if isinstance(keeper, int) else None,
            brokers=settings.brokers,
            kafka_version=jars.load_lock(settings.kafka_line).kafka,
        )

    def _cluster(self, record: ClusterRecord) -> Cluster:
        return Cluster(
            project=self._project.path,
            runtime=self.name,
            bootstrap=tuple(Address("localhost", record.port + n) for n in range(record.brokers)),
            zookeeper=Address("localhost", record.zookeeper_port),
            brokers=record.brokers,
            kafka_version=record.kafka_version,
        )

    def services(self) -> tuple[ServiceState, ...]:
        """Each recorded service, and whether its very process still runs."""
        record = self.known()
        if record is None:
            return ()
        return tuple(self._service(record, service) for service in record.services)

    def _service(self, record: ClusterRecord, service: ServiceRecord) -> ServiceState:
        identity = process_tags.identity(service)
        alive = identity is not None and processes.is_running(identity)
        return ServiceState(
            name=service.name,
            role="zookeeper" if service.name == ZOOKEEPER else "broker",
            alive=alive,
            address=Address("localhost", service.port),
            pid=identity.pid if alive and identity else None,
            uptime_s=round(processes.uptime_s(identity), 1) if alive and identity else None,
            version=record.kafka_version if service.name != ZOOKEEPER else None,
            suspended=alive and identity is not None and processes.is_suspended(identity),
        )

    def unclean(self) -> bool:
        """Whether a broker ended without saying goodbye, so that ZooKeeper may still list it."""
        record = self.record()
        data = self._project.state / "data"
        if record is None:
            return (data / ZOOKEEPER).exists()
        alive = {service.name for service in self.services() if service.alive}
        for name in service_names(record.brokers)[1:]:
            known = record.service(name)
            # A broker that the record lost may have ended in any way.
            left = known.pid is not None if known else (data / name).exists()
            if left and name not in alive:
                return True
        return False

    def perhaps_registered(self) -> bool:
        """What is recorded is exact."""
        return self.unclean()

    def adopt(self) -> tuple[str, ...]:
        """Record those processes of this project that the record does not know.

        Returns their names. A crash between writing down and starting, or a lost record, leaves
        them; the properties on their command lines say what they are.
        """
        record, strays = process_tags.with_strays(self._project.path, self.record(), self.name)
        if strays and record:
            self._project.make_state()
            state.write(self._project, record)
        return strays

    def resume(self) -> tuple[str, ...]:
        """Continue what was stopped by a signal; returns the names."""
        record = self.record()
        suspended = [
            (service.name, identity)
            for service in (record.services if record else ())
            if (identity := process_tags.identity(service)) and processes.is_suspended(identity)
        ]
        for _, identity in suspended:
            processes.resume(identity)
        return tuple(name for name, _ in suspended)

    # -- start ---------------------------------------------------------------------------------

    def start(self, settings: Settings, services: Sequence[str] | None = None) -> Cluster:
        """Start what is not alive; raises `MachineError` before anything starts if it cannot."""
        lock = jars.load_lock(settings.kafka_line)
        further = broker_properties.read(settings.broker_properties)
        java = javas.choose(settings)
        for text in java.passed_over:
            self._recorder.notice(f"passed over {text}")
        root = self._project.make_state()
        had_data = any((root / "data").iterdir())
        self._require_disk(root)
        record = self._planned(settings, lock.kafka)
        alive = {service.name for service in self.services() if service.alive}
        dead = [name for name in service_names(record.brokers) if name not in alive]
        todo = [name for name in dead if services is None or name in services]
        # Also of those that are going to be started later.
        ports.require_free(
            {n: ports.of_service(n, record.port, record.zookeeper_port) for n in dead}
        )
        class_path = jars.ensure(lock, settings.cache, self._recorder)
        self._archives = class_archive.locate(settings.cache, java, class_path, lock.kafka)
        built = self._archives.is_built()
        for name in todo:
            record = record.with_service(_about_to_start(name, record))
        state.write(self._project, record)
        launcher = Launcher(self._project, settings, self._archives, built, further)
        self._lists = launcher.lists
        for name in todo:
            launcher.configure(name, record)
        for name in todo:
            record = self._spawned(launcher, record, name)
            if name == ZOOKEEPER and len(todo) > 1:
                time.sleep(_HEAD_START_S)
        return replace(self._cluster(record), had_data=had_data)

    def _planned(self, settings: Settings, kafka: str) -> ClusterRecord:
        before = self.record()
        alive = {seen.name: seen for seen in self.services() if seen.alive}
        width = max(settings.brokers, process_tags.highest_broker(set(alive)))
        own = {seen.address.port for seen in alive.values() if seen.address}
        auto, port, keeper = ports.resolve(
            self._project.path,
            settings,
            before,
            own,
            brokers=width,
            notice=self._recorder.notice,
        )
        return ClusterRecord(
            runtime=self.name,
            wanted="running",
            version=settings.version,
            kafka_version=kafka,
            brokers=width,
            port=port,
            zookeeper_port=keeper,
            changed_at=time.time(),
            services=tuple(
                service
                for service in (before.services if before else ())
                if service.name in service_names(width)
            ),
            auto_ports=auto,
            fingerprint=fingerprint(settings),
        )

    def _require_disk(self, root: Path) -> None:
        try:
            free = processes.free_bytes(root)
        except OSError as error:
            raise unwritable(root, error) from error
        if free < _DISK_NEEDED:
            raise MachineError(
                f"The disk of {root} is full: {free / 1e6:.0f} MB are left, and a start needs "
                f"{_DISK_NEEDED / 1e6:.0f} MB.",
                hint=f'df -h "{root}"; du -sh "{root}"/data/*',
            )

    def _spawned(self, launcher: Launcher, record: ClusterRecord, name: str) -> ClusterRecord:
        """Start one server and write down which process it is."""
        planned = record.service(name)
        assert planned is not None
        identity = launcher.spawn(record, planned)
        record = record.with_service(process_tags.started(planned, identity))
        state.write(self._project, record)
        return record

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Jars and a Java; the class archive takes a rehearsal."""
        broker_properties.read(settings.broker_properties)
        lock, archives = self._fetched(settings)
        java = archives.java
        found = (
            f"{len(lock.jars)} jars of Kafka {lock.kafka}",
            f"Java {java.version} ({java.why})",
        )
        return (*found, "Java class archive") if archives.is_built() else found

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Whether there is no class archive for this Java and class path yet."""
        return not self._fetched(settings)[1].is_built()

    def _fetched(self, settings: Settings) -> tuple[jars.Lock, class_archive.Archives]:
        """The lock, with its jars in the cache, and where their class archives belong."""
        lock = jars.load_lock(settings.kafka_line)
        java = javas.choose(settings)
        class_path = jars.ensure(lock, settings.cache, self._recorder)
        return lock, class_archive.locate(settings.cache, java, class_path, lock.kafka)

    def settled(self, *, wait: bool = False) -> None:
        """Once the cluster is ready: make the class archive that the next start will use.

        In the background unless `wait`.
        """
        if self._archives is None or set(self._lists) != set(class_archive.ROLES):
            return
        if any(not path.exists() for path in self._lists.values()):
            return
        path = class_archive.order(self._archives, self._lists)
        self._lists = {}
        if path is None:
            return
        if wait:
            class_archive.build(path)
        else:
            class_archive.build_in_background(path)

    # -- stop ----------------------------------------------------------------------------------

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop brokers, the last first, then ZooKeeper; SIGKILL only after the grace."""
        self.adopt()
        record = self.record()
        stopped: list[str] = []
        gone: list[ServiceRecord] = []
        if record is not None:
            order = [s for s in reversed(record.services) if services is None or s.name in services]
            record = msgspec.structs.replace(
                record, wanted="stopped" if services is None else record.wanted
            )
            state.write(self._project, record)
            keeper = record.service(ZOOKEEPER)
            keeper_id = process_tags.identity(keeper) if keeper else None
            for service in order:
                identity = process_tags.identity(service)
                if identity is None or not processes.is_running(identity):
                    continue
                alone = keeper_id is None or not processes.is_running(keeper_id)
                if self._end(service.name, identity, alone=alone):
                    gone.append(service)
                stopped.append(service.name)
                self._recorder.passed("stopped", service.name)
            for service in gone:
                record = record.with_service(process_tags.idle(service))
            state.write(self._project, record)
        if wipe:
            self._wipe()
        return tuple(stopped)

    def _end(self, name: str, identity: processes.Identity, *, alone: bool) -> bool:
        """End one of them; whether that was in an orderly way."""
        keeper = name == ZOOKEEPER
        grace = _GRACE_ALONE_S if alone and not keeper else _GRACE_S
        log = self._project.state / "logs" / f"{name}.log"
        before = log_tail.size(log)
        try:
            in_time = processes.stop(identity, grace_s=grace)
        except KeyboardInterrupt:
            # Told to end, it answers for a while yet: nobody shall take it for one that runs on.
            processes.await_end(identity, _GRACE_ALONE_S)
            raise
        if not in_time:
            self._recorder.notice(f"{name} did not end within {grace:g} s and was killed")
            return False
        # A broker that is still starting up refuses to shut down, and halts while it is registered.
        return keeper or (not alone and log_tail.has_since(log, before, _GOODBYE))

    def _wipe(self) -> None:
        root = self._project.state
        for name in ("data", "conf", "logs", "run"):
            shutil.rmtree(root / name, ignore_errors=True)
        state.forget(self._project)

    # -- data ----------------------------------------------------------------------------------

    def has_data(self, settings: Settings) -> bool:
        """Whether servers of this project have left anything."""
        return EmbeddedData(self._project.state, settings.brokers).exists()

    @contextmanager
    def data(self, settings: Settings) -> Iterator[EmbeddedData]:
        """The files below `.kafka-tasks/data`."""
        yield EmbeddedData(self._project.state, settings.brokers)

    def expect(self, settings: Settings) -> None:
        """Write down what a start with these settings would be; a wish to run is kept."""
        before = self.record()
        planned = self._planned(settings, jars.load_lock(settings.kafka_line).kafka)
        wanted = before.wanted if before else "stopped"
        state.write(self._project, msgspec.structs.replace(planned, wanted=wanted))

    # -- logs ----------------------------------------------------------------------------------

    def logs(self, service: str, tail: int) -> list[str]:
        """What the JVM itself said, then the last lines of the service's log."""
        out, log = self._log_files(service)
        said = [line for line in log_tail.last_lines(out, tail) if line.strip()]
        return said + log_tail.last_lines(log, tail - len(said))

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """The last lines and each new one, across rotations."""
        return log_tail.follow(self._log_files(service)[1], tail)

    def _log_files(self, service: str) -> tuple[Path, Path]:
        record = self.known()
        known = [entry.name for entry in record.services] if record else []
        if service not in known:
            names = ", ".join(known) or "none yet"
            raise InvalidInput(
                f"There is no service {service!r} in this project (there is: {names}).",
                hint="invoke kafka.status",
            )
        logs = self._project.state / "logs"
        return logs / f"{service}.out", logs / f"{service}.log"


def fingerprint(settings: Settings) -> dict[str, str]:
    """What a running cluster was started with, as far as only a restart changes it."""
    fields = (
        "version",
        "brokers",
        "port",
        "zookeeper_port",
        "heap",
        "zookeeper_heap",
        "broker_properties",
        "java_home",
    )
    return {name: str(getattr(settings, name)) for name in fields}


def _about_to_start(name: str, record: ClusterRecord) -> ServiceRecord:
    port = ports.of_service(name, record.port, record.zookeeper_port)
    return ServiceRecord(name=name, port=port, token=uuid.uuid4().hex)
