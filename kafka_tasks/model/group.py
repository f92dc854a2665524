"""A group: its type, its members, what it has committed, and how far it is behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec import Struct

from kafka_tasks.model.topic import Offsets

# A topic and the number of one of its partitions.
Place = tuple[str, int]


class Member(Struct, frozen=True):
    """One consumer of a group, and the partitions it was given."""

    id: str
    client_id: str
    host: str
    instance_id: str | None = None
    places: tuple[Place, ...] = ()


# Not told: of a group that only a client without this connection's properties could list.
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ListedGroup:
    """A group as the brokers list it, whatever its type.

    `type` is Kafka's own word: classic, consumer, share, streams. `protocol` is what its members
    speak, which tells Kafka Connect's classic groups from those of consumers. `state` is Kafka's
    word in lower case: stable, empty, preparing-rebalance, assigning, reconciling, dead, ….
    """

    name: str
    type: str = "classic"
    state: str = UNKNOWN
    protocol: str = "consumer"

    @property
    def of_consumers(self) -> bool:
        """True for a group whose members are consumers; the others cannot be described."""
        return self.type in ("classic", "consumer") and self.protocol in ("consumer", "")

    @property
    def has_offsets(self) -> bool:
        """True where the group commits offsets; a share group acknowledges single records."""
        return self.type not in ("share", UNKNOWN)

    @property
    def kind(self) -> str:
        """Its type in words, with the protocol where that says more."""
        plain = self.protocol in (self.type, "consumer", "")
        return self.type if plain else f"{self.type} ({self.protocol})"


class GroupState(Struct, frozen=True):
    """A group as its coordinator describes it; `coordinator` is a broker id.

    `members` is None where they cannot be read: see `ListedGroup.of_consumers`.
    """

    listed: ListedGroup
    coordinator: int | None = None
    assignor: str | None = None
    members: tuple[Member, ...] | None = ()

    @property
    def name(self) -> str:
        """The group's name."""
        return self.listed.name

    @property
    def state(self) -> str:
        """The group's state, in Kafka's word."""
        return self.listed.state

    @property
    def active(self) -> bool:
        """True while a member reads with it."""
        return bool(self.members) or self.state not in ("empty", "dead", UNKNOWN)


class PartitionLag(Struct, frozen=True):
    """One partition of a group: `committed` is None where it has committed nothing there.

    `log` is None where the topic is gone, or has no leader.
    """

    topic: str
    partition: int
    committed: int | None
    log: Offsets | None
    member: Member | None = None

    @property
    def lag(self) -> int | None:
        """The number of offsets between what was committed and the end; None where not known."""
        if self.committed is None or self.log is None:
            return None
        return self.log.end - self.committed


class GroupLag(Struct, frozen=True):
    """A group with all its partitions."""

    group: GroupState
    partitions: tuple[PartitionLag, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that it reads or has read, by name."""
        return tuple(sorted({at.topic for at in self.partitions}))

    @property
    def lag(self) -> int | None:
        """The sum over its partitions; None where none of them has a lag."""
        return self._sum(self.partitions)

    def lag_in(self, topic: str) -> int | None:
        """Return the lag in one topic."""
        return self._sum(at for at in self.partitions if at.topic == topic)

    @staticmethod
    def _sum(partitions: Iterable[PartitionLag]) -> int | None:
        known = [at.lag for at in partitions if at.lag is not None]
        return sum(known) if known else None


class OffsetChange(Struct, frozen=True):
    """A group's offset in a partition before and after a reset: `after` lies within `log`."""

    topic: str
    partition: int
    before: int | None
    after: int
    log: Offsets


def lag_of(
    group: GroupState, committed: Mapping[Place, int], logs: Mapping[Place, Offsets | None]
) -> GroupLag:
    """Put together what the coordinator and the leaders said, by topic and partition."""
    readers = {place: member for member in group.members or () for place in member.places}
    return GroupLag(
        group,
        tuple(
            PartitionLag(*place, committed.get(place), logs.get(place), readers.get(place))
            for place in sorted({*committed, *readers})
        ),
    )
