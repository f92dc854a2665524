"""Around whatever changes a cluster: the lock, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.project import state
from kafka_tasks.project.lock import exclusive


@contextmanager
def changing(session: Session, doing: str) -> Iterator[None]:
    """Hold the project's lock, with what a crash left put right first."""
    waiting = session.recorder.notice
    with exclusive(session.project, doing, session.deadline(), waiting=waiting):
        _heal(session)
        yield


def _heal(session: Session) -> None:
    """Make record and data tell the truth again after a crash or a damage; wake what is held."""
    from kafka_tasks.lifecycle import recovery

    kept = state.set_aside_if_corrupt(session.project)
    if kept:
        session.recorder.notice(f"the state file was unreadable; it was moved to {kept}")
    if adopted := session.runtime.adopt():
        session.recorder.notice(f"found running and not recorded: {', '.join(adopted)}")
    if resumed := session.runtime.resume():
        session.recorder.notice(f"was suspended and goes on: {', '.join(resumed)}")
    recovery.settle(session)


def require_same_settings(session: Session) -> None:
    """Raise `InvalidInput` where the cluster was started with other settings."""
    if changed := _differences(session):
        raise InvalidInput(
            "The running cluster was started with other settings than these: "
            f"{'; '.join(changed)}.",
            hint="invoke kafka.down, then the same command again",
        )


def _differences(session: Session) -> list[str]:
    """Settings that a person asked for and that the running cluster does not have."""
    record = state.read(session.project)
    if record is None:
        return []
    named = {
        variable.field: (value, variable.name) for variable, value, _ in session.settings.entries()
    }
    return [
        f"{named[field][1]} is {named[field][0]}, the cluster has {before}"
        for field, before in record.fingerprint.items()
        if field in named
        and session.settings.explicit(field)
        and str(named[field][0]) not in (before, "auto")
    ]
