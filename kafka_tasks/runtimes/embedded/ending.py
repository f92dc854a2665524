"""The end of a cluster's processes, one after the other, and what each of them said last."""

from __future__ import annotations

from dataclasses import dataclass, field

from kafka_tasks.clients import processes
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.topology import Service
from kafka_tasks.project.directory import Project
from kafka_tasks.project.state import ClusterRecord
from kafka_tasks.runtimes import roles
from kafka_tasks.runtimes.embedded import log_tail, process_tags

# A signalled process still answers for a while: how long it is waited for after Ctrl-C.
_INTERRUPTED_S = 5.0


@dataclass(slots=True)
class Ending:
    """Services that are stopped; `record` no longer has the processes that exited in order."""

    project: Project
    record: ClusterRecord
    recorder: Recorder
    stopped: list[str] = field(default_factory=list)

    def end(self, service: Service) -> None:
        """Stop one service, if it runs."""
        record = self.record.service(service.name)
        identity = process_tags.identity(record) if record else None
        if record is None or identity is None or not processes.is_running(identity):
            return
        if self._ended_in_order(service, identity):
            self.record = self.record.with_service(process_tags.idle(record))
        self.stopped.append(service.name)
        self.recorder.passed("stopped", service.name)

    def _ended_in_order(self, service: Service, identity: processes.Identity) -> bool:
        recipe = roles.of(service.role)
        alone = not service.role.coordinates and not self._coordinated()
        grace = recipe.alone_s if alone else recipe.grace_s
        log = self.project.state / "logs" / f"{service.name}.log"
        before = log_tail.size(log)
        try:
            in_time = processes.stop(identity, grace_s=grace)
        except KeyboardInterrupt:
            # Without the wait the next command would see it alive and count on it.
            processes.await_end(identity, _INTERRUPTED_S)
            raise
        if not in_time:
            self.recorder.notice(f"{service.name} did not end within {grace:g} s and was killed")
            return False
        if recipe.goodbye is None:
            return True
        # A broker that is still starting up refuses to shut down, and halts while it is registered.
        return not alone and log_tail.has_since(log, before, recipe.goodbye)

    def _coordinated(self) -> bool:
        """Return whether a coordinator runs with which brokers can deregister."""
        for service in self.record.topology.coordinators:
            record = self.record.service(service.name)
            identity = process_tags.identity(record) if record else None
            if identity and processes.is_running(identity):
                return True
        return False
