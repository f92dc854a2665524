"""Groups of every type: members and lag, new offsets, deletion."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, gone_or_left, missing, reporting_interrupt
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, number, task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.model.group import GroupLag, OffsetChange
    from kafka_tasks.model.positions import Position


@task(name="list", help=ANSWERS)
def list_(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """List the groups of every type with their lag."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.clients.kafka.visibility import Sight
    from kafka_tasks.groups import lag
    from kafka_tasks.render.views import groups

    with connected(call) as (session, _, admin):
        sight = Sight(admin)
        found = lag.measured(admin, group_admin.listed(admin).values())
        limited = sight.hidden_groups()
        if limited:
            session.recorder.notice(limited)
    return shown(groups.Groups(found, limited), groups)


@task(help={"name": "name of the group", **ANSWERS}, completes={"name": "groups"})
def describe(call: Call, name: str, timeout: str | None = None, output: str = "text") -> Outcome:
    """Show a group's members, and its lag in every partition."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import group

    with connected(call) as (_, _, admin):
        found = _measured(admin, name)
    return shown(found, group)


def _measured(admin: Admin, name: str) -> GroupLag:
    """Return the group with its lag; raises `GroupMissing` with the nearest name that exists."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.groups import lag

    there = group_admin.listed(admin, expected=[name])
    found = lag.measured(admin, [there[name]] if name in there else [])
    if not found:
        raise _missing(admin, name, list(there))
    return found[0]


def _missing(admin: Admin, name: str, there: Sequence[str]) -> KafkaTasksError:
    """Return the error for a group that is not listed; raises `NotPermitted` where it is hidden."""
    from difflib import get_close_matches

    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.errors import GroupMissing
    from kafka_tasks.model.group import ListedGroup

    if admin.cluster.is_remote and name not in there:
        group_admin.describe(admin, [ListedGroup(name)])
    near = get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.group.list"
    return GroupMissing(f"There is no group {name}.", hint=hint)


@task(
    iterable=("topic",),
    help={
        "name": "name of the group",
        "topic": "only this topic (repeatable; default: all with a committed offset)",
        "to": "start, end, +N, -N, @TIMESTAMP or an offset",
        "partition": "only this partition",
        "execute": "apply the new offsets (default: dry run)",
        **ANSWERS,
    },
    completes={"name": "groups", "topic": "topics"},
)
def reset(
    call: Call,
    name: str,
    to: str,
    topic: Any = None,
    partition: str | None = None,
    execute: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Preview new offsets for a group; --execute applies them."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.groups import reset as resetting
    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.render.views import group_reset

    position = parse_position(to)
    only = number(partition, "--partition")
    with connected(call) as (session, _, admin):
        changes = _planned(admin, name, list(topic or []), only, position)
        executed = execute and not call.dry
        if executed:
            require_cluster_id(call, session, admin, cluster_id, doing="moving a group on it")
            hint = f"invoke kafka.group.describe {name}"
            with reporting_interrupt(lambda: _moved(admin, name, changes), hint=hint):
                resetting.carry_out(admin, name, changes)
    found = group_reset.Reset(name, changes, executed, call.dry)
    return shown(found, group_reset, plans=not executed)


def _planned(
    admin: Admin, name: str, named: Sequence[str], partition: int | None, position: Position
) -> list[OffsetChange]:
    """Return the group's new offsets; raises for a topic or group that does not exist."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.groups import reset as resetting

    topics = admin.topics()
    for wanted in named:
        if wanted not in topics:
            raise missing(wanted, topics)
    known = group_admin.listed(admin, expected=[name])
    # A group may be given its first offsets before it has any member.
    if name not in known and not named:
        raise _missing(admin, name, list(known))
    if name in known:
        resetting.require_offsets(known[name])
        resetting.require_idle(group_admin.describe(admin, [known[name]])[name])
    committed = group_admin.committed(admin, [name])[name] if name in known else {}
    partitions = [] if partition is None else [partition]
    places = resetting.chosen(committed, topics, named=named, partitions=partitions)
    return resetting.plan_reset(admin, places, committed, position)


def _moved(admin: Admin, name: str, changes: Sequence[OffsetChange]) -> Iterator[str]:
    from kafka_tasks.clients.kafka import group_admin

    now = group_admin.committed(admin, [name], timeout_s=3.0)[name]
    for change in changes:
        at = now.get((change.topic, change.partition))
        yield f"{change.topic}-{change.partition} is at {at}; {change.after} was requested"


@task(
    help={"names": "groups: one, several with commas, or a pattern such as 'test-*'", **ANSWERS},
    completes={"names": "groups"},
)
def delete(
    call: Call,
    names: str,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete groups and their committed offsets; lists them and asks first."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.render.views import dry
    from kafka_tasks.render.words import counted

    with connected(call) as (session, _, admin):
        expected = [part.strip() for part in names.split(",")]
        chosen = _matching(names, admin, group_admin.names(admin, expected=expected))
        if call.dry:
            return shown(dry.Dry(f"delete {', '.join(chosen)}"), dry)
        require_cluster_id(call, session, admin, cluster_id)
        what = f"{counted(len(chosen), 'group')} would be deleted with all committed offsets"
        require_yes(call, [f"{what}: {', '.join(chosen)}."], yes=yes)
        with reporting_interrupt(
            lambda: gone_or_left(chosen, group_admin.names(admin, timeout_s=3.0), "group"),
            hint="invoke kafka.group.list",
        ):
            found = group_admin.delete(admin, chosen)
    return _deleted(chosen, found)


def _deleted(chosen: Sequence[str], found: Mapping[str, KafkaTasksError | None]) -> Outcome:
    """Return what is gone and what is not; raises the error of a single group."""
    from kafka_tasks.render.views import groups_deleted

    failed = {name: error for name, error in found.items() if error is not None}
    if len(chosen) == 1 and failed:
        raise failed[chosen[0]]
    gone = [name for name in chosen if found[name] is None]
    result = groups_deleted.GroupsDeleted(gone, failed)
    return shown(result, groups_deleted, int(bool(failed)))


def _matching(names: str, admin: Admin, there: Sequence[str]) -> list[str]:
    from fnmatch import fnmatchcase

    chosen: set[str] = set()
    for part in (part.strip() for part in names.split(",")):
        hits = [name for name in there if name == part or fnmatchcase(name, part)]
        if not hits:
            raise _missing(admin, part, there)
        chosen.update(hits)
    return sorted(chosen)
