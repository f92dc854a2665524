"""The Invoke collection: `kafka`, with `kafka.topic`, `kafka.group` and `kafka.snapshot`."""

from __future__ import annotations

from invoke.collection import Collection

from kafka_tasks.tasks import (
    cluster,
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
)


def collection() -> Collection:
    """Return everything that `invoke --list` shows under `kafka`."""
    topics = Collection("topic")
    for task, default in (
        (topic.ensure, True),
        (topic.create, False),
        (topic.list_, False),
        (topic.describe, False),
        (topic_changes.alter, False),
        (topic.delete, False),
        (topic_changes.trim, False),
        (topics_file.validate, False),
        (topics_plan.plan, False),
        (topics_plan.apply, False),
        (topics_export.export, False),
    ):
        topics.add_task(task, default=default)
    found = Collection("kafka")
    for task in (
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
    ):
        found.add_task(task)
    found.add_collection(topics)
    groups = Collection("group")
    for task in (group.list_, group.describe, group.reset, group.delete):
        groups.add_task(task)
    found.add_collection(groups)
    snapshots = Collection("snapshot")
    for task in (snapshot.save, snapshot.restore, snapshot.list_, snapshot.delete):
        snapshots.add_task(task)
    found.add_collection(snapshots)
    return found


kafka = collection()
namespace = Collection(kafka)

__all__ = ["collection", "kafka", "namespace"]
