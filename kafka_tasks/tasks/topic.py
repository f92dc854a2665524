"""Topics: one that is there and proven, and the usual verbs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._cluster_access import (
    ANSWERS,
    accounted,
    connected,
    dry,
    gone_or_left,
    matching,
    missing,
    require_cluster_id,
)
from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.topics.model import TopicSpec

DEFAULT_TOPIC = "test-topic"

_FLAGS = {
    "partitions": "number of partitions",
    "replication_factor": "replicas of each partition",
    "config": "a topic setting, key=value (repeatable)",
}


def _spec(
    name: str,
    partitions: str | None,
    replication_factor: str | None,
    config: list[str],
    *,
    task: str,
) -> TopicSpec:
    from kafka_tasks.topics.model import TopicSpec, check_name, check_spec, parse_config

    check_name(name, task)
    return check_spec(
        TopicSpec(
            name,
            number(partitions, "--partitions"),
            number(replication_factor, "--replication-factor"),
            parse_config(config),
        )
    )


def _interruptible(admin: Admin, name: str) -> AbstractContextManager[None]:
    def look() -> Iterator[str]:
        there = name in admin.topics(timeout_s=3.0, name=name)
        yield f"{name} is {'there' if there else 'not there'}"

    return accounted(look, hint=f"invoke kafka.topic.describe {name}")


@verb(
    default=True,
    iterable=("config",),
    help={
        "name": "the topic (default test-topic)",
        "prove": "allow a record in a topic that existed before",
        **ANSWERS,
        **_FLAGS,
    },
    completes={"name": "topics"},
)
def ensure(
    call: Call,
    name: str = DEFAULT_TOPIC,
    partitions: str | None = None,
    replication_factor: str | None = None,
    config: Any = None,
    prove: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Create test-topic unless it is there, and prove that it works."""
    call.flags = {"timeout": timeout}
    wanted = _spec(name, partitions, replication_factor, config or [], task="kafka.topic")
    from dataclasses import replace

    from kafka_tasks.clients.kafka.admin import CHANGE_S
    from kafka_tasks.render import as_json, tables
    from kafka_tasks.topics import one_topic as topics
    from kafka_tasks.topics.apply import apply, require_done

    made = replace(
        wanted,
        partitions=wanted.partitions or 1,
        replication_factor=wanted.replication_factor or 1,
    )
    with connected(call) as (_, cluster, admin):
        plan, there = topics.planned(admin, wanted, new=made)
        if there is not None:
            topics.require_same(plan.of(name))
        if call.dry:
            return dry(f"create {name}" if there is None else f"prove {name}")
        limit = admin.limit(None, CHANGE_S)
        if there is None:
            with _interruptible(admin, name):
                require_done(apply(plan, admin, timeout_s=limit))
        record = there is None or prove or name == DEFAULT_TOPIC
        found = topics.prove(
            cluster, admin, name, created=there is None, with_record=record, timeout_s=limit
        )
    return Outcome(as_json.proof(found), lambda: tables.proof(found))


