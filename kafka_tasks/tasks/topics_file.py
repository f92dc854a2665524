"""topics.yaml without a cluster: is it right?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._options import Call, Outcome, verb

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.topics.model import WantedTopics

FILE_HELP = "a topics file or a directory of them (repeatable; default topics.yaml)"


def chosen(call: Call, files: Sequence[str]) -> list[Path]:
    """The files that were named, or the one of the settings, shown as they were typed."""
    from pathlib import Path

    if files:
        return [Path(name).expanduser() for name in files]
    default = call.settings(call.project()).topics_file
    here = Path.cwd()
    return [default.relative_to(here) if default.is_relative_to(here) else default]


def wanted(call: Call, files: Sequence[str]) -> WantedTopics:
    """What the files declare, for the Kafka of this project's settings; raises `InvalidInput`.

    A variable comes from the environment, else from the project's `.env`.
    """
    from kafka_tasks.settings import dotenv_values_of, environment
    from kafka_tasks.topics.topics_yaml import read

    project = call.project()
    settings = call.settings(project)
    # Which version somebody else's cluster has is not known here.
    line = None if settings.bootstrap_servers else settings.kafka_line
    values = {**dotenv_values_of(project.path / ".env"), **environment()}
    return read(chosen(call, files), values, kafka_line=line)


@verb(iterable=("file",), help={"file": FILE_HELP, "schema": "print the JSON Schema for editors"})
def validate(call: Call, file: Any = None, schema: bool = False, output: str = "text") -> Outcome:
    """Check topics.yaml, without a cluster; every problem at once."""
    from importlib.resources import files

    if schema:
        import json

        source = files("kafka_tasks.topics").joinpath("topics.schema.json")
        text = source.read_text(encoding="utf-8")
        return Outcome(json.loads(text), lambda: text.rstrip())
    found = wanted(call, file or [])
    names = [str(path) for path in chosen(call, file or [])]
    count = len(found.specs)
    document = {"schema": 1, "files": names, "topics": count, "problems": []}
    settings = call.settings(call.project())
    line = f"Kafka {settings.kafka_line}" if not settings.bootstrap_servers else "any Kafka"
    topics = "1 topic" if count == 1 else f"{count} topics"
    return Outcome(document, lambda: f"{', '.join(names)}: {topics}, valid for {line}.")
