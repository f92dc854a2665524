"""What a start in containers needs: Compose, and the images of the Compose file."""

from __future__ import annotations

from dataclasses import dataclass

from kafka_tasks.runtimes import broker_properties
from kafka_tasks.runtimes.compose import command
from kafka_tasks.runtimes.compose.site import Site, images_of
from kafka_tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class ComposePreparation:
    """The images that the Compose file names, and a Compose that is new enough."""

    site: Site

    def pull(self, settings: Settings) -> tuple[str, ...]:
        """Fetch the images that are missing."""
        command.require_compose()
        broker_properties.of(settings)
        config = self.site.composed(settings, self.site.record()).config()
        images = images_of(config, settings.topology.names)
        self.site.require_images(images, settings)
        return tuple(images)

    def wants_rehearsal(self, settings: Settings) -> bool:
        """Return False: images are all that a start needs."""
        return False

    def prepare_next_start(self, *, wait: bool = False) -> None:
        """Do nothing: the next start is as fast as this one."""
