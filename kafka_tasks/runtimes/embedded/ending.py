"""The end of a cluster's processes, wave by wave, and what each of them said last."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct, field

from kafka_tasks.clients import processes
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Service
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord, ServiceRecord
from kafka_tasks.retry import Deadline
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.embedded import log_tail, process_tags
from kafka_tasks.runtimes.roles.recipe import Recipe

# A signalled process still answers for a while: how long it is waited for after Ctrl-C.
_INTERRUPTED_S = 5.0


class _Leaving(Struct, frozen=True):
    """One service that runs, and the size of its log in bytes before it is asked to end."""

    record: ServiceRecord
    recipe: Recipe
    identity: processes.Identity
    log: Path
    log_size: int


class Ending(Struct):
    """Services that are stopped; `record` no longer has the processes that exited in order."""

    project: Project
    record: ClusterRecord
    recorder: Recorder
    stopped: list[str] = field(default_factory=list)

    def end(self, services: Iterable[Service]) -> None:
        """Stop those of these services that run, all at the same moment."""
        leaving = [each for service in services if (each := self._leaving(service))]
        alone = not self.record.topology.is_coordinated(self._alive())
        try:
            for each in leaving:
                processes.ask_to_end(each.identity)
            for each in leaving:
                if self._ended_in_order(each, alone):
                    self.record = self.record.with_service(process_tags.idle(each.record))
                self.stopped.append(each.record.name)
                self.recorder.passed("stopped", each.record.name)
        except KeyboardInterrupt:
            # Without the wait the next command would see them alive and count on them.
            last = Deadline.after(_INTERRUPTED_S)
            for each in leaving:
                processes.await_end(each.identity, last.remaining())
            raise

    def discard(self, services: Iterable[Service]) -> None:
        """Kill those of these services that run, all at the same moment.

        For data that is deleted next: a broker takes a second to leave it in order.
        """
        leaving = [each for service in services if (each := self._leaving(service))]
        processes.kill([each.identity for each in leaving])
        for each in leaving:
            self.stopped.append(each.record.name)
            self.recorder.passed("stopped", each.record.name)

    def _leaving(self, service: Service) -> _Leaving | None:
        """Return a service that runs, and how long its log is before it is asked to end."""
        record = self.record.service(service.name)
        identity = process_tags.identity(record) if record else None
        if record is None or identity is None or not processes.is_running(identity):
            return None
        log = self.project.state / "logs" / f"{service.name}.log"
        return _Leaving(record, roles.of(service.role), identity, log, log_tail.size(log))

    def _ended_in_order(self, leaving: _Leaving, alone: bool) -> bool:
        recipe = leaving.recipe
        grace = recipe.alone_s if alone else recipe.grace_s
        if not processes.ended_within(leaving.identity, grace):
            name = leaving.record.name
            self.recorder.notice(f"{name} did not end within {grace:g} s and was killed")
            return False
        if recipe.goodbye is None:
            return True
        # A broker that is still starting up refuses to shut down, and halts while it is registered.
        return not alone and log_tail.has_since(leaving.log, leaving.log_size, recipe.goodbye)

    def _alive(self) -> set[str]:
        """Return the names of the coordinators that run, with which brokers can deregister."""
        found = set()
        for service in self.record.topology.coordinators:
            record = self.record.service(service.name)
            identity = process_tags.identity(record) if record else None
            if identity and processes.is_running(identity):
                found.add(service.name)
        return found
