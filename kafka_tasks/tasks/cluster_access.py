"""Access to a running cluster: connect, find topics by name, report what Ctrl-C interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.cluster import Cluster

_WILDCARDS = "*?["


@contextmanager
def connected(call: Call) -> Iterator[tuple[Session, Cluster, Admin]]:
    """Yield the session, its cluster and an admin client; raises `NotReady` where nothing runs."""
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.complete_answers import completeness

    with call.watched() as session:
        session.require_running()
        settings = session.settings
        cluster = session.cluster()
        asked = settings.timeout if settings.explicit("timeout") else None
        with Admin(cluster, timeout_s=asked, completeness=completeness(cluster)) as admin:
            admin.require_contact()
            yield session, cluster, admin


@contextmanager
def reporting_interrupt(look: Callable[[], Iterable[str]], *, hint: str) -> Iterator[None]:
    """Raise `Interrupted` with the cluster's state after Ctrl-C in a block that changes it.

    `look` yields a line for each thing that was to change: requests already sent are not rolled
    back.
    """
    from kafka_tasks.errors import Interrupted, KafkaTasksError
    from kafka_tasks.lifecycle.session import signals_held

    try:
        yield
    except KeyboardInterrupt:
        with signals_held():
            try:
                found = list(look())
            except KafkaTasksError as error:
                found = [f"the outcome is not known: {error.message}"]
        raise Interrupted(
            "Interrupted; requests already sent were not rolled back.", evidence=found, hint=hint
        ) from None


def gone_or_left(names: Iterable[str], there: Iterable[str], noun: str) -> Iterator[str]:
    """Yield a line for those of the names that are gone, and one for those that are not."""
    from kafka_tasks.render.words import some

    left = set(names) & set(there)
    for word, which in (("gone", set(names) - left), ("not gone yet", left)):
        if which:
            yield f"{word}: {some(sorted(which), noun)}"


def missing(name: str, there: Mapping[str, object]) -> KafkaTasksError:
    """Return the error for a topic that does not exist, with the nearest name that does."""
    from difflib import get_close_matches

    from kafka_tasks.errors import TopicMissing

    near = get_close_matches(name, list(there), n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.topic.list"
    return TopicMissing(f"There is no topic {name}.", hint=hint)


def matching(names: str, admin: Admin, task: str) -> list[str]:
    """Return the topics that were named to `task`; a pattern never matches Kafka's own."""
    parts = [part.strip() for part in names.split(",")]
    for part in parts:
        _require_deletable(part, task)
    named = [part for part in parts if not any(char in part for char in _WILDCARDS)]
    there = admin.topics(expected=named)
    users = [name for name in sorted(there) if not there[name].internal]
    return sorted({name for part in parts for name in _matches(part, admin, there, users)})


def _require_deletable(part: str, task: str) -> None:
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.topics.model import check_name

    if any(char in part for char in _WILDCARDS):
        return
    check_name(part, task)
    if part.startswith("__"):
        raise InvalidInput(
            f"{part} is Kafka's own topic; kafka-tasks does not delete it.",
            hint="invoke kafka.topic.list shows the topics that are yours",
        )


def _matches(
    part: str, admin: Admin, there: Mapping[str, object], users: Iterable[str]
) -> list[str]:
    from fnmatch import fnmatchcase

    from kafka_tasks.errors import TopicMissing

    if part in there:
        return [part]
    hits = [name for name in users if fnmatchcase(name, part)]
    if hits:
        return hits
    if any(char in part for char in _WILDCARDS):
        raise TopicMissing(f"No topic matches {part}.", hint="invoke kafka.topic.list")
    # One that the user may not see is not listed either: this raises `NotPermitted` then.
    admin.seen(name=part)
    raise missing(part, there)
