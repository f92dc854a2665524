"""One topic changed: its partitions, its settings, its oldest records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, missing, reporting_interrupt
from kafka_tasks.tasks.confirm import require_cluster, require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, number, task
from kafka_tasks.tasks.undo import keep_undo

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.topic import TopicState, Trim
    from kafka_tasks.render.views.topic_trimmed import Trimmed
    from kafka_tasks.topics.altering import Alteration


def _topic(admin: Admin, name: str, task: str) -> TopicState:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics.model import check_name

    check_name(name, task)
    if name.startswith("__"):
        raise InvalidInput(
            f"{name} is Kafka's own topic; kafka-tasks does not change it.",
            hint="invoke kafka.topic.list shows the topics that are yours",
        )
    state = admin.describe(name)
    if state is None:
        raise missing(name, admin.topics())
    return state


@task(
    iterable=("set_", "delete", "append", "subtract"),
    help={
        "name": "name of the topic",
        "partitions": "new total of partitions; never fewer than now",
        "set_": "a topic setting, key=value (repeatable)",
        "delete": "a setting to reset to its default (repeatable)",
        "append": "a value to add to a list setting, key=value (repeatable)",
        "subtract": "a value to remove from a list setting, key=value (repeatable)",
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
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Change a topic's number of partitions and its settings."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka.permissions import require_settings
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.render.views import topic_altered
    from kafka_tasks.topics import altering
    from kafka_tasks.topics.data_loss import losing

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
    with connected(call) as (session, _, admin):
        state = _topic(admin, name, "kafka.topic.alter")
        if edits:
            require_settings(admin.cluster, state)
        wanted = altering.planned(state, partitions=total, edits=edits, all_shown=session.is_local)
        if not call.dry:
            require_cluster(call, session, admin, cluster_id, losing(wanted.fields))
        _alter(admin, wanted, dry=call.dry)
    return shown(topic_altered.Altered(name, wanted.fields, call.dry), topic_altered)


def _alter(admin: Admin, wanted: Alteration, *, dry: bool) -> None:
    """Check the change and, unless `dry`, carry it out."""
    from kafka_tasks.topics import altering

    if not wanted.fields:
        return
    altering.require_possible(admin, wanted)
    if dry:
        return
    hint = f"invoke kafka.topic.describe {wanted.topic}"
    with reporting_interrupt(lambda: _altered(admin, wanted), hint=hint):
        altering.carry_out(admin, wanted)


def _altered(admin: Admin, wanted: Alteration) -> Iterator[str]:
    from kafka_tasks.topics import altering

    state = admin.describe(wanted.topic, timeout_s=3.0)
    if state is None:
        yield f"{wanted.topic} does not exist any more"
        return
    now = altering.planned(state, partitions=wanted.partitions, edits=wanted.edits, all_shown=False)
    left = {field.field for field in now.fields}
    for field in wanted.fields:
        yield f"{field.field} is {'not changed' if field.field in left else 'changed'}"


@task(
    help={
        "name": "name of the topic",
        "before": "delete the records before @TIMESTAMP, an offset, or end (all)",
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
    """Delete a topic's oldest records; shows how many and asks first."""
    call.flags = {"timeout": timeout}
    from dataclasses import replace

    from kafka_tasks.model.positions import parse_position
    from kafka_tasks.render.views import dry
    from kafka_tasks.render.views import topic_trimmed as view
    from kafka_tasks.render.words import counted
    from kafka_tasks.topics import deletion

    position = parse_position(before, flag="--before")
    only = number(partition, "--partition")
    with connected(call) as (session, _, admin):
        state = _topic(admin, name, "kafka.topic.trim")
        deletion.require_trimmable(state)
        partitions = () if only is None else (only,)
        planned = deletion.plan_trim(admin, state, position, partitions=partitions)
        found = view.Trimmed(name, before, planned)
        if call.dry:
            what = f"delete {counted(found.records, 'record')} of {name}\n{view.rows(found)}"
            return shown(dry.Dry(what), dry)
        if found.records:
            require_cluster_id(call, session, admin, cluster_id)
            require_yes(call, view.question(found), yes=yes)
            found = replace(found, undo=_trim(session, admin, state, found))
    return shown(found, view)


def _trim(session: Session, admin: Admin, state: TopicState, found: Trimmed) -> Path:
    """Write the undo file and delete the records; returns the file."""
    from kafka_tasks.topics import deletion

    undo = keep_undo(session, admin, [state])
    hint = f"invoke kafka.topic.describe {state.name}"
    with reporting_interrupt(lambda: _trimmed(admin, state, found.partitions), hint=hint):
        deletion.trim(admin, state.name, found.partitions)
    return undo


def _trimmed(admin: Admin, state: TopicState, planned: Sequence[Trim]) -> Iterator[str]:
    from kafka_tasks.clients.kafka import offsets

    now = offsets.of_topic(admin, state, timeout_s=3.0)
    for trim in planned:
        if trim.records:
            first = now[trim.partition].start
            yield f"{state.name}-{trim.partition} begins at {first}; {trim.before} was requested"
