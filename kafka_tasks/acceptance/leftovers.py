"""Deletes the topics, groups and files that the checks created."""

from __future__ import annotations

from collections.abc import Iterable

from kafka_tasks.acceptance import ledger
from kafka_tasks.acceptance.ledger import Ledger
from kafka_tasks.clients.kafka import group_admin
from kafka_tasks.clients.kafka.admin import Admin
from kafka_tasks.errors import GroupMissing, NotPermitted
from kafka_tasks.fixtures.made_topics import delete_now
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.project.directory import Project

PREFIX = "kafka-tasks-acceptance-"
# The last part of the name of a run's consumer group.
GROUP = "members"


def delete_groups(admin: Admin, names: Iterable[str]) -> None:
    """Delete those of the groups that exist; a user who may not delete them leaves them."""
    for error in group_admin.delete(admin, names).values():
        if error is not None and not isinstance(error, GroupMissing | NotPermitted):
            raise error


def delete_run(cluster: Cluster, run: str) -> None:
    """Delete every topic, and the consumer group, of a run that was killed."""
    with Admin(cluster) as admin:
        names = admin.topics(timeout_s=5.0)
        delete_now(admin, [name for name in names if name.startswith(f"{PREFIX}{run}-")])
        delete_groups(admin, [f"{PREFIX}{run}-{GROUP}"])


def delete_planted(project: Project, admin: Admin, planted: Ledger) -> None:
    """Delete topics, group and ledger; test-topic only if the run created it."""
    names = [planted.topic]
    if planted.kept_topic_is_ours:
        names.append(planted.kept_topic)
    delete_now(admin, names)
    delete_groups(admin, [planted.group])
    ledger.path_in(project).unlink(missing_ok=True)
