"""The one client of groups: their names, types, members and offsets, and changes to them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import (
    ConsumerGroupState,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    TopicPartition,
)

from kafka_tasks.clients.kafka import coordinators, group_values, kafka_python, offsets
from kafka_tasks.clients.kafka.admin import CHANGE_S, Admin
from kafka_tasks.clients.kafka.connection import translate, undecided
from kafka_tasks.clients.kafka.permissions import Right, needing
from kafka_tasks.errors import (
    BrokerUnreachable,
    GroupActive,
    GroupMissing,
    KafkaTasksError,
    NotPermitted,
)
from kafka_tasks.model.group import UNKNOWN, GroupState, ListedGroup, Place
from kafka_tasks.retry import NotYet

_T = TypeVar("_T")
_Translation = Callable[[KafkaException, str], KafkaTasksError]

# Before it answers, a coordinator may have to be found, or to read its log.
_USUAL_S = CHANGE_S
# A request that is sent while a coordinator is being chosen may never be answered.
_SLICE_S = 3.0
# The topic in which coordinators keep groups; each leads some of its partitions.
_LOG = "__consumer_offsets"
_ACTIVE = frozenset(
    {
        KafkaError.NON_EMPTY_GROUP,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError.ILLEGAL_GENERATION,
    }
)


def names(
    admin: Admin, *, expected: Iterable[str] = (), timeout_s: float | None = None
) -> list[str]:
    """Return every group of any type, sorted; a broker that does not answer is an error.

    An expected group is missing only where its coordinator does not know it either.
    """
    return sorted(_listing(admin, timeout_s, expected))


def listed(
    admin: Admin, *, expected: Iterable[str] = (), timeout_s: float | None = None
) -> dict[str, ListedGroup]:
    """Return every group by name, sorted, with its type and state; `expected` as for `names`."""
    found = _listing(admin, timeout_s, expected)
    if any(UNKNOWN in (group.type, group.state) for group in found.values()):
        limit = admin.limit(timeout_s, _USUAL_S)
        every = admin.persistently(lambda _: _of_all_types(admin), limit)
        found.update({name: at for name, at in every.items() if name in found})
    return dict(sorted(found.items()))


def _listing(
    admin: Admin, timeout_s: float | None, expected: Iterable[str]
) -> dict[str, ListedGroup]:
    """Return every group as confluent-kafka lists it: it tells the types of consumers' groups."""
    limit = admin.limit(timeout_s, _USUAL_S)

    def attempt(_: float) -> dict[str, ListedGroup]:
        slice_s = min(limit, _SLICE_S)
        _require_coordinators(admin, limit)
        found = admin.client.list_consumer_groups(request_timeout=slice_s).result()
        if found.errors:
            raise KafkaException(found.errors[0])
        with warnings.catch_warnings():
            # The call is deprecated for one that leaves share and streams groups out.
            warnings.simplefilter("ignore", DeprecationWarning)
            every = [str(group.id) for group in admin.client.list_groups(timeout=slice_s)]
        others = {name: ListedGroup(name, UNKNOWN, protocol="") for name in every}
        there = {**others, **{entry.group_id: group_values.listed(entry) for entry in found.valid}}
        _require_dead(admin, sorted(set(expected) - set(there)), slice_s)
        return there

    return _until_coordinated(admin, attempt, "list the groups", limit)


def _require_coordinators(admin: Admin, timeout_s: float) -> None:
    """Raise `BrokerUnreachable` until each part of the groups' log has a leader that knows it.

    A broker lists the groups of those parts that it leads, and says nothing of the others; one that
    has just started leads none for a moment.
    """
    # Without a right to this topic, what the brokers list is all there is to see.
    with contextlib.suppress(NotPermitted):
        log = admin.topics(name=_LOG, timeout_s=timeout_s).get(_LOG)
        if log is None:
            return
        for partition in log.partitions:
            if partition.leader is None:
                raise NotYet(f"{_LOG}-{partition.id} has no leader")
        offsets.ranges(admin, offsets.places([log]), timeout_s=timeout_s)


def _require_dead(admin: Admin, lacking: list[str], timeout_s: float) -> None:
    """Raise `NotYet` where the coordinator of a group that is not listed knows it.

    A broker that has just begun to lead a part of the log lists no group of it for a moment; asked
    for one by name, it says that it has not read them yet.
    """
    if not lacking:
        return
    for name, future in coordinators.described(admin, lacking, timeout_s).items():
        # Without a right to the group, the list is all there is to see.
        with contextlib.suppress(NotPermitted):
            if _permitted(admin, name, future).state != ConsumerGroupState.DEAD:
                raise NotYet(f"the group {name} is not listed yet")


def _of_all_types(admin: Admin) -> dict[str, ListedGroup]:
    """Return every group as kafka-python lists it; none where it cannot connect as configured."""
    if kafka_python.unsupported(admin.cluster):
        return {}
    with (
        kafka_python.translated("list the groups"),
        contextlib.closing(kafka_python.connected(admin.cluster)) as client,
    ):
        return {row["group_id"]: group_values.from_row(row) for row in client.list_groups()}


