"""Data that a newer Kafka or another mode has written is not started, nor secured data in clear."""

from __future__ import annotations

import msgspec

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.model.kafka_line import mode_title
from kafka_tasks.project import state, written_by
from kafka_tasks.project.written_by import WrittenBy
from kafka_tasks.runtimes.secure.store import SecureStore

_LOST = "every topic, record and committed offset"


def require_readable(session: Session) -> None:
    """Raise `InvalidInput` where these settings cannot be trusted with the data; tell an upgrade.

    Data without a record is not judged.
    """
    before = written_by.read(session.project, session.runtime.name)
    _require_known_security(session, before)
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


def _require_known_security(session: Session, before: WrittenBy | None) -> None:
    """Raise `InvalidInput` for users and keys of a cluster whose records are lost."""
    is_known = before is not None and before.security is not msgspec.UNSET
    settings = session.settings
    if is_known or settings.security or settings.explicit("secure"):
        return
    if state.read(session.project) is None and SecureStore.of(session.project).was_issued:
        raise InvalidInput(
            f"{session.project.state} has certificates of a secured cluster, and no record of how "
            "its clients log in.",
            evidence=(f"state.json is missing or was damaged in {session.project.state}",),
            hint="invoke kafka.up --secure scram, or the kind it had (and --acl, if it had that); "
            "--secure none starts it without security",
        )


def record(session: Session, cluster: Cluster) -> None:
    """Record what writes the data of a cluster that was just started."""
    settings = session.settings
    found = WrittenBy(
        version=settings.version,
        kafka_version=cluster.kafka_version or settings.line.kafka,
        mode=settings.resolved_mode,
        voters=tuple(sorted(voter.node_id for voter in cluster.topology.voters)),
        security=settings.security,
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
