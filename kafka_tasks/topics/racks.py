"""Judges how the replicas of a partition lie over the racks of its cluster; touches nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from kafka_tasks.model.topic import TopicState
from kafka_tasks.topics.model import TopicSpec

# Broker id → rack.
Racks = Mapping[int, str]


def uneven(replicas: Sequence[int], racks: Racks) -> tuple[str, str] | None:
    """Return a rack with too many of these replicas, and one that can take one of them.

    A rack can take as many replicas as it has brokers. None where no move makes it more even.
    """
    held = Counter(racks[broker] for broker in replicas if broker in racks)
    room = Counter(rack for broker, rack in racks.items() if broker not in replicas)
    if not held or not room:
        return None
    fullest = min(held, key=lambda rack: (-held[rack], rack))
    emptiest = min(room, key=lambda rack: (held[rack], rack))
    return (fullest, emptiest) if held[fullest] - held[emptiest] >= 2 else None


def difference(spec: TopicSpec, there: TopicState, racks: Racks) -> str | None:
    """Return how far this topic is from replicas spread over racks; None where it is there."""
    if not spec.rack_spread or _replicas(spec, there) < 2:
        return None
    if not racks or _strangers(there, racks):
        return "unknown"
    wrong = sum(1 for at in there.partitions if uneven(at.replicas, racks) is not None)
    return f"{wrong} of {len(there.partitions)} partitions uneven" if wrong else None


def impossible(spec: TopicSpec, there: TopicState | None, racks: Racks, brokers: int) -> str | None:
    """Return why the replicas of this topic cannot be spread over racks, or None if they can."""
    if not spec.rack_spread or _replicas(spec, there, brokers) < 2:
        return None
    if len(racks) < brokers:
        count = (
            "no broker has" if not racks else f"{brokers - len(racks)} of {brokers} brokers lack"
        )
        return (
            f"{count} a rack; start the brokers with KAFKA_TASKS_RACKS=a,b,c "
            "(on a remote cluster: set broker.rack), or remove placement"
        )
    if there is not None and (absent := _strangers(there, racks)):
        names = ", ".join(map(str, absent))
        return f"it has replicas on brokers that are not registered ({names}); start them first"
    return None


def remarks(
    specs: Iterable[TopicSpec], topics: Mapping[str, TopicState], racks: Racks
) -> Iterator[str]:
    """Yield a sentence for each topic that has more replicas than there are racks."""
    names = sorted(set(racks.values()))
    for spec in specs:
        replicas = _replicas(spec, topics.get(spec.name))
        if spec.rack_spread and not spec.absent and names and replicas > len(names):
            where = "1 rack" if len(names) == 1 else f"{len(names)} racks"
            yield (
                f"{spec.origin or spec.name}: {spec.name} has {replicas} replicas in {where} "
                f"({', '.join(names)}): the loss of one rack can take several of them"
            )


def _replicas(spec: TopicSpec, there: TopicState | None, unknown: int = 0) -> int:
    """Return the number of replicas that the topic is to have."""
    if spec.replication_factor is not None:
        return spec.replication_factor
    return unknown if there is None else max(len(at.replicas) for at in there.partitions)


def _strangers(there: TopicState, racks: Racks) -> list[int]:
    return sorted({broker for at in there.partitions for broker in at.replicas} - set(racks))
