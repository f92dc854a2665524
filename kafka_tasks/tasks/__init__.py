"""The Invoke collection: `kafka`, and the collections below it."""

from __future__ import annotations

from collections.abc import Iterable

from invoke.collection import Collection

from kafka_tasks.tasks import (
    acl,
    cluster,
    context,
    doctor,
    group,
    init,
    inspection,
    records,
    reset,
    snapshot,
    topic,
    topic_changes,
    topics_export,
    topics_file,
    topics_plan,
    user,
    whoami,
)
from kafka_tasks.tasks.debugging import mask_debugging
from kafka_tasks.tasks.task import KafkaTask

mask_debugging()

_CLUSTER = (
    init.init,
    cluster.up,
    cluster.down,
    cluster.restart,
    cluster.status,
    cluster.list_,
    cluster.pull,
    cluster.wait,
    inspection.logs,
    doctor.doctor,
    inspection.config,
    inspection.env,
    cluster.verify,
    records.produce,
    records.consume,
    reset.reset,
    whoami.whoami,
)
_BELOW = {
    "topic": (
        topic.ensure,
        topic.create,
        topic.list_,
        topic.describe,
        topic_changes.alter,
        topic.delete,
        topic_changes.trim,
        topics_file.validate,
        topics_plan.plan,
        topics_plan.apply,
        topics_export.export,
    ),
    "group": (group.list_, group.describe, group.reset, group.delete),
    "user": (user.list_, user.create, user.password, user.delete),
    "context": (context.list_, context.show, context.test),
    "acl": (acl.list_, acl.grant, acl.revoke),
    "snapshot": (snapshot.save, snapshot.restore, snapshot.list_, snapshot.delete),
}


def collection() -> Collection:
    """Return everything that `invoke --list` shows under `kafka`."""
    found = Collection("kafka", *_CLUSTER)
    for name, tasks in _BELOW.items():
        # A task that is the default of its collection says so itself.
        found.add_collection(Collection(name, *tasks))
        _name(f"kafka.{name}", tasks)
    _name("kafka", _CLUSTER)
    return found


def _name(where: str, tasks: Iterable[KafkaTask]) -> None:
    """Tell each task its full name."""
    for task in tasks:
        task.full_name = where if task.is_default else f"{where}.{task.name}"


kafka = collection()
namespace = Collection(kafka)

__all__ = ["collection", "kafka", "namespace"]
