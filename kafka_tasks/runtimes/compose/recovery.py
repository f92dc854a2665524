"""Recovery of containers from a crash: paused ones, and brokers that were killed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kafka_tasks.model.cluster import Observation
from kafka_tasks.runtimes.compose import command, compose_file, containers
from kafka_tasks.runtimes.compose.site import Site
from kafka_tasks.runtimes.protocol import Recovered


@dataclass(frozen=True, slots=True)
class ComposeRecovery:
    """One project's containers; labels say whose they are, so that nothing has to be recorded."""

    site: Site
    observe: Callable[[], Observation]

    def recover(self) -> Recovered:
        """Resume what was paused, or stopped by a signal."""
        resumed = []
        for name, found in self.site.containers().items():
            if found.paused:
                command.unpause_container(found.id)
            elif found.running and self.site.engine.is_stopped(found.id):
                command.continue_container(found.id)
            else:
                continue
            resumed.append(name)
        return Recovered(self.observe(), resumed=tuple(resumed))

    def unclean(self, seen: Observation) -> bool:
        """Return whether a broker's container was killed, so that it may still be registered."""
        return containers.unclean(self.site.containers())

    def perhaps_registered(self, seen: Observation) -> bool:
        """Return whether there is data of an earlier start whose end is not known.

        A container that was removed has no exit code, and a broker that said goodbye after its
        coordinator was killed stays registered all the same.
        """
        there, record = self.site.containers(), self.site.record()
        recorded = compose_file.project_of(self.site.project.path, record)
        names = {recorded, *(container.project for container in there.values())}
        return containers.unclean(there) or any(map(self.site.engine.has_volumes, names))

    def exited(self) -> frozenset[str]:
        """Return the services whose container has exited; one that is gone tells nothing."""
        return containers.exited(self.site.containers())
