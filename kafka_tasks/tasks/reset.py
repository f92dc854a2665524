"""A cluster without topics and groups, without a restart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.cluster_access import connected, gone_or_left, reporting_interrupt
from kafka_tasks.tasks.confirm import require_cluster_id, require_yes
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.repeated import repeated
from kafka_tasks.tasks.task import task

if TYPE_CHECKING:
    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.errors import KafkaTasksError


@task(help={"timeout": "seconds until all is gone (default 60)"})
def reset(
    call: Call,
    yes: bool = False,
    cluster_id: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Delete all your topics and groups; the cluster stays up."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.clients.kafka.visibility import Sight
    from kafka_tasks.render.views import cluster_reset, dry
    from kafka_tasks.render.words import counted
    from kafka_tasks.topics import deletion

    with connected(call) as (session, _, admin):
        sight = Sight(admin)
        topics = [state.name for state in deletion.users(admin.topics().values())]
        groups = group_admin.names(admin)
        for limited in filter(None, (sight.hidden_topics(), sight.hidden_groups())):
            session.recorder.notice(limited)
        what = f"{counted(len(topics), 'topic')} and {counted(len(groups), 'group')}"
        if call.dry:
            return shown(dry.Dry(f"delete {what}"), dry)
        if cluster_id is not None or topics or groups:
            require_cluster_id(call, session, admin, cluster_id)
        if topics or groups:
            question = [f"{what} would be deleted, with all records and committed offsets."]
            require_yes(call, question, yes=yes)
        failed = _delete(call, admin, topics, groups, timeout_s=session.settings.timeout)
    found = cluster_reset.ClusterReset(topics, groups, failed)
    return shown(found, cluster_reset, int(bool(failed)))


def _delete(
    call: Call, admin: Admin, topics: Sequence[str], groups: Sequence[str], *, timeout_s: float
) -> dict[str, KafkaTasksError]:
    """Delete all of it; returns the errors by name."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.topics import deletion

    def look() -> Iterator[str]:
        yield from gone_or_left(topics, admin.seen(timeout_s=3.0), "topic")
        yield from gone_or_left(groups, group_admin.names(admin, timeout_s=3.0), "group")

    failed: dict[str, KafkaTasksError] = {}
    with reporting_interrupt(look, hint=repeated(call)):
        # Groups first: a group with members keeps its topics from looking empty.
        for found in (
            group_admin.delete(admin, groups),
            deletion.delete(admin, topics, timeout_s=timeout_s),
        ):
            failed.update({name: error for name, error in found.items() if error is not None})
    return failed
