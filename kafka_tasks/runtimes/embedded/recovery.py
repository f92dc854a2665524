"""Recovery from a crash: processes without a record, suspended ones, brokers that were killed."""

from __future__ import annotations

from msgspec import Struct

from kafka_tasks.clients import processes
from kafka_tasks.model.cluster import Observation
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.runtimes.embedded import process_tags
from kafka_tasks.runtimes.embedded.observation import look
from kafka_tasks.runtimes.protocol import Recovered


class EmbeddedRecovery(Struct, frozen=True):
    """One project's processes, put right by their tags and by the record."""

    project: Project
    runtime: str

    def recover(self) -> Recovered:
        """Record the processes that the record lacks, and continue what a signal stopped.

        A crash between the decision and the start, or a lost record, leaves such processes.
        """
        before = state.read_of(self.project, self.runtime)
        record, strays = process_tags.with_strays(self.project.path, before, self.runtime)
        if strays and record:
            self.project.make_state()
            state.write(self.project, record)
        suspended = [
            (service.name, identity)
            for service in (record.started if record else ())
            if (identity := process_tags.identity(service)) and processes.is_suspended(identity)
        ]
        for _, identity in suspended:
            processes.resume(identity)
        return Recovered(look(record), strays, tuple(name for name, _ in suspended))

    def unclean(self, seen: Observation) -> bool:
        """Return whether a broker exited without a goodbye, so that it may still be registered."""
        record = state.read_of(self.project, self.runtime)
        data = self.project.state / "data"
        if record is None:
            return any(data.iterdir()) if data.is_dir() else False
        for broker in record.topology.brokers:
            known = record.service(broker.name)
            # A broker that the record lost may have ended in any way.
            if known is None or known.token is None:
                left = (data / broker.name).exists()
            else:
                left = known.pid is not None
            if left and broker.name not in seen.alive:
                return True
        return False

    def perhaps_registered(self, seen: Observation) -> bool:
        """Return the same: what is recorded is exact."""
        return self.unclean(seen)

    def exited(self) -> frozenset[str]:
        """Return the services whose recorded process has exited, by its pid and start time."""
        record = state.read_of(self.project, self.runtime)
        return frozenset(
            service.name
            for service in (record.started if record else ())
            if (identity := process_tags.identity(service)) and processes.has_exited(identity)
        )
