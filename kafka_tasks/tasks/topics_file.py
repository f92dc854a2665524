"""topics.yaml without a cluster: which file, and whether it is valid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import task

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.topics.model import WantedTopics

FILE_HELP = "a topics file or a directory of them (repeatable; default topics.yaml)"


def wanted(call: Call, files: Sequence[str]) -> WantedTopics:
    """Return what the files declare, for the Kafka of this project; raises `InvalidInput`.

    A variable comes from the environment, else from the project's `.env`.
    """
    from kafka_tasks.settings import dotenv_values_of, environment
    from kafka_tasks.topics.topics_yaml import read

    project = call.project()
    values = {**dotenv_values_of(project.path / ".env"), **environment()}
    return read(_chosen(call, files), values, kafka_line=_kafka_line(call))


def _chosen(call: Call, files: Sequence[str]) -> list[Path]:
    """Return the files that were named, or the one of the settings, shown as they were typed."""
    from pathlib import Path

    if files:
        return [Path(name).expanduser() for name in files]
    default = call.settings(call.project()).topics_file
    here = Path.cwd()
    return [default.relative_to(here) if default.is_relative_to(here) else default]


def _kafka_line(call: Call) -> str | None:
    """Return the Kafka line to check against; None for a remote cluster, whose line is unknown."""
    settings = call.settings(call.project())
    return None if settings.bootstrap_servers else settings.line.kafka


@task(iterable=("file",), help={"file": FILE_HELP, "schema": "print the JSON Schema for editors"})
def validate(call: Call, file: Any = None, schema: bool = False, output: str = "text") -> Outcome:
    """Check topics.yaml without a cluster, and report every problem at once."""
    from kafka_tasks.render.views import topics_schema, topics_valid

    if schema:
        from importlib.resources import files

        source = files("kafka_tasks.topics").joinpath("topics.schema.json")
        return shown(source.read_text(encoding="utf-8"), topics_schema)
    found = wanted(call, file or [])
    names = [str(path) for path in _chosen(call, file or [])]
    numbers = len(found.specs), len(found.access)
    valid = topics_valid.Valid(names, numbers[0], _kafka_line(call), found.doubts, numbers[1])
    return shown(valid, topics_valid)
