"""The undo file: written before topics are deleted or trimmed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.clients.kafka.admin import Admin
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.access import Rule
    from kafka_tasks.model.topic import TopicState


def keep_undo(
    session: Session, admin: Admin, going: Iterable[TopicState], revoked: Iterable[Rule] = ()
) -> Path:
    """Write the undo file for these topics and rights, and say where it is; returns its path."""
    from kafka_tasks.clients.kafka import group_admin
    from kafka_tasks.topics import export

    states = list(going)
    names = group_admin.names(admin) if states else []
    committed = group_admin.committed(admin, names) if names else {}
    session.project.make_state()
    path = export.write_undo(
        *(session.project.state / "undo", admin.view().cluster_id or "", states, committed),
        revoked=revoked,
    )
    limit = f"; {export.UNDO_NOTICE}" if states else ""
    session.recorder.notice(f"undo file: {path}{limit}")
    return path
