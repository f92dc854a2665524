"""A cluster emptied without a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kafka_tasks.tasks._cluster_access import (
    accounted,
    connected,
    dry,
    gone_or_left,
    require_cluster_id,
)
from kafka_tasks.tasks._options import Call, Outcome, confirmed, verb

if TYPE_CHECKING:
    from kafka_tasks.errors import KafkaTasksError


@verb(help={"timeout": "seconds until all is gone (default 60)"})
def reset(
    call: Call,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete every topic and consumer group of yours; the cluster stays up."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.render.tables import counted
    from kafka_tasks.topics import deletion

    with connected(call) as (session, _, admin):
        topics = [state.name for state in deletion.users(admin.topics().values())]
        groups = group_admin.names(admin)
        what = f"{counted(len(topics), 'topic')} and {counted(len(groups), 'consumer group')}"
        if call.dry:
            return dry(f"delete {what}")
        if cluster_id is not None or topics or groups:
            require_cluster_id(session, admin, cluster_id)
        if topics or groups:
            question = [f"{what} would be deleted, with all records and committed offsets."]
            confirmed(question, yes=yes, hint="invoke kafka.reset --yes")

        def look() -> Iterator[str]:
            yield from gone_or_left(topics, admin.topics(timeout_s=3.0), "topic")
            yield from gone_or_left(groups, group_admin.names(admin, timeout_s=3.0), "group")

        failed: dict[str, KafkaTasksError] = {}
        with accounted(look, hint="invoke kafka.reset"):
            # Groups first: one that is still read with keeps its topics from looking empty.
            for found in (
                group_admin.delete(admin, groups),
                deletion.delete(admin, topics, timeout_s=session.settings.timeout),
            ):
                failed.update({name: error for name, error in found.items() if error is not None})
    document = {
        "schema": 1,
        "topics": [name for name in topics if name not in failed],
        "groups": [name for name in groups if name not in failed],
        "failed": [{"name": name, "message": e.message} for name, e in sorted(failed.items())],
    }
    lines = (
        [
            f"{counted(len(topics), 'topic')} and {counted(len(groups), 'group')} deleted; "
            "the cluster is up."
        ]
        if not failed
        else []
    )
    lines += [f"! {name}: {error.message}" for name, error in sorted(failed.items())]
    lines += [f"Hint: {error.hint}" for error in list(failed.values())[:1] if error.hint]
    return Outcome(document, lambda: "\n".join(lines), int(bool(failed)))
