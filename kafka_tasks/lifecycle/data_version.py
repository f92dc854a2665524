"""Data that a newer Kafka or another mode has written is not started."""

from __future__ import annotations

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.kafka_line import mode_title
from kafka_tasks.project import written_by
from kafka_tasks.project.written_by import WrittenBy

_LOST = "every topic, record and committed offset"


def require_readable(session: Session) -> None:
    """Raise `InvalidInput` where these settings cannot be trusted with the data; tell an upgrade.

    Data without a record is not judged.
    """
    before = written_by.read(session.project, session.runtime.name)
    if before is None:
        return
    settings = session.settings
    now = WrittenBy(
        version=settings.version,
        kafka_version=settings.line.kafka,
        mode=settings.resolved_mode,
    )
    if (before.mode, before.kafka_line) == (now.mode, now.kafka_line):
        return
    if not session.data().has_data(settings):
        return
    if before.mode != now.mode:
        raise _other_mode(before, now)
    if now.kafka_line < before.kafka_line:
        raise _downgrade(before, now)
    session.recorder.notice(
        f"upgrading the data from {before} to {now}; only a snapshot of before leads back"
    )


def record(session: Session, cluster: Cluster) -> None:
    """Record what writes the data of a cluster that was just started."""
    settings = session.settings
    found = WrittenBy(
        version=settings.version,
        kafka_version=cluster.kafka_version or settings.line.kafka,
        mode=settings.resolved_mode,
        voters=tuple(sorted(voter.node_id for voter in cluster.topology.voters)),
    )
    written_by.write(session.project, session.runtime.name, found)


def _downgrade(before: WrittenBy, now: WrittenBy) -> InvalidInput:
    return InvalidInput(
        f"The data was written by {before}, and these settings have {now}, which is older: it may "
        "not read all of it, and topics could no longer be altered.",
        evidence=(f"going back deletes {_LOST}; a snapshot keeps them for {before}",),
        hint=f"KAFKA_TASKS_VERSION={before.version} invoke kafka.up keeps the data; to go back: "
        f"{_way(before, now)}",
    )


def _other_mode(before: WrittenBy, now: WrittenBy) -> InvalidInput:
    return InvalidInput(
        f"The data was written by {before} in {mode_title(before.mode)} mode, and these settings "
        f"have {now} in {mode_title(now.mode)} mode, which cannot read it.",
        evidence=(f"changing the mode deletes {_LOST}; a snapshot keeps them for {before}",),
        hint=f"KAFKA_TASKS_VERSION={before.version} KAFKA_TASKS_MODE={before.mode} invoke kafka.up "
        f"keeps the data, and invoke kafka.topic.export then writes its topics into a file; to "
        f"change the mode: {_way(before, now)}",
    )


def _way(before: WrittenBy, now: WrittenBy) -> str:
    """Return the commands that keep the old data in a snapshot, and start empty."""
    return (
        f"KAFKA_TASKS_VERSION={before.version} KAFKA_TASKS_MODE={before.mode} "
        f"invoke kafka.snapshot.save before-{now.version}; invoke kafka.down --wipe --yes; "
        f"KAFKA_TASKS_VERSION={now.version} KAFKA_TASKS_MODE={now.mode} invoke kafka.up"
    )
