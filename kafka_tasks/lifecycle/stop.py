"""down and restart, and a cluster that is stopped for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.lifecycle import data_version
from kafka_tasks.lifecycle.locking import locked, require_same_settings
from kafka_tasks.lifecycle.registration import remove_exited
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import start
from kafka_tasks.model.cluster import Observation
from kafka_tasks.model.results import Report
from kafka_tasks.project import written_by


def down(session: Session, *, wipe: bool = False, confirmed: bool = False) -> tuple[str, ...]:
    """Stop the cluster, brokers first; with `wipe` delete its data too, if that was confirmed."""
    servers = session.servers()
    if wipe and not confirmed:
        raise Refused(
            f"The data of the cluster in {session.project.path} would be deleted, and that was "
            "not confirmed.",
            hint="invoke kafka.down --wipe --yes",
        )
    if not session.project.state.is_dir() and not session.recovery().recover().seen.services:
        return ()
    with locked(session, "down") as seen:
        remove_exited(session, seen)
        stopped = servers.stop(wipe=wipe)
        if wipe:
            written_by.forget(session.project, session.runtime.name)
        return stopped


def restart(session: Session, service: str | None = None) -> Report:
    """Stop and start the cluster, or one service of it; returns when proven ready again."""
    session.servers()
    with locked(session, "restart") as seen:
        if service is not None:
            require_service(seen, service)
        if seen.alive:
            # Another version or mode is for `up`, on data that is looked at first.
            require_same_settings(session, ("version", "mode"))
        data_version.require_readable(session)
        if service is None:
            remove_exited(session, seen)
        _stop_for_a_while(session, [service] if service else seen.names)
        return start(session, session.observe())


def _stop_for_a_while(session: Session, services: Sequence[str]) -> None:
    """Stop services that are going to be started again.

    What a start needs is fetched first: a cluster that runs is better than none.
    """
    session.preparation().pull(session.settings)
    session.servers().stop(services)


@contextmanager
def paused(session: Session, why: str, check: Callable[[], None]) -> Iterator[bool]:
    """Stop a cluster that runs, and start it again after the block, whatever became of that.

    Gives whether it ran. `check` raises where it is not worth stopping. Call it with the lock held.
    """
    seen = session.observe()
    if not seen.alive:
        yield False
        return
    require_same_settings(session)
    check()
    session.recorder.notice(f"stopping the cluster {why}; it is started again afterwards")
    try:
        _stop_for_a_while(session, seen.names)
        yield True
    except BaseException:
        _start_again(session)
        raise
    _start_again(session)


def _start_again(session: Session) -> None:
    session.recorder.notice("starting the cluster again")
    start(session, session.observe())


def require_service(seen: Observation, service: str) -> None:
    """Raise `InvalidInput` where the cluster has no service of this name."""
    if service not in seen.names:
        raise InvalidInput(
            f"There is no service {service!r} here (there is: {', '.join(seen.names) or 'none'}).",
            hint="invoke kafka.status",
        )
