"""Layer `replicas`: every replica whose broker is registered is in sync.

Ready and in sync are two words: after a start, brokers serve while their replicas still catch up,
and writes with acks=all are refused for NOT_ENOUGH_REPLICAS.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from msgspec import Struct

from kafka_tasks.errors import BrokerUnreachable, KafkaTasksError
from kafka_tasks.model.topic import PartitionState, TopicState
from kafka_tasks.probes.context import Context, Held
from kafka_tasks.retry import NotYet

# Most replicas are in sync before: moves and throttles are asked for later, by another client.
_PATIENCE_S = 2.0
_LOOK_S = 1.0
_THROTTLES = ("leader.replication.throttled.replicas", "follower.replication.throttled.replicas")


class _Replica(Struct, frozen=True):
    topic: str
    partition: int
    broker: int
    leader: int | None

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} on broker {self.broker}"


@dataclass(slots=True)
class ReplicasProbe:
    """Replicas of absent brokers, and those that are moved or throttled, are not waited for.

    Where it is not `required`, a start continues without it after the time limit.
    """

    required: bool
    layer: str = field(default="replicas", init=False)
    clock: Callable[[], float] = time.monotonic
    _began: float | None = field(default=None, init=False)
    _excused: Mapping[str, frozenset[_Replica]] | None = field(default=None, init=False)

    def check(self, context: Context) -> list[Held]:
        """Ask once for metadata in which every replica is in sync."""
        if self._began is None:
            self._began = self.clock()
        try:
            view, topics = context.admin().overview(context.within(_LOOK_S))
        except BrokerUnreachable as error:
            raise NotYet(error.evidence[0] if error.evidence else error.message) from error
        if view.controller is None or context.topics - set(topics):
            raise NotYet("the topics are not shown yet")
        every = [each for topic in topics.values() for each in _replicas(topic)]
        lagging = {each for topic in topics.values() for each in _lagging(topic)}
        absent = frozenset(each for each in lagging if each.broker not in view.brokers)
        others = {"absent brokers": absent, **self._excuses(context, topics, lagging - absent)}
        left = lagging.difference(*others.values())
        if left:
            first = min(left, key=str)
            raise NotYet(f"{len(left)} of {len(every)} replicas are not in sync, such as {first}")
        return [Held(None, _told(len(every) - len(lagging), others))]

    def _excuses(
        self, context: Context, topics: Mapping[str, TopicState], lagging: set[_Replica]
    ) -> Mapping[str, frozenset[_Replica]]:
        """Return those that are moved or throttled; asked once, where they are long in coming."""
        assert self._began is not None
        if self._excused is None and lagging and self.clock() - self._began >= _PATIENCE_S:
            self._excused = {
                "moves": _moving(context, lagging),
                "throttles": _throttled(context, lagging),
            }
        return self._excused or {}


def _replicas(topic: TopicState) -> Iterable[_Replica]:
    for at in topic.partitions:
        for broker in at.replicas:
            yield _Replica(topic.name, at.id, broker, at.leader)


def _lagging(topic: TopicState) -> Iterable[_Replica]:
    in_sync: Mapping[int, PartitionState] = {at.id: at for at in topic.partitions}
    return (each for each in _replicas(topic) if each.broker not in in_sync[each.partition].isr)


def _told(count: int, others: Mapping[str, frozenset[_Replica]]) -> str:
    """Say how many are in sync, and which are not waited for."""
    said = [f"{count} {'replica' if count == 1 else 'replicas'} in sync"]
    for why, which in others.items():
        if which:
            some = ", ".join(sorted(map(str, which))[:3])
            more = ", …" if len(which) > 3 else ""
            said.append(f"{len(which)} not waited for because of {why}: {some}{more}")
    return "; ".join(said)


def _moving(context: Context, lagging: Iterable[_Replica]) -> frozenset[_Replica]:
    from kafka_tasks.clients.kafka.reassignment import Replicas, unavailable

    if unavailable(context.cluster):
        return frozenset()
    try:
        with Replicas(context.cluster) as replicas:
            moved = replicas.moving()
    except KafkaTasksError:
        return frozenset()
    return frozenset(each for each in lagging if each.partition in moved.get(each.topic, ()))


def _throttled(context: Context, lagging: Iterable[_Replica]) -> frozenset[_Replica]:
    """Return those that a topic's settings throttle: `PARTITION:BROKER`, or all by `*`."""
    every = list(lagging)
    try:
        configs = context.admin().configs({each.topic for each in every}, missing_ok=True)
    except KafkaTasksError:
        return frozenset()

    def is_throttled(each: _Replica) -> bool:
        brokers = dict(zip(_THROTTLES, (each.leader, each.broker), strict=True))
        for name, broker in brokers.items():
            setting = configs.get(each.topic, {}).get(name)
            words = (setting.value or "" if setting else "").split(",")
            if "*" in words or f"{each.partition}:{broker}" in words:
                return True
        return False

    return frozenset(filter(is_throttled, every))
