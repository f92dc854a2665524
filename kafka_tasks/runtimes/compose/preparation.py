"""What a start in containers needs: Compose, and the images of the Compose file."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.runtimes import broker_properties
from kafka_tasks.runtimes.compose.rehearsal import Rehearsal
from kafka_tasks.runtimes.compose.site import Site, images_of
from kafka_tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class ComposePreparation:
    """The images that the Compose file names, and a Compose that is new enough."""

    site: Site

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch the images that are missing, and have a rehearsal of the broker's."""
        broker_properties.of(settings)
        config = self.site.composed(settings, self.site.record()).config()
        images = images_of(config, settings.topology.names)
        self.site.require_images(images, settings)
        rehearsal = Rehearsal.of(self.site.engine, config)
        if rehearsal is None:
            return tuple(images)
        self.site.recorder.notice("having a rehearsal of the broker's image (about 15 s)")
        return (*images, "rehearsal") if rehearsal.hold(wait=True) else tuple(images)

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Return False: a rehearsal needs no cluster of the project's."""
        return False

    def prepare_next_start(self, *, wait: bool = False) -> None:
        """Have a rehearsal of the broker's image, where none has begun."""
        rehearsal = self.site.rehearsal
        if rehearsal is not None and rehearsal.is_due():
            rehearsal.hold(wait=wait)
