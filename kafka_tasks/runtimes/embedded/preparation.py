"""What a start needs from the cache: jars, a Java, and class archives for the next start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes import broker_properties, roles
from kafka_tasks.runtimes.embedded import class_archive, jars, java
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.settings import Settings


@dataclass(slots=True)
class EmbeddedPreparation:
    """Jars and archives; `lists` has the class lists that the last start of this object wrote."""

    recorder: Recorder
    archives: Archives | None = None
    lists: dict[str, Path] = field(default_factory=dict)

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch the jars and find a Java; the class archive takes a rehearsal."""
        broker_properties.read(settings.broker_properties)
        lock, archives = self._fetched(settings)
        found = (
            f"{len(lock.jars)} jars of Kafka {lock.kafka}",
            f"Java {archives.java.version} ({archives.java.why})",
        )
        return (*found, "Java class archive") if archives.is_built() else found

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Return whether there is no class archive for this Java and class path yet."""
        return not self._fetched(settings)[1].is_built()

    def _fetched(self, settings: Settings) -> tuple[jars.Lock, Archives]:
        """Return the lock, with its jars in the cache, and where their archives belong."""
        lock = jars.lock_to_start(settings)
        return lock, self.locate(settings, lock, java.choose(settings))

    def locate(self, settings: Settings, lock: jars.Lock, chosen: java.Java) -> Archives:
        """Bring the jars into the cache, and return where their archives belong."""
        class_path = jars.ensure(lock, settings.cache, self.recorder)
        names = roles.archives(settings.topology)
        return class_archive.locate(settings.cache, chosen, class_path, lock.kafka, names)

    def prepare_next_start(self, *, wait: bool = False) -> None:
        """Make the class archive that the next start will use, in the background unless `wait`."""
        if self.archives is None or set(self.lists) != set(self.archives.names):
            return
        if any(not path.exists() for path in self.lists.values()):
            return
        path = class_archive.order(self.archives, self.lists)
        self.lists = {}
        if path is None:
            return
        if wait:
            class_archive.build(path)
        else:
            class_archive.build_in_background(path)
