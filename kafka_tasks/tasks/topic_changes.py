"""One topic changed: its partitions, its settings, its oldest records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import connected, dry, missing, require_cluster_id
from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.model.topic import TopicState


def _topic(admin: Admin, name: str) -> TopicState:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics.model import check_name

    check_name(name)
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
    },
)
def alter(
    call: Call,
    name: str,
    partitions: str | None = None,
    set_: Any = None,
    delete: Any = None,
    append: Any = None,
    subtract: Any = None,
    output: str = "text",
) -> Outcome:
    """Change a topic's number of partitions and its settings."""
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
        wanted = altering.planned(_topic(admin, name), partitions=total, edits=edits)
        if wanted.fields:
            altering.require_possible(admin, wanted)
            if not call.dry:
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


@verb(
    help={
        "before": "delete what is before: @TIMESTAMP, an offset, or end for all",
        "partition": "only this partition",
    }
)
def trim(
    call: Call,
    name: str,
    before: str,
    partition: str | None = None,
    yes: bool = False,
    cluster_id: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete a topic's oldest records; shows what goes and asks first."""
    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.render import tables
    from kafka_tasks.tasks.topics_plan import keep_undo
    from kafka_tasks.topics import trim as trimming

    position = parse_position(before, flag="--before")
    only = number(partition, "--partition")
    with connected(call) as (session, _, admin):
        state = _topic(admin, name)
        trimming.require_trimmable(state)
        planned = trimming.planned(
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
            keep_undo(session, admin, [state])
            trimming.carry_out(admin, name, planned)
    document = {
        "schema": 1,
        "topic": name,
        "records": going,
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
