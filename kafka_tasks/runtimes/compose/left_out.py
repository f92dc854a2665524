"""What a start does not take over: other Compose files, Compose's variables, and our settings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from kafka_tasks.runtimes.compose import compose_file
from kafka_tasks.settings import PREFIX, Settings

# What Compose by itself would read beside a file of one of its names.
_BESIDE = tuple(name.replace(".y", ".override.y") for name in compose_file.NAMES)
# Variables of Compose that a start with kafka-tasks has its own values for, and what says it there.
_OWN_WAY = {
    "COMPOSE_FILE": "KAFKA_TASKS_COMPOSE_FILE names the file",
    "COMPOSE_PROFILES": "only the services of the cluster are started",
}
# Settings that work through the variables of a Compose file alone.
_OF_FILES = (
    *("version", "kafka_image", "zookeeper_image", "port", "zookeeper_port", "controller_port"),
    *("network", "launch"),
)
# A file may read variables in other files, too.
_IN_PARTS = re.compile(r"\b(?:include|extends)\s*:")


def lines(settings: Settings, project: str) -> Iterator[str]:
    """Yield, a line each, what a user may have counted on and a start does not use."""
    chosen = compose_file.choose(settings).path
    is_packaged = compose_file.is_packaged(chosen)
    if chosen.parent == settings.project and chosen.name in compose_file.NAMES:
        for path in (settings.project / name for name in _BESIDE):
            if path.is_file():
                yield f"{path.name} is not used: kafka-tasks starts {chosen.name} alone"
    told = compose_file.told_to_compose(settings)
    for name, why in _OWN_WAY.items():
        taken = name == "COMPOSE_PROFILES" and not is_packaged
        if (text := told.get(name)) and not taken:
            yield f"{name}={text} is not used: {why}"
    if (wanted := told.get("COMPOSE_PROJECT_NAME")) and wanted != project:
        yield f"COMPOSE_PROJECT_NAME={wanted} is not used: the project is {project}"
    if not is_packaged:
        yield from _unread(settings, chosen)


def _unread(settings: Settings, path: Path) -> Iterator[str]:
    """Yield the settings that a user's own file has no variable for."""
    text = path.read_text(encoding="utf-8", errors="replace")
    if _IN_PARTS.search(text):
        return
    for name in _OF_FILES:
        variable = f"{PREFIX}{name.upper()}"
        if settings.explicit(name) and not re.search(rf"\b{variable}\b", text):
            yield f"{variable} is not used: {path.name} does not read it"
