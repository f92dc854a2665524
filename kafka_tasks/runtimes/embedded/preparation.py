"""What a start needs from the cache: jars, a Java, and class archives for the next start."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from kafka_tasks.model.events import Recorder
from kafka_tasks.runtimes import broker_properties, roles
from kafka_tasks.runtimes.embedded import build_archives, class_archive, jars, java
from kafka_tasks.runtimes.embedded.class_archive import Archives
from kafka_tasks.settings import Settings


class EmbeddedPreparation(Struct):
    """Jars and archives; `archives` are those of the last start, which lacked those in `missing`.

    `lists` has the class lists that this start wrote, and `settings` are its settings.
    """

    recorder: Recorder
    settings: Settings | None = None
    archives: Archives | None = None
    missing: frozenset[str] = frozenset()
    lists: dict[str, Path] = field(default_factory=dict)

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch the jars and find a Java; the class archive takes a rehearsal."""
        broker_properties.of(settings)
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
        path = self._ordered()
        self.missing, self.lists = frozenset(), {}
        if path is None:
            return
        if wait:
            build_archives.build(path)
        else:
            class_archive.build_in_background(path)

    def _ordered(self) -> Path | None:
        """Return the order for the builder; None where nothing can be built from this start."""
        if self.archives is None or self.settings is None or not self.missing:
            return None
        if self.archives.are_trained:
            # It brings confluent-kafka along, which a start imports while the servers start.
            from kafka_tasks.runtimes.embedded.training import settings_of

            settings = settings_of(self.settings, self.archives.java.home)
            return class_archive.order(self.archives, {}, settings)
        if set(self.lists) != self.missing:
            return None
        if not all(path.exists() for path in self.lists.values()):
            return None
        return class_archive.order(self.archives, self.lists)