def describe(
    admin: Admin, groups: Iterable[ListedGroup], *, timeout_s: float | None = None
) -> dict[str, GroupState]:
    """Return these groups, those of consumers with their members; a missing one is `dead`."""
    asked = {group.name: group for group in groups}
    consuming = [name for name, group in asked.items() if group.of_consumers]
    unread = {name: GroupState(group, members=None) for name, group in asked.items()}
    if not consuming:
        return unread
    limit = admin.limit(timeout_s, _USUAL_S)

    def attempt(seconds: float) -> dict[str, GroupState]:
        futures = coordinators.described(admin, consuming, seconds)
        return {
            name: group_values.described(asked[name], _permitted(admin, name, future))
            for name, future in futures.items()
        }

    return {**unread, **_until_coordinated(admin, attempt, "describe consumer groups", limit)}


def committed(
    admin: Admin, groups: Iterable[str], *, timeout_s: float | None = None
) -> dict[str, dict[Place, int]]:
    """Return the committed offsets of each group, in all topics."""
    asked = list(groups)
    if not asked:
        return {}
    limit = admin.limit(timeout_s, _USUAL_S)

    def attempt(seconds: float) -> dict[str, dict[Place, int]]:
        return {
            name: _offsets(_permitted(admin, name, future))
            for name, future in coordinators.committed(admin, asked, seconds).items()
        }

    return _until_coordinated(admin, attempt, "read the offsets of consumer groups", limit)


def _permitted(admin: Admin, group: str, future: Future[Any]) -> Any:
    """Return the answer about a group; raises `NotPermitted`."""
    try:
        return future.result()
    except KafkaException as error:
        needed = needing(Right(admin.cluster, "DESCRIBE", "group", group))
        told = needed(error, f"describe group {group}")
        if isinstance(told, NotPermitted):
            raise told from error
        raise


def _offsets(found: ConsumerGroupTopicPartitions) -> dict[Place, int]:
    return {
        (at.topic, at.partition): at.offset for at in found.topic_partitions or () if at.offset >= 0
    }


def set_offsets(
    admin: Admin, group: str, offsets: Mapping[Place, int], *, timeout_s: float | None = None
) -> None:
    """Set the offsets of a group without members; raises `GroupActive` where it has some.

    Raises `ClusterError` where the broker refuses one of them.
    """
    wanted = [TopicPartition(topic, number, at) for (topic, number), at in offsets.items()]
    if not wanted:
        return
    limit = admin.limit(timeout_s, _USUAL_S)

    def attempt(seconds: float) -> None:
        outcome = coordinators.altered(admin, group, wanted, seconds)[group]
        for at in outcome.result().topic_partitions:
            if at.error is not None:
                raise KafkaException(at.error)

    try:
        _until_coordinated(
            admin,
            attempt,
            f"set the offsets of group {group}",
            limit,
            _translated_for(admin, group, "READ"),
        )
    except BrokerUnreachable as error:
        look = f"invoke kafka.group.describe {group}"
        raise undecided(error, f"The change of group {group}", look) from error


def delete(
    admin: Admin, groups: Iterable[str], *, timeout_s: float | None = None
) -> dict[str, KafkaTasksError | None]:
    """Delete groups; return None for each that is gone, else the error."""
    left = list(groups)
    found: dict[str, KafkaTasksError | None] = {}
    late: set[str] = set()
    limit = admin.limit(timeout_s, _USUAL_S)

    def attempt(seconds: float) -> None:
        for name, future in coordinators.deleted(admin, left, seconds).items():
            found[name] = _outcome(admin, name, future)
            if name in late and isinstance(found[name], GroupMissing):
                # The request before was carried out, and only its answer came too late.
                found[name] = None
        left[:] = [name for name in left if isinstance(found[name], BrokerUnreachable)]
        late.update(left)
        if left:
            raise NotYet(str(found[left[0]]))

    if left:
        with contextlib.suppress(BrokerUnreachable):
            admin.persistently(attempt, limit)
    return {name: _undecided(name, error) for name, error in found.items()}


def _undecided(name: str, error: KafkaTasksError | None) -> KafkaTasksError | None:
    if not isinstance(error, BrokerUnreachable):
        return error
    return undecided(error, f"The deletion of group {name}", "invoke kafka.group.list")


def _outcome(admin: Admin, name: str, future: Future[Any]) -> KafkaTasksError | None:
    try:
        future.result()
    except KafkaException as error:
        return _translated_for(admin, name, "DELETE")(error, f"delete group {name}")
    return None


def _until_coordinated(
    admin: Admin,
    attempt: Callable[[float], _T],
    what: str,
    timeout_s: float,
    translated: _Translation = translate,
) -> _T:
    """Call `attempt` until the coordinator answers; raises the translation of the last error.

    For a moment after a start, the coordinator is not known yet, or still reads its log.
    """

    def check(seconds: float) -> _T:
        try:
            return attempt(seconds)
        except KafkaException as error:
            raise translated(error, what) from error

    return admin.persistently(check, timeout_s)


def _translated_for(admin: Admin, group: str, right: str) -> _Translation:
    """Return the translation of errors that are about this group, and of all others."""

    def translated(error: KafkaException, what: str) -> KafkaTasksError:
        cause: KafkaError = error.args[0]
        if cause.code() in _ACTIVE:
            return GroupActive(
                f"The group {group} is still active.",
                evidence=(f"{cause.name()}: {cause.str()}",),
                hint=f"stop its members; see them: invoke kafka.group.describe {group}",
            )
        if cause.code() == KafkaError.GROUP_ID_NOT_FOUND:
            return GroupMissing(f"There is no group {group}.", hint="invoke kafka.group.list")
        return needing(Right(admin.cluster, right, "group", group))(error, what)

    return translated
