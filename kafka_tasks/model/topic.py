"""A topic as the cluster describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec import Struct


class PartitionState(Struct, frozen=True):
    """One partition: `leader` is None while there is none; `replicas` and `isr` are broker ids."""

    id: int
    leader: int | None
    replicas: tuple[int, ...]
    isr: tuple[int, ...]


class ConfigValue(Struct, frozen=True):
    """One topic setting; `explicit` where it was set on the topic itself."""

    value: str | None
    source: str
    explicit: bool
    sensitive: bool = False


# The settings of a topic of which the user may not see them.
NOT_VISIBLE: Mapping[str, ConfigValue] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is; `config` is `NOT_VISIBLE` where the user may not see the settings."""

    name: str
    partitions: tuple[PartitionState, ...]
    config: Mapping[str, ConfigValue] = field(default_factory=dict)

    @property
    def internal(self) -> bool:
        """True for a topic of Kafka's own."""
        return self.name.startswith("__")

    @property
    def shows_settings(self) -> bool:
        """False where the user may not see the settings."""
        return self.config is not NOT_VISIBLE

    @property
    def replication_factor(self) -> int:
        """Replicas of a partition (the fewest, where they differ)."""
        return min((len(partition.replicas) for partition in self.partitions), default=0)

    @property
    def leaders(self) -> int:
        """The number of partitions with a leader."""
        return sum(partition.leader is not None for partition in self.partitions)

    @property
    def under_replicated(self) -> int:
        """The number of partitions with a replica that is not in sync."""
        return sum(len(partition.isr) < len(partition.replicas) for partition in self.partitions)


class Offsets(Struct, frozen=True):
    """The first and the next offset of a partition."""

    start: int
    end: int


class ListedTopic(Struct, frozen=True):
    """A topic with what it holds; None where that is not known.

    `records` is counted by offsets: of a compacted topic it is the most that there can be.
    `bytes` counts every replica.
    """

    state: TopicState
    records: int | None
    bytes: int | None = None


class Trim(Struct, frozen=True):
    """What goes in one partition: the records from offset `start` up to, not with, `before`."""

    partition: int
    start: int
    before: int
    end: int

    @property
    def records(self) -> int:
        """The number of offsets that are deleted."""
        return self.before - self.start
