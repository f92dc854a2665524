"""One topic changed: its partitions, its settings, its oldest records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import (
    ANSWERS,
    accounted,
    connected,
    dry,
    missing,
    require_cluster_id,
)
from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.topic import TopicState, Trim
    from kafka_tasks.topics.altering import Alteration


def _topic(admin: Admin, name: str, task: str) -> TopicState:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics.model import check_name

    check_name(name, task)
    if name.startswith("__"):
        raise InvalidInput(
            f"{name} is Kafka's own and is not changed from here.",
            hint="invoke kafka.topic.list shows the topics that are yours",
        )
    state = admin.describe(name)
    if state is None:
        raise missing(name, admin.topics())
    return state


@verb(
    iterable=("set_", "delete", "append", "subtract"),
    help={
        "partitions": "number of partitions in all; never fewer",
        "set_": "a topic setting, key=value (repeatable)",
        "delete": "a setting that gets its default back (repeatable)",
        "append": "a value more for a setting that is a list, key=value (repeatable)",
        "subtract": "a value less for a setting that is a list, key=value (repeatable)",
        **ANSWERS,
    },
    completes={"name": "topics"},
)
def alter(
    call: Call,
    name: str,
    partitions: str | None = None,
    set_: Any = None,
    delete: Any = None,
    append: Any = None,
    subtract: Any = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Change a topic's number of partitions and its settings."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics import altering

    edits = altering.edits_of(
        to_set=set_ or (),
        to_delete=delete or (),
        to_append=append or (),
        to_subtract=subtract or (),
    )
    total = number(partitions, "--partitions")
    if total is None and not edits:
        raise InvalidInput(
            "There is nothing to change.",
            hint=f"invoke kafka.topic.alter {name} --set retention.ms=604800000",
        )
    with connected(call) as (_, _, admin):
        wanted = altering.planned(
            _topic(admin, name, "kafka.topic.alter"), partitions=total, edits=edits
        )
        if wanted.fields:
            altering.require_possible(admin, wanted)
            if not call.dry:
                with accounted(
                    lambda: _altered(admin, wanted), hint=f"invoke kafka.topic.describe {name}"
                ):
                    altering.carry_out(admin, wanted)
    document: dict[str, Any] = {
        "schema": 1,
        "topic": name,
        "fields": [{"field": f.field, "from": f.before, "to": f.after} for f in wanted.fields],
    }
    if call.dry:
        document["dry"] = True
    if not wanted.fields:
        return Outcome(document, lambda: f"Topic {name} is so already; nothing changed.")
    head = f"would change {name}:" if call.dry else f"Topic {name} changed:"
    lines = [
        f"  {f.field.removeprefix('config.')}: {f.before} → "
        f"{'its default' if f.after is None else f.after}"
        for f in wanted.fields
    ]
    return Outcome(document, lambda: "\n".join([head, *lines]))


def _altered(admin: Admin, wanted: Alteration) -> Iterator[str]:
    from kafka_tasks.topics import altering

    state = admin.describe(wanted.topic, timeout_s=3.0)
    if state is None:
        yield f"{wanted.topic} is not there any more"
        return
    now = altering.planned(state, partitions=wanted.partitions, edits=wanted.edits)
    left = {field.field for field in now.fields}
    for field in wanted.fields:
        yield f"{field.field} is {'not changed' if field.field in left else 'changed'}"


def _trimmed(admin: Admin, state: TopicState, planned: Sequence[Trim]) -> Iterator[str]:
    from kafka_tasks.clients.kafka import offsets

    now = offsets.of_topic(admin, state, timeout_s=3.0)
    for trim in planned:
        if trim.records:
            first = now[trim.partition].start
            yield f"{state.name}-{trim.partition} begins at {first}; {trim.before} was asked for"


@verb(
    help={
        "before": "delete what is before: @TIMESTAMP, an offset, or end for all",
        "partition": "only this partition",
        **ANSWERS,
    },
    completes={"name": "topics"},
)
def trim(
    call: Call,
    name: str,
    before: str,
    partition: str | None = None,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete a topic's oldest records; shows what goes and asks first."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.render import tables
    from kafka_tasks.tasks.topics_plan import keep_undo
    from kafka_tasks.topics import deletion

    position = parse_position(before, flag="--before")
    only = number(partition, "--partition")
    undo: Path | None = None
    with connected(call) as (session, _, admin):
        state = _topic(admin, name, "kafka.topic.trim")
        deletion.require_trimmable(state)
        planned = deletion.plan_trim(
            admin, state, position, partitions=() if only is None else (only,)
        )
        going = sum(trim.records for trim in planned)
        rows = [(t.partition, t.start, t.before, t.end, t.records) for t in planned if t.records]
        drawn = tables.table(["partition", "first", "before", "end", "records"], rows, width=80)
        if call.dry:
            return dry(f"delete {tables.counted(going, 'record')} of {name}\n{drawn}")
        if going:
            require_cluster_id(session, admin, cluster_id)
            question = [
                f"{tables.counted(going, 'record')} of {name} would be deleted.",
                drawn,
            ]
            confirmed(question, yes=yes, hint=f"invoke kafka.topic.trim {name} … --yes")
            undo = keep_undo(session, admin, [state])
            with accounted(
                lambda: _trimmed(admin, state, planned), hint=f"invoke kafka.topic.describe {name}"
            ):
                deletion.trim(admin, name, planned)
    document = {
        "schema": 1,
        "topic": name,
        "records": going,
        "undo": str(undo) if undo else None,
        "partitions": [
            {"partition": t.partition, "start": t.start, "before": t.before, "end": t.end}
            for t in planned
        ],
    }
    text = (
        f"{tables.counted(going, 'record')} of {name} deleted."
        if going
        else (f"Nothing to delete: {name} has no record before {before}.")
    )
    return Outcome(document, lambda: text)
