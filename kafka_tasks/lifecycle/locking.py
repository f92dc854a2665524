"""The lock around everything that changes a cluster, and the settings that have to stay."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from kafka_tasks.errors import InvalidInput
from kafka_tasks.lifecycle.recovery import recover
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.model.cluster import Observation
from kafka_tasks.project import state
from kafka_tasks.project.lock import exclusive

_UNSECURED = {"secure": "none", "acl": False, "san": None}


@contextmanager
def locked(session: Session, doing: str) -> Iterator[Observation]:
    """Hold the project's lock; recover first, and give a look at the services after that."""
    waiting = session.recorder.notice
    with exclusive(session.project, doing, session.deadline(), waiting=waiting):
        yield recover(session)


def require_same_settings(session: Session, names: Collection[str] | None = None) -> None:
    """Raise `InvalidInput` where the cluster was started with other settings, of these or any."""
    if changed := _differences(session, names):
        raise InvalidInput(
            f"The running cluster was started with other settings: {'; '.join(changed)}.",
            hint="invoke kafka.down, then the same command again",
        )


def _differences(session: Session, names: Collection[str] | None) -> list[str]:
    """Return the settings that a person gave and that the running cluster does not have."""
    record = state.read(session.project)
    if record is None:
        return []
    named = {
        variable.field: (value, variable.name) for variable, value, _ in session.settings.entries()
    }
    secured = record.security.choices if record.security else _UNSECURED
    there = {**record.fingerprint, **{field: str(value) for field, value in secured.items()}}
    return [
        f"{named[field][1]} is {_in_words(named[field][0])}, the cluster has {_in_words(before)}"
        for field, before in there.items()
        if field in (named if names is None else names)
        and session.settings.explicit(field)
        and str(named[field][0]) not in (before, "auto")
    ]


def _in_words(value: object) -> str:
    """Return a value as a person types it."""
    text = str(value)
    return text.lower() if text in ("None", "True", "False") else text
