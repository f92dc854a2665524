"""Consumer groups: who reads what, how far behind, and where to go on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import (
    ANSWERS,
    accounted,
    connected,
    dry,
    gone_or_left,
    require_cluster_id,
)
from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.group import GroupLag, OffsetChange


@verb(name="list", help=ANSWERS)
def list_(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """List the consumer groups with their lag."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.groups import lag
    from kafka_tasks.render.views import group as group_view

    with connected(call) as (_, _, admin):
        found = lag.measured(admin, group_admin.names(admin))
    return Outcome(group_view.listed(found), lambda: group_view.list_text(found, width=call.width))


@verb(help=ANSWERS, completes={"name": "groups"})
def describe(call: Call, name: str, timeout: str | None = None, output: str = "text") -> Outcome:
    """Show a group's members, and its lag in every partition."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import group as group_view

    with connected(call) as (_, _, admin):
        found = _measured(admin, name)
    return Outcome(
        group_view.described(found), lambda: group_view.describe_text(found, width=call.width)
    )


def _measured(admin: Admin, name: str) -> GroupLag:
    """The group with its lag; raises `GroupMissing` with the nearest name that is there."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.groups import lag

    found = lag.measured(admin, [name])
    if not found:
        raise _missing(name, group_admin.names(admin))
    return found[0]


def _missing(name: str, there: Sequence[str]) -> Exception:
    from difflib import get_close_matches

    from kafka_tasks.errors import GroupMissing

    near = get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.group.list"
    return GroupMissing(f"There is no group {name}.", hint=hint)


@verb(
    iterable=("topic",),
    help={
        "topic": "only this topic (repeatable; default all that it has committed)",
        "to": "start, end, +N, -N, @TIMESTAMP or an offset",
        "partition": "only this partition",
        "execute": "do it; without, it is only shown",
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
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Show where a group would go on, and with --execute let it go on there."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.groups import reset as resetting
    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.render.views import group as group_view
    from kafka_tasks.tasks._cluster_access import missing

    position = parse_position(to)
    only = number(partition, "--partition")
    named = list(topic or [])
    with connected(call) as (_, _, admin):
        topics = admin.topics()
        for wanted in named:
            if wanted not in topics:
                raise missing(wanted, topics)
        known = group_admin.names(admin)
        # A group may be given its first offsets before it has any member.
        if name not in known and not named:
            raise _missing(name, known)
        if name in known:
            resetting.require_idle(group_admin.describe(admin, [name])[name])
        committed = group_admin.committed(admin, [name])[name] if name in known else {}
        places = resetting.chosen(
            committed, topics, named=named, partitions=[] if only is None else [only]
        )
        changes = resetting.plan_reset(admin, places, committed, position)
        doing = execute and not call.dry
        if doing:
            with accounted(
                lambda: _moved(admin, name, changes), hint=f"invoke kafka.group.describe {name}"
            ):
                resetting.carry_out(admin, name, changes)
    document = group_view.reset(name, changes, executed=doing)
    return Outcome(
        {**document, "dry": True} if call.dry else document,
        lambda: group_view.reset_text(name, changes, executed=doing, width=call.width),
    )


def _moved(admin: Admin, name: str, changes: Sequence[OffsetChange]) -> Iterator[str]:
    from kafka_tasks.clients.kafka import group_admin

    now = group_admin.committed(admin, [name], timeout_s=3.0)[name]
    for change in changes:
        at = now.get((change.topic, change.partition))
        yield f"{change.topic}-{change.partition} is at {at}; {change.after} was asked for"


@verb(
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
    """Delete consumer groups and what they have committed; names them and asks first."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.render.tables import counted
    from kafka_tasks.render.views import group as group_view

    with connected(call) as (session, _, admin):
        chosen = _matching(names, group_admin.names(admin))
        if call.dry:
            return dry(f"delete {', '.join(chosen)}")
        require_cluster_id(session, admin, cluster_id)
        question = [
            f"{counted(len(chosen), 'group')} would be deleted with all committed offsets: "
            f"{', '.join(chosen)}."
        ]
        confirmed(question, yes=yes, hint=f"invoke kafka.group.delete '{names}' --yes")
        with accounted(
            lambda: gone_or_left(chosen, group_admin.names(admin, timeout_s=3.0), "group"),
            hint="invoke kafka.group.list",
        ):
            found = group_admin.delete(admin, chosen)
    gone = [name for name in chosen if found[name] is None]
    failed = {name: error for name, error in found.items() if error is not None}
    if len(chosen) == 1 and failed:
        raise failed[chosen[0]]
    document = {
        "schema": 1,
        "deleted": gone,
        "failed": [{"group": name, "message": e.message} for name, e in sorted(failed.items())],
    }
    lines = [f"Deleted {', '.join(gone)}."] if gone else []
    lines += group_view.outcomes(found, "group")
    return Outcome(document, lambda: "\n".join(lines), int(bool(failed)))


def _matching(names: str, there: Sequence[str]) -> list[str]:
    from fnmatch import fnmatchcase

    chosen: set[str] = set()
    for part in (part.strip() for part in names.split(",")):
        hits = [name for name in there if name == part or fnmatchcase(name, part)]
        if not hits:
            raise _missing(part, there)
        chosen.update(hits)
    return sorted(chosen)
