"""Topics: one that is there and proven, and the usual verbs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle import Session
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.topics.model import TopicSpec

DEFAULT_TOPIC = "test-topic"

_FLAGS = {
    "partitions": "number of partitions",
    "replication_factor": "replicas of each partition",
    "config": "a topic setting, key=value (repeatable)",
}


@contextmanager
def _connected(call: Call) -> Iterator[tuple[Session, Cluster, Admin]]:
    from kafka_tasks.clients.kafka.admin import Admin

    session = call.session()
    session.require_running()
    cluster = session.runtime.cluster(session.settings)
    with Admin(cluster) as admin:
        yield session, cluster, admin


def _spec(
    name: str, partitions: str | None, replication_factor: str | None, config: list[str]
) -> TopicSpec:
    from kafka_tasks.topics.model import TopicSpec, check_spec, parse_config

    return check_spec(
        TopicSpec(
            name,
            number(partitions, "--partitions"),
            number(replication_factor, "--replication-factor"),
            parse_config(config),
        )
    )


@verb(
    default=True,
    iterable=("config",),
    help={
        "name": "the topic (default test-topic)",
        "prove": "allow a record in a topic that existed before",
        **_FLAGS,
    },
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
    wanted = _spec(name, partitions, replication_factor, config or [])
    from dataclasses import replace

    from kafka_tasks.render import as_json, tables
    from kafka_tasks.topics import ensure as topics
    from kafka_tasks.topics.apply import apply

    made = replace(
        wanted,
        partitions=wanted.partitions or 1,
        replication_factor=wanted.replication_factor or 1,
    )
    with _connected(call) as (session, cluster, admin):
        plan, there = topics.planned(admin, wanted, new=made)
        if there is not None:
            topics.require_same(plan.of(name))
        if call.dry:
            return _dry(f"create {name}" if there is None else f"prove {name}")
        limit = min(session.settings.timeout, 30.0)
        if there is None:
            apply(plan, admin, timeout_s=limit)
        record = there is None or prove or name == DEFAULT_TOPIC
        found = topics.prove(
            cluster, admin, name, created=there is None, with_record=record, timeout_s=limit
        )
    return Outcome(as_json.proof(found), lambda: tables.proof(found))


def _dry(what: str) -> Outcome:
    return Outcome({"schema": 1, "dry": True, "would": what}, lambda: f"would {what}")


@verb(iterable=("config",), help={"if_not_exists": "an existing topic is no error", **_FLAGS})
def create(
    call: Call,
    name: str,
    partitions: str | None = None,
    replication_factor: str | None = None,
    config: Any = None,
    if_not_exists: bool = False,
    output: str = "text",
) -> Outcome:
    """Create a topic; returns when each of its partitions has a leader."""
    wanted = _spec(name, partitions, replication_factor, config or [])
    from kafka_tasks.render import tables
    from kafka_tasks.topics import ensure as topics

    with _connected(call) as (_, _, admin):
        if call.dry:
            topics.planned(admin, wanted)
            return _dry(f"create {name}")
        made = topics.create(admin, wanted, if_not_exists=if_not_exists)
        state = admin.describe(name)
    count = tables.counted(len(state.partitions) if state else 0, "partition")
    text = (
        f"Topic {name} created ({count})."
        if made
        else f"Topic {name} is there already; nothing changed."
    )
    return Outcome({"schema": 1, "topic": name, "created": made}, lambda: text)


@verb(name="list", help={"internal": "show Kafka's own topics too"})
def list_(call: Call, internal: bool = False, output: str = "text") -> Outcome:
    """List the topics."""
    from kafka_tasks.render import as_json, tables

    with _connected(call) as (_, _, admin):
        every = admin.topics()
    found = [every[name] for name in sorted(every) if internal or not every[name].internal]
    return Outcome(as_json.topics(found), lambda: tables.topics(found, width=call.width))


@verb()
def describe(call: Call, name: str, output: str = "text") -> Outcome:
    """Show a topic's partitions, offsets and settings."""
    from kafka_tasks.render import as_json, tables
    from kafka_tasks.topics.model import check_name

    check_name(name)
    with _connected(call) as (_, _, admin):
        state = admin.describe(name)
        if state is None:
            raise _missing(name, admin.topics())
        offsets = admin.offsets(state)
    return Outcome(
        as_json.topic(state, offsets), lambda: tables.topic(state, offsets, width=call.width)
    )


def _missing(name: str, there: Mapping[str, object]) -> Exception:
    from difflib import get_close_matches

    from kafka_tasks.errors import TopicMissing

    near = get_close_matches(name, list(there), n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.topic.list"
    return TopicMissing(f"There is no topic {name}.", hint=hint)


@verb(help={"names": "topics: one, several with commas, or a pattern such as 'test-*'"})
def delete(
    call: Call,
    names: str,
    yes: bool = False,
    cluster_id: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete topics and all their records; names them and asks first."""
    from kafka_tasks.render import tables
    from kafka_tasks.retry import Deadline
    from kafka_tasks.topics.apply import await_absence

    with _connected(call) as (session, _, admin):
        chosen = _matching(names, admin)
        if call.dry:
            return _dry(f"delete {', '.join(chosen)}")
        _require_cluster_id(session, admin, cluster_id)
        question = [
            f"{tables.counted(len(chosen), 'topic')} would be deleted with all records: "
            f"{', '.join(chosen)}."
        ]
        confirmed(question, yes=yes, hint=f"invoke kafka.topic.delete '{names}' --yes")
        admin.delete(chosen)
        await_absence(admin, tuple(chosen), Deadline.after(30.0))
    text = f"Deleted {', '.join(chosen)}."
    return Outcome({"schema": 1, "deleted": chosen}, lambda: text)


def _matching(names: str, admin: Admin) -> list[str]:
    """The topics that were named; a pattern never means Kafka's own."""
    from fnmatch import fnmatchcase

    from kafka_tasks.errors import InvalidInput, TopicMissing
    from kafka_tasks.topics.model import check_name

    parts = [part.strip() for part in names.split(",")]
    for part in parts:
        if not any(char in part for char in "*?["):
            check_name(part)
            if part.startswith("__"):
                raise InvalidInput(
                    f"{part} is Kafka's own and is not deleted from here.",
                    hint="invoke kafka.topic.list shows the topics that are yours",
                )
    there = admin.topics()
    chosen: list[str] = []
    for part in parts:
        if part in there:
            chosen.append(part)
            continue
        hits = [name for name in sorted(there) if fnmatchcase(name, part)]
        hits = [name for name in hits if not there[name].internal]
        if not hits:
            if any(char in part for char in "*?["):
                raise TopicMissing(f"No topic matches {part}.", hint="invoke kafka.topic.list")
            raise _missing(part, there)
        chosen.extend(hits)
    return sorted(set(chosen))


def _require_cluster_id(session: Session, admin: Admin, given: str | None) -> None:
    """Whatever deletes on a remote cluster names the cluster it means."""
    from kafka_tasks.errors import Refused

    actual = admin.look(5.0).cluster_id
    if given is not None and given != actual:
        raise Refused(
            f"--cluster-id is {given}, but this cluster is {actual}.", hint="invoke kafka.status"
        )
    if given is None and not session.runtime.capabilities.lifecycle:
        raise Refused(
            "This cluster is run by somebody else; deleting on it needs --cluster-id.",
            hint=f"add --cluster-id {actual} if that is the one you mean",
        )
