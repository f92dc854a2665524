"""What every task that works on a running cluster does first: connect, choose, make sure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kafka_tasks.tasks._options import Call, Outcome

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle import Session
    from kafka_tasks.model.cluster import Cluster


# The help of --timeout where no readiness is waited for.
ANSWERS = {"timeout": "seconds to wait for an answer (default 10, for changes 30)"}


@contextmanager
def connected(call: Call) -> Iterator[tuple[Session, Cluster, Admin]]:
    """The session, its cluster and an admin client; raises `NotReady` where nothing runs."""
    from kafka_tasks.clients.kafka.admin import Admin

    with call.watched() as session:
        session.require_running()
        settings = session.settings
        cluster = session.runtime.cluster(settings)
        asked = settings.timeout if settings.explicit("timeout") else None
        with Admin(cluster, timeout_s=asked) as admin:
            yield session, cluster, admin


def dry(what: str) -> Outcome:
    """What --dry says instead of doing it."""
    return Outcome({"schema": 1, "dry": True, "would": what}, lambda: f"would {what}")


@contextmanager
def accounted(look: Callable[[], Iterable[str]], *, hint: str) -> Iterator[None]:
    """Around what sends: Ctrl-C takes nothing back, so `look` says what has become of it."""
    from kafka_tasks.errors import Interrupted, KafkaTasksError
    from kafka_tasks.lifecycle import signals_held

    try:
        yield
    except KeyboardInterrupt:
        with signals_held():
            try:
                found = list(look())
            except KafkaTasksError as error:
                found = [f"what became of it is not known: {error.message}"]
        raise Interrupted(
            "Interrupted; what had been sent by then is not taken back.", evidence=found, hint=hint
        ) from None


def gone_or_left(names: Iterable[str], there: Iterable[str], noun: str) -> Iterator[str]:
    """A line for those of the names that are gone, and one for those that are not."""
    from kafka_tasks.render.tables import some

    left = set(names) & set(there)
    for word, which in (("gone", set(names) - left), ("not gone yet", left)):
        if which:
            yield f"{word}: {some(sorted(which), noun)}"


def missing(name: str, there: Mapping[str, object]) -> Exception:
    """The error for a topic that is not there, with the nearest one that is."""
    from difflib import get_close_matches

    from kafka_tasks.errors import TopicMissing

    near = get_close_matches(name, list(there), n=1)
    hint = f"did you mean {near[0]}?" if near else "invoke kafka.topic.list"
    return TopicMissing(f"There is no topic {name}.", hint=hint)


def matching(names: str, admin: Admin, task: str) -> list[str]:
    """The topics that were named to `task`; a pattern never means Kafka's own."""
    from fnmatch import fnmatchcase

    from kafka_tasks.errors import InvalidInput, TopicMissing
    from kafka_tasks.topics.model import check_name

    parts = [part.strip() for part in names.split(",")]
    for part in parts:
        if not any(char in part for char in "*?["):
            check_name(part, task)
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
            raise missing(part, there)
        chosen.extend(hits)
    return sorted(set(chosen))


def require_cluster_id(session: Session, admin: Admin, given: str | None) -> None:
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
