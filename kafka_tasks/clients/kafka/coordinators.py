"""Requests to the coordinators of groups, in the one way in which none can end the process.

Where the library's own time-out is over before it has reached the coordinator, librdkafka 2.16
keeps the request, sends it once the coordinator is there, and aborts with `Assertion
eonce->refcnt > 0` (confluentinc/librdkafka#4605). So no time-out of its own is ever reached: it is
waited for here, and then the client is replaced, with all that it still keeps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import Future, wait
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from kafka_tasks.clients.kafka.admin import Admin

# The longest time-out that the library takes; no client lives for an hour after such a request.
_LONGEST_S = 3600.0

_Futures = Mapping[str, Future[Any]]


def expect(admin: Admin, group: str) -> None:
    """Let the cluster make its topic of committed offsets, for which a first consumer waits 3 s.

    Nothing is waited for here: the cluster makes it when anybody asks for a coordinator.
    """
    admin.client.describe_consumer_groups([group], request_timeout=_LONGEST_S)


def described(admin: Admin, groups: Iterable[str], limit_s: float, **options: bool) -> _Futures:
    """Return the descriptions of these groups, as futures that are done.

    Here as below, one that is not answered within the limit, or the patience of the connection,
    has failed with `_TIMED_OUT`; the next request is of a new client then.
    """
    asked = admin.client.describe_consumer_groups(
        list(groups), request_timeout=_LONGEST_S, **options
    )
    return _done(admin, asked, limit_s)


def committed(admin: Admin, groups: Iterable[str], limit_s: float) -> _Futures:
    """Return the committed offsets of these groups in all topics."""
    # The client takes one group a call; the calls run at the same time.
    asked: dict[str, Future[Any]] = {}
    for name in groups:
        wanted = [ConsumerGroupTopicPartitions(name)]
        asked |= admin.client.list_consumer_group_offsets(wanted, request_timeout=_LONGEST_S)
    return _done(admin, asked, limit_s)


def altered(admin: Admin, group: str, wanted: list[TopicPartition], limit_s: float) -> _Futures:
    """Set these offsets of a group, and return the outcome."""
    asked = admin.client.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, wanted)], request_timeout=_LONGEST_S
    )
    return _done(admin, asked, limit_s)


def deleted(admin: Admin, groups: Iterable[str], limit_s: float) -> _Futures:
    """Delete these groups, and return the outcomes."""
    asked = admin.client.delete_consumer_groups(list(groups), request_timeout=_LONGEST_S)
    return _done(admin, asked, limit_s)


def _done(admin: Admin, asked: _Futures, limit_s: float) -> _Futures:
    wait(asked.values(), min(limit_s, admin.connection.patience_s))
    late = [name for name, future in asked.items() if not future.done()]
    if not late:
        return asked
    admin.connection.replace()
    # What was sent may still be answered, and a future takes one outcome.
    failed: Future[Any] = Future()
    failed.set_exception(KafkaException(KafkaError(KafkaError._TIMED_OUT)))
    return {**asked, **dict.fromkeys(late, failed)}
