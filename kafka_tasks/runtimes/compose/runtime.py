"""Servers in containers of a Docker engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

from kafka_tasks import ahead
from kafka_tasks.clients import processes
from kafka_tasks.clients.container import Container
from kafka_tasks.clients.docker_errors import elsewhere
from kafka_tasks.errors import InvalidInput, MachineError, NotReady
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW, telling
from kafka_tasks.model.topology import NAMES, Topology
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes import node_data
from kafka_tasks.runtimes.compose import (
    command,
    compose_file,
    containers,
    health_checks,
    leavings,
    plan,
    secured_services,
)
from kafka_tasks.runtimes.compose.preparation import ComposePreparation
from kafka_tasks.runtimes.compose.recovery import ComposeRecovery
from kafka_tasks.runtimes.compose.site import RUNTIME, Site
from kafka_tasks.runtimes.compose.volumes import ComposeDataAccess
from kafka_tasks.runtimes.protocol import Abilities
from kafka_tasks.runtimes.secure import container_files
from kafka_tasks.runtimes.secure.store import SecureStore
from kafka_tasks.settings import Settings

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine


class ComposeRuntime:
    """The cluster of one project as a Compose project."""

    name = RUNTIME

    def __init__(
        self, project: Project, recorder: Recorder | None = None, engine: Engine | None = None
    ) -> None:
        self._recorder = recorder or Recorder()
        self._site = Site(project, self._recorder, engine)
        self._before: leavings.Before | None = None
        self.abilities = Abilities(
            servers=self,
            recovery=ComposeRecovery(self._site, self.observe),
            preparation=ComposePreparation(self._site),
            data=ComposeDataAccess(self._site),
        )

    # -- look ----------------------------------------------------------------------------------

    def plan(self, settings: Settings) -> Cluster:
        """Return the cluster by its published ports, else as recorded, else by the settings."""
        site = self._site
        return containers.cluster(site.project.path, site.containers(), site.record(), settings)

    def observe(self) -> Observation:
        """Look at each expected service, and whether its container runs."""
        return containers.observed(self._expected(), self._site.containers())

    def _expected(self) -> Topology:
        record = self._site.record()
        return record.topology if record and record.wanted == "running" else Topology()

    def expect_start(self, settings: Settings) -> None:
        """Let Compose read its file."""
        self._site.ask_ahead(settings)

    # -- start ---------------------------------------------------------------------------------

    def start(
        self,
        settings: Settings,
        services: Sequence[str] | None = None,
        *,
        seen: Observation | None = None,
    ) -> Cluster:
        """Bring up what is not running; raises before anything starts if the machine cannot."""
        self._require_local()
        settings = compose_file.fitted(settings)
        secured_services.require_possible(settings)
        self._site.project.make_state()
        there = self._site.containers() or self._made_for_old_data(settings)
        record = self._site.planned(settings, there)
        topology = record.topology
        self._site.require_fitting_data(settings, record, there)
        # Also of those that are going to be started later.
        published = self._site.published(settings, record)
        file = compose_file.with_fixed_ports(settings)
        plan.require_ports(topology, self._site.engine, there, published, file)
        self._secure(settings)
        project = self._site.prepared(settings, record, there)
        state.write(self._site.project, record)
        # One that is started after a wipe is another cluster.
        self._site.new_id = node_data.new_id()
        self._drop_orphans(project, topology)
        wanted = topology if services is None else topology.only(services)
        alone = bool(wanted.brokers) and self._has_zookeeper(topology, there)
        names = [each.name for each in (wanted.brokers if alone else wanted)]
        if alone:
            # Asked for alone, Compose would replace one that was made with its dependencies.
            names = [name for name in names if name not in there or not there[name].running]
        if self._before is None or not any(found.running for found in there.values()):
            # Where a coordinator was started first, all of it is one start.
            self._before = leavings.Before.of(self._site.engine, project.name)
        # With no name, Compose starts everything.
        if names:
            # What the readiness of a broker needs takes as long to import as a network to make.
            importing = ahead.begin(partial(import_module, "kafka_tasks.clients.kafka.admin"))
            done = project.up(names, timeout_s=settings.timeout + 30, alone=alone)
            importing.exception()
            if done.code:
                self._explain(done)
        return self.plan(settings)

    def _secure(self, settings: Settings) -> None:
        """Make the certificates and passwords that a secured start needs, and their copies."""
        kept = SecureStore.of(self._site.project)
        if settings.security is None:
            container_files.forget(kept)
            return
        from kafka_tasks.runtimes.secure import issuing

        issuing.prepare(kept, settings.security, self._recorder.notice)
        container_files.write(kept, settings.security)

    def _made_for_old_data(self, settings: Settings) -> dict[str, Container]:
        """Create containers where volumes are all that is left: their data is read through them.

        They are removed again where the data does not fit.
        """
        site = self._site
        record = site.planned(settings, {})
        if site.record() or not site.engine.has_volumes(record.compose_project or ""):
            return {}
        project = site.prepared(settings, record, {})
        project.create(record.topology.names)
        there = site.containers()
        try:
            site.require_fitting_data(settings, record, there)
        except InvalidInput:
            site.take_away(project, wipe=False)
            raise
        return there

    def _has_zookeeper(self, topology: Topology, there: Mapping[str, Container]) -> bool:
        """Return whether ZooKeeper runs: Compose would wait for its health check once more.

        The probes prove it, too. Nodes in KRaft mode wait for no health check.
        """
        found = [there.get(each.name) for each in topology.coordinators]
        all_run = bool(found) and all(each is not None and each.running for each in found)
        return all_run and not topology.voters

    def _require_local(self) -> None:
        engine = self._site.engine
        if not engine.is_local:
            raise elsewhere(engine.host)

    def _drop_orphans(self, project: command.Project, topology: Topology) -> None:
        """Remove kafka-tasks containers whose service the file no longer has."""
        for found in self._site.engine.of_project(project.name):
            mine = found.labels.get(containers.OURS) is not None
            if mine and found.service not in (*NAMES, *topology.names):
                self._recorder.notice(f"removing {found.name}: the Compose file no longer has it")
                command.remove_container(found.id)

    def _explain(self, done: processes.Completed) -> None:
        """Raise why Compose gave up: the container that exited, or its own last lines."""
        for name, found in self._site.containers().items():
            if not found.running and found.status == "exited":
                raise NotReady(
                    f"{name} exited while it was started ({containers.ended(found)}).",
                    layer="process",
                    service=name,
                    evidence=telling(self._site.engine.logs(found.id, WINDOW)),
                    hint=f"invoke kafka.logs --service {name}",
                )
            if found.health == "unhealthy":
                raise NotReady(
                    f"The health check of {name} does not hold.",
                    layer="process",
                    service=name,
                    evidence=list(_checked(name, found)),
                    hint=f"invoke kafka.logs --service {name}",
                )
        lines = [line for line in done.output.strip().splitlines() if line.strip()]
        exists = "incorrect label" in done.output and "network" in done.output
        raise MachineError(
            f"docker compose up failed (exit code {done.code}).",
            evidence=lines[-5:],
            # Its explanation has the fix of what the engine said.
            hint="KAFKA_TASKS_NETWORK_EXTERNAL=true joins a network that exists already"
            if exists
            else None,
        )

    # -- stop ----------------------------------------------------------------------------------

    def stop(self, services: Sequence[str] | None = None, *, wipe: bool = False) -> tuple[str, ...]:
        """Stop `services` and keep their containers; without names remove what Compose made."""
        there = self._site.containers()
        record = self._site.record()
        running = containers.topology(
            {n: found for n, found in there.items() if found.running},
            record.topology if record else None,
        )
        wanted = running.names if services is None else services
        waves = [[one.name for one in wave if one.name in wanted] for wave in running.stop_waves]
        order = [name for wave in waves for name in wave]
        project = self._site.known(record, there)
        # Data in a user's own file may lie where no volume goes with it: that is left in order.
        at_once = wipe and project is not None and compose_file.is_packaged(project.files[0])
        if project is not None and not at_once:
            self._stop_each(project, waves)
        if services is not None:
            return tuple(order)
        if project is not None:
            data = {} if wipe else leavings.unnamed_data(there.values())
            self._site.take_away(project, wipe=wipe, at_once=at_once)
            for name in order if at_once else ():
                self._recorder.passed("stopped", name)
            unnamed = leavings.anonymous(there.values()).difference(data)
            leavings.Leavings(volumes=tuple(unnamed)).remove()
        if record is not None:
            idle = msgspec.structs.replace(record, wanted="stopped", changed_at=time.time())
            state.write(self._site.project, idle)
        if wipe:
            SecureStore.of(self._site.project).forget()
            state.forget(self._site.project)
        return tuple(order)

    def take_back(self, *, interrupted: bool) -> tuple[str, ...]:
        """Undo the last start of this object: stop what lives, and remove all that it made."""
        if self._before is None:
            return ()
        made, self._before = self._before.new(self._site.engine), None
        stopped = self.stop()
        made.remove()
        return stopped

    def _stop_each(self, project: command.Project, waves: Sequence[Sequence[str]]) -> None:
        """Stop one wave after the other, brokers first: each leaves in order."""
        for names in filter(None, waves):
            project.stop(names)
            for name in names:
                self._recorder.passed("stopped", name)

    # -- logs ----------------------------------------------------------------------------------

    def logs(self, service: str, tail: int) -> list[str]:
        """Return the last lines of the service's container; none where it is gone."""
        found = self._of(service)
        return self._site.engine.logs(found.id, tail) if found else []

    def follow(self, service: str, tail: int) -> Iterator[str]:
        """Yield the last lines and each new one."""
        found = self._of(service)
        return self._site.engine.follow(found.id, tail) if found else iter(())

    def _of(self, service: str) -> Container | None:
        there = self._site.containers()
        if service not in there and service not in self._expected().names:
            raise InvalidInput(
                f"There is no container of {service!r} in this project "
                f"(there is: {', '.join(there) or 'none yet'}).",
                hint="invoke kafka.status",
            )
        return there.get(service)


def _checked(name: str, found: Container) -> Iterator[str]:
    """Yield the health check of a container and what it printed, a line each."""
    yield f"health check of {name}: {found.health_check}"
    for line in found.health_log:
        yield f"health check of {name}: {line}"
    if (tool := health_checks.tool_of(found.health_check)) is not None:
        yield f"health check of {name}: its health check starts a JVM ({tool})"
