"""Before a topic is deleted or trimmed: what would bring it back, but for its records."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from kafka_tasks.model.group import Place
from kafka_tasks.model.topic import TopicState
from kafka_tasks.project import private

NOTICE = "the records themselves are not in it"


def write(
    directory: Path,
    cluster_id: str,
    topics: Iterable[TopicState],
    committed: Mapping[str, Mapping[Place, int]],
    *,
    now: datetime | None = None,
) -> Path:
    """Write a topics.yaml with these topics as they are; returns its path.

    `committed` is what groups have committed, group by group: it stands there as comments, since
    offsets mean nothing to a topic that is made anew. Readable by the owner alone.
    """
    moment = now or datetime.now(UTC)
    states = sorted(topics, key=lambda state: state.name)
    lines = [
        f"# Topics of cluster {cluster_id} as they were on {moment:%Y-%m-%d %H:%M:%S} UTC, before",
        f"# they were deleted or trimmed; {NOTICE}.",
        "# Make them anew: invoke kafka.topic.apply --file FILE",
        yaml.safe_dump({"topics": [as_entry(state) for state in states]}, sort_keys=False).rstrip(),
        *_comments({state.name for state in states}, committed),
    ]
    directory.mkdir(mode=private.DIRECTORY_MODE, parents=True, exist_ok=True)
    path = directory / f"topics-{moment:%Y%m%dT%H%M%S.%fZ}.yaml"
    with open(path, "x", encoding="utf-8", opener=private.opener) as out:
        out.write("\n".join(lines) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return path


def as_entry(state: TopicState) -> dict[str, Any]:
    """A topic as topics.yaml has it: what was set on it, and no defaults."""
    entry: dict[str, Any] = {
        "name": state.name,
        "partitions": len(state.partitions),
        "replication_factor": state.replication_factor,
    }
    config = {
        key: value.value.replace("$", "$$")
        for key, value in sorted(state.config.items())
        if value.explicit and value.value is not None
    }
    return {**entry, "config": config} if config else entry


def _comments(names: set[str], committed: Mapping[str, Mapping[Place, int]]) -> Iterable[str]:
    rows = [
        f"#   {group}  {topic}-{partition}  {offset}"
        for group, places in sorted(committed.items())
        for (topic, partition), offset in sorted(places.items())
        if topic in names
    ]
    return ["# What consumer groups had committed:", *rows] if rows else []
