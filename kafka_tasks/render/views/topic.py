"""One topic: partitions, offsets, settings, and the groups that read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kafka_tasks.model.group import GroupLag
from kafka_tasks.model.topic import Offsets, TopicState
from kafka_tasks.render.document import SCHEMA, Document
from kafka_tasks.render.tables import table
from kafka_tasks.render.words import counted


@dataclass(frozen=True, slots=True)
class Described:
    """A topic with the offsets of its partitions, where known, its groups, and brokers' racks."""

    state: TopicState
    offsets: Mapping[int, Offsets]
    groups: Sequence[GroupLag] = ()
    racks: Mapping[int, str] = field(default_factory=dict)

    @property
    def brokers(self) -> list[int]:
        """The ids of the brokers that have replicas."""
        return sorted({id for partition in self.state.partitions for id in partition.replicas})


def document(found: Described) -> Document:
    """Return everything; null for what is not known."""
    state, offsets = found.state, found.offsets
    return {
        "schema": SCHEMA,
        "name": state.name,
        "replication_factor": state.replication_factor,
        "internal": state.internal,
        "partitions": [
            {
                "id": partition.id,
                "leader": partition.leader,
                "replicas": list(partition.replicas),
                "isr": list(partition.isr),
                "start": offsets[partition.id].start if partition.id in offsets else None,
                "end": offsets[partition.id].end if partition.id in offsets else None,
            }
            for partition in state.partitions
        ],
        "brokers": [{"id": id, "rack": found.racks.get(id)} for id in found.brokers],
        "config": {
            key: {"value": entry.value, "source": entry.source}
            for key, entry in sorted(state.config.items())
        }
        if state.shows_settings
        else None,
        "groups": [
            {"name": group.group.name, "state": group.group.state, "lag": group.lag_in(state.name)}
            for group in found.groups
        ],
    }


def text(found: Described, *, width: int) -> str:
    """Return a row a partition, then the settings that are not the default, then the groups."""
    state = found.state
    count = counted(len(state.partitions), "partition")
    parts = [
        f"{state.name}: {count}, replication factor {state.replication_factor}",
        _partitions(found, width),
        _settings(state, width),
    ]
    if found.racks:
        known = [(id, found.racks.get(id)) for id in found.brokers]
        parts.append(table(["broker", "rack"], known, width=width))
    if found.groups:
        rows = [(g.group.name, g.group.state, g.lag_in(state.name)) for g in found.groups]
        parts.append(table(["group", "state", "lag"], rows, width=width))
    return "\n\n".join(parts)


def _partitions(found: Described, width: int) -> str:
    offsets = found.offsets
    rows = [
        (
            partition.id,
            "none" if partition.leader is None else partition.leader,
            ",".join(map(str, partition.replicas)),
            ",".join(map(str, partition.isr)),
            offsets[partition.id].start if partition.id in offsets else None,
            offsets[partition.id].end if partition.id in offsets else None,
        )
        for partition in found.state.partitions
    ]
    headings = ["partition", "leader", "replicas", "in sync", "start", "end"]
    return table(headings, rows, width=width)


def _settings(state: TopicState, width: int) -> str:
    if not state.shows_settings:
        return "The settings are not visible: the right DESCRIBE_CONFIGS on the topic is missing."
    own = [
        (key, entry.value, entry.source)
        for key, entry in sorted(state.config.items())
        if entry.source != "default"
    ]
    if not own:
        return "Every setting has its default."
    return table(["setting", "value", "from"], own, width=width)
