"""A rehearsal of an image: what one start of it teaches, for all later ones on this engine.

A node's first start formats its data with a JVM of its own, and every start loads the same classes.
A rehearsal does both once, in a container without network, and leaves a volume for its image with
the checkpoint of the format and an archive of the classes. The Compose file mounts it read-only.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kafka_tasks.clients import processes
from kafka_tasks.clients.container import Container
from kafka_tasks.runtimes.compose import command

if TYPE_CHECKING:
    from kafka_tasks.clients.docker import Engine

# Where the Compose file mounts the volume, and the names that it has for it.
_PLACE = "/var/lib/kafka-tasks"
_NAME, _EXTERNAL = "REHEARSED_VOLUME", "REHEARSED_EXTERNAL"
_PREFIX = "kafka-tasks-rehearsed-"
_LABEL = "kafka-tasks.rehearsed"
_TIMEOUT_S = 400
# One combined node that no other one knows.
_NODE = {
    "CLUSTER_ID": "kafka-tasks-rehearsal0",
    "KAFKA_NODE_ID": "1",
    "KAFKA_PROCESS_ROLES": "broker,controller",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@kafka:29093",
    "KAFKA_LISTENERS": "CONTAINER://0.0.0.0:29092,CONTROLLER://0.0.0.0:29093",
    "KAFKA_ADVERTISED_LISTENERS": "CONTAINER://kafka:29092",
    "KAFKA_LOG_DIRS": "/var/lib/rehearsal",
}
# The JVM writes its archive when it ends in order; one that cannot (before Java 13) writes none.
# The sums come last: without them there is nothing.
_SCRIPT = """
set -u
to=$1 check=$2 data=$KAFKA_LOG_DIRS
shift 2
if [ -e "$to/sums" ]; then exit 0; fi
mkdir -p "$data"
archive="-XX:+IgnoreUnrecognizedVMOptions -XX:ArchiveClassesAtExit=$to/kafka.jsa.draft"
export KAFKA_JVM_PERFORMANCE_OPTS="${KAFKA_JVM_PERFORMANCE_OPTS-} $archive"
"$@" &
server=$!
ready=""
for _ in $(seq 1500); do
  if bash -c "$check" 2>/dev/null; then ready=yes; break; fi
  if ! kill -0 "$server" 2>/dev/null; then exit 1; fi
  sleep 0.2
done
kill -TERM "$server"
wait "$server"
if [ -z "$ready" ]; then exit 1; fi
cp "$data/bootstrap.checkpoint" "$to/bootstrap.checkpoint"
if [ -e "$to/kafka.jsa.draft" ]; then mv "$to/kafka.jsa.draft" "$to/kafka.jsa"; fi
cd "$to" && chmod 0444 * && sha256sum bootstrap.checkpoint >sums.draft && mv sums.draft sums
"""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The rehearsal of the image that a Compose file starts its first node from."""

    engine: Engine
    image: str
    volume: str
    service: Mapping[str, Any]

    @classmethod
    def of(cls, engine: Engine, config: Mapping[str, Any]) -> Rehearsal | None:
        """Return that of a file as Compose reads it; None where its start uses none."""
        service = config["services"].get("kafka") or {}
        mounts = service.get("volumes") or ()
        words = service.get("command") or ()
        if not any(mount.get("target") == _PLACE for mount in mounts) or "image" in words[-1:]:
            return None
        image = engine.image_id(str(service.get("image")))
        if image is None:
            return None
        return cls(engine, image, _PREFIX + image.removeprefix("sha256:")[:12], service)

    def variables(self, there: Collection[Container]) -> dict[str, str]:
        """Return what puts the volume into the Compose file, where it is there.

        Containers that were created without it keep what they have.
        """
        if self.volume not in self.engine.labelled_volumes(_LABEL):
            return {}
        if any(not any(name.startswith(_PREFIX) for name in each.volumes) for each in there):
            return {}
        return {_NAME: self.volume, _EXTERNAL: "true"}

    def is_due(self) -> bool:
        """Return whether none of this image has begun on this engine."""
        return self.volume not in self.engine.labelled_volumes(_LABEL)

    def hold(self, *, wait: bool) -> bool:
        """Have one, in the background unless `wait`; return whether it could begin, or went well.

        Volumes of images that are gone go as well, and with `wait` that of a failed one.
        """
        for name, image in self.engine.labelled_volumes(_LABEL).items():
            if not self.engine.has_image(image):
                command.remove_volume(name)
        made = ["docker", "volume", "create", "--label", f"{_LABEL}={self.image}", self.volume]
        if processes.run(made, timeout_s=60).code:
            return False
        held = processes.run(self._run(wait=wait), timeout_s=_TIMEOUT_S).code == 0
        if wait and not held:
            # Not where another one is at work: then it is in use.
            command.remove_volume(self.volume)
        return held

    def _run(self, *, wait: bool) -> list[str]:
        environment = {**(self.service.get("environment") or {}), **_NODE}
        # Compose writes a $ as two.
        texts = {name: str(text or "").replace("$$", "$") for name, text in environment.items()}
        words = [str(word).replace("$$", "$") for word in self.service["command"]]
        check = str(self.service["healthcheck"]["test"][-1]).replace("$$", "$")
        return [
            # Whatever else this machine does comes before one in the background.
            *("docker", "run", "--rm", *(() if wait else ("--detach", "--cpu-shares", "2"))),
            *("--name", f"{self.volume}-training", "--network", "none", "--pull", "never"),
            *("--hostname", "kafka", "--add-host", "kafka:127.0.0.1", "--user", "0:0"),
            *("--volume", f"{self.volume}:{_PLACE}"),
            *(part for name, text in texts.items() for part in ("--env", f"{name}={text}")),
            *("--entrypoint", "bash", self.image, "-c", _SCRIPT, "bash", _PLACE, check, *words),
        ]