@verb(
    iterable=("config",),
    help={"if_not_exists": "an existing topic is no error", **ANSWERS, **_FLAGS},
)
def create(
    call: Call,
    name: str,
    partitions: str | None = None,
    replication_factor: str | None = None,
    config: Any = None,
    if_not_exists: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Create a topic; returns when each of its partitions has a leader."""
    call.flags = {"timeout": timeout}
    wanted = _spec(name, partitions, replication_factor, config or [], task="kafka.topic.create")
    from kafka_tasks.render import tables
    from kafka_tasks.retry import Deadline
    from kafka_tasks.topics import one_topic as topics
    from kafka_tasks.topics.waits import await_leaders

    with connected(call) as (_, _, admin):
        if call.dry:
            new = topics.create(admin, wanted, if_not_exists=if_not_exists, dry=True)
            return dry(f"create {name}" if new else f"change nothing: {name} is there already")
        with _interruptible(admin, name):
            made = topics.create(admin, wanted, if_not_exists=if_not_exists)
        # Of several brokers, the next one asked may hear of a new topic a moment later.
        state = await_leaders(admin, name, Deadline.after(5.0))
    count = tables.counted(len(state.partitions), "partition")
    text = (
        f"Topic {name} created ({count})."
        if made
        else f"Topic {name} is there already; nothing changed."
    )
    return Outcome({"schema": 1, "topic": name, "created": made}, lambda: text)


@verb(
    name="list",
    help={
        "name": "only topics that match, such as 'billing.*'",
        "internal": "show Kafka's own topics too",
        "under_replicated": "only those with a replica that is not in sync",
        "unavailable": "only those with a partition without a leader",
        "empty": "only those without a record",
        "sizes": "show records, and bytes on all brokers together",
        **ANSWERS,
    },
    completes={"name": "topics"},
)
def list_(
    call: Call,
    name: str | None = None,
    internal: bool = False,
    under_replicated: bool = False,
    unavailable: bool = False,
    empty: bool = False,
    sizes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """List the topics."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.model.topic import ListedTopic
    from kafka_tasks.render import as_json, tables
    from kafka_tasks.topics import observe

    with connected(call) as (_, cluster, admin):
        chosen = observe.chosen(
            admin.topics().values(),
            name=name,
            internal=internal,
            under_replicated=under_replicated,
            unavailable=unavailable,
        )
        if empty or sizes:
            from kafka_tasks.clients.kafka import reassignment

            known = reassignment.sizes(cluster) if sizes else None
            found = observe.measured(admin, chosen, known)
        else:
            found = [ListedTopic(state, None) for state in chosen]
    if empty:
        found = [topic for topic in found if topic.records == 0]
    filtered = bool(name or under_replicated or unavailable or empty)
    return Outcome(
        as_json.topics(found), lambda: tables.topics(found, width=call.width, filtered=filtered)
    )


@verb(help=ANSWERS, completes={"name": "topics"})
def describe(call: Call, name: str, timeout: str | None = None, output: str = "text") -> Outcome:
    """Show a topic's partitions, offsets, settings, and the groups that read it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import offsets
    from kafka_tasks.groups.lag import reading
    from kafka_tasks.render import as_json, tables
    from kafka_tasks.topics.model import check_name

    check_name(name, "kafka.topic.describe")
    with connected(call) as (_, _, admin):
        state = admin.describe(name)
        if state is None:
            raise missing(name, admin.topics())
        logs = offsets.of_topic(admin, state)
        groups = reading(admin, name)
    return Outcome(
        as_json.topic(state, logs, groups),
        lambda: tables.topic(state, logs, groups, width=call.width),
    )


@verb(
    help={"names": "topics: one, several with commas, or a pattern such as 'test-*'", **ANSWERS},
    completes={"names": "topics"},
)
def delete(
    call: Call,
    names: str,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete topics and all their records; names them and asks first."""
    call.flags = {"timeout": timeout}
    from dataclasses import replace

    from kafka_tasks.clients.kafka import changes
    from kafka_tasks.render import tables
    from kafka_tasks.tasks.topics_plan import keep_undo
    from kafka_tasks.topics import deletion

    with connected(call) as (session, _, admin):
        chosen = matching(names, admin, "kafka.topic.delete")
        if call.dry:
            return dry(f"delete {', '.join(chosen)}")
        require_cluster_id(session, admin, cluster_id)
        question = [
            f"{tables.counted(len(chosen), 'topic')} would be deleted with all records: "
            f"{', '.join(chosen)}."
        ]
        confirmed(question, yes=yes, hint=f"invoke kafka.topic.delete '{names}' --yes")
        there, configs = admin.topics(), admin.configs(chosen, missing_ok=True)
        going = [replace(there[at], config=configs[at]) for at in chosen if at in configs]
        undo = keep_undo(session, admin, going)
        with accounted(
            lambda: gone_or_left(chosen, admin.topics(timeout_s=3.0), "topic"),
            hint="invoke kafka.topic.list",
        ):
            changes.require(deletion.delete(admin, chosen))
    text = f"Deleted {', '.join(chosen)}."
    return Outcome({"schema": 1, "deleted": chosen, "undo": str(undo)}, lambda: text)
