"""Topics: one that is there and proven, and create, list, describe, delete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import (
    connected,
    gone_or_left,
    matching,
    missing,
    reporting_interrupt,
)
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import ANSWERS, number, task
from kafka_tasks.tasks.undo import keep_undo

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.topics.model import TopicSpec

_DEFAULT_TOPIC = "test-topic"

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
        there = name in admin.seen(timeout_s=3.0, name=name)
        yield f"{name} {'exists' if there else 'does not exist'}"

    return reporting_interrupt(look, hint=f"invoke kafka.topic.describe {name}")


@task(
    default=True,
    iterable=("config",),
    help={
        "name": "name of the topic (default test-topic)",
        "prove": "allow a record in a topic that existed before",
        **ANSWERS,
        **_FLAGS,
    },
    completes={"name": "topics"},
)
def ensure(
    call: Call,
    name: str = _DEFAULT_TOPIC,
    partitions: str | None = None,
    replication_factor: str | None = None,
    config: Any = None,
    prove: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Create test-topic unless it exists, and prove that it works."""
    call.flags = {"timeout": timeout}
    wanted = _spec(name, partitions, replication_factor, config or [], task="kafka.topic")
    return _ensured(call, wanted, record=prove or name == _DEFAULT_TOPIC)


def _ensured(call: Call, wanted: TopicSpec, *, record: bool) -> Outcome:
    """Create the topic where it is missing and prove it; `record` allows one in an old topic."""
    from dataclasses import replace

    from kafka_tasks.clients.kafka.admin import CHANGE_S
    from kafka_tasks.render.views import dry, proof
    from kafka_tasks.topics import one_topic
    from kafka_tasks.topics.apply import apply, require_done

    name = wanted.name
    made = replace(
        wanted,
        partitions=wanted.partitions or 1,
        replication_factor=wanted.replication_factor or 1,
    )
    with connected(call) as (_, cluster, admin):
        plan, there = one_topic.planned(admin, wanted, new=made)
        if there is not None:
            one_topic.require_same(plan.of(name))
        if call.dry:
            return shown(dry.Dry(f"create {name}" if there is None else f"prove {name}"), dry)
        limit, new = admin.limit(None, CHANGE_S), there is None
        if new:
            with _interruptible(admin, name):
                require_done(apply(plan, admin, timeout_s=limit))
        found = one_topic.prove(
            cluster, admin, name, created=new, with_record=new or record, timeout_s=limit
        )
    return shown(found, proof)


@task(
    iterable=("config",),
    help={
        "name": "name of the topic",
        "if_not_exists": "succeed if the topic exists",
        **ANSWERS,
        **_FLAGS,
    },
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
    from kafka_tasks.render.views import dry, topic_created
    from kafka_tasks.retry import Deadline
    from kafka_tasks.topics import one_topic
    from kafka_tasks.topics.waits import await_leaders

    with connected(call) as (_, _, admin):
        if call.dry:
            new = one_topic.create(admin, wanted, if_not_exists=if_not_exists, dry=True)
            what = f"create {name}" if new else f"change nothing: {name} exists already"
            return shown(dry.Dry(what), dry)
        with _interruptible(admin, name):
            made = one_topic.create(admin, wanted, if_not_exists=if_not_exists)
        # Of several brokers, the next one asked may hear of a new topic a moment later.
        state = await_leaders(admin, name, Deadline.after(5.0))
    return shown(topic_created.Created(name, made, len(state.partitions)), topic_created)


@task(
    name="list",
    help={
        "name": "only topics that match, such as 'billing.*'",
        "internal": "show Kafka's own topics too",
        "under_replicated": "only topics with a replica that is not in sync",
        "unavailable": "only topics with a partition without a leader",
        "empty": "only topics without a record",
        "sizes": "show the number of records, and the bytes on all brokers",
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
    from kafka_tasks.clients.kafka.visibility import Sight
    from kafka_tasks.model.topic import ListedTopic
    from kafka_tasks.render.views import topics
    from kafka_tasks.topics import observe

    with connected(call) as (session, _, admin):
        sight = Sight(admin)
        chosen = observe.chosen(
            admin.topics().values(),
            name=name,
            internal=internal,
            under_replicated=under_replicated,
            unavailable=unavailable,
        )
        if empty or sizes:
            from kafka_tasks.clients.kafka import reassignment

            known = reassignment.sizes(admin) if sizes else None
            found = observe.measured(admin, chosen, known)
            if sizes and any(topic.bytes is None for topic in found):
                session.recorder.notice(
                    "not every size is visible: that needs the right DESCRIBE on the cluster"
                )
        else:
            found = [ListedTopic(state, None) for state in chosen]
        limited = sight.hidden_topics()
        if limited:
            session.recorder.notice(limited)
    if empty:
        found = [topic for topic in found if topic.records == 0]
    filtered = bool(name or under_replicated or unavailable or empty)
    return shown(topics.Topics(found, filtered, limited), topics)


@task(help={"name": "name of the topic", **ANSWERS}, completes={"name": "topics"})
def describe(call: Call, name: str, timeout: str | None = None, output: str = "text") -> Outcome:
    """Show a topic's partitions, offsets, settings, and the groups that read it."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import offsets
    from kafka_tasks.groups.lag import reading
    from kafka_tasks.render.views import topic
    from kafka_tasks.topics.model import check_name

    check_name(name, "kafka.topic.describe")
    with connected(call) as (_, _, admin):
        state = admin.describe(name)
        if state is None:
            raise missing(name, admin.topics())
        found = topic.Described(
            state, offsets.of_topic(admin, state), reading(admin, name), admin.racks()
        )
    return shown(found, topic)


@task(
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
    """Delete topics and all their records; lists them and asks first."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.render.views import dry, topics_deleted
    from kafka_tasks.render.words import counted

    with connected(call) as (session, _, admin):
        chosen = matching(names, admin, "kafka.topic.delete")
        if call.dry:
            return shown(dry.Dry(f"delete {', '.join(chosen)}"), dry)
        require_cluster_id(call, session, admin, cluster_id)
        what = f"{counted(len(chosen), 'topic')} would be deleted with all records"
        require_yes(call, [f"{what}: {', '.join(chosen)}."], yes=yes)
        undo = _deleted(session, admin, chosen)
    return shown(topics_deleted.Deleted(chosen, undo), topics_deleted)


def _deleted(session: Session, admin: Admin, chosen: list[str]) -> Path:
    """Write the undo file and delete the topics; returns the file."""
    from dataclasses import replace

    from kafka_tasks.clients.kafka import changes
    from kafka_tasks.topics import deletion

    there, configs = admin.topics(), admin.configs(chosen, missing_ok=True)
    going = [replace(there[at], config=configs[at]) for at in chosen if at in configs]
    undo = keep_undo(session, admin, going)
    with reporting_interrupt(
        lambda: gone_or_left(chosen, admin.seen(timeout_s=3.0), "topic"),
        hint="invoke kafka.topic.list",
    ):
        changes.require(deletion.delete(admin, chosen, watch=True))
    return undo
