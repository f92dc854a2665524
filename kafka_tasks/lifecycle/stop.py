"""down and restart, and a cluster that is stopped for a while."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kafka_tasks.errors import InvalidInput, Refused
from kafka_tasks.lifecycle.locking import changing, require_same_settings
from kafka_tasks.lifecycle.session import Session
from kafka_tasks.lifecycle.start import start
from kafka_tasks.model.results import Report


def down(session: Session, *, wipe: bool = False, confirmed: bool = False) -> tuple[str, ...]:
    """Stop the cluster, brokers first; with `wipe` its data goes too, if that was confirmed."""
    session.require_lifecycle()
    if wipe and not confirmed:
        raise Refused(
            f"The data of the cluster in {session.project.path} would be deleted, and that was "
            "not confirmed.",
            hint="invoke kafka.down --wipe --yes",
        )
    runtime = session.runtime
    if not session.project.state.is_dir() and not runtime.adopt() and not runtime.services():
        return ()
    with changing(session, "down"):
        return runtime.stop(wipe=wipe)


def restart(session: Session, service: str | None = None) -> Report:
    """Stop and start the cluster, or one service of it; returns when proven ready again."""
    session.require_lifecycle()
    with changing(session, "restart"):
        if service is not None:
            require_service(session, service)
        _stop_for_a_while(session, [service] if service else None)
        return start(session)


def _stop_for_a_while(session: Session, services: Sequence[str] | None = None) -> None:
    """Stop services (default: all) that are going to be started again."""
    # What a start needs is looked at first: a cluster that runs is better than none.
    session.runtime.pull(session.settings)
    every = [known.name for known in session.runtime.services()]
    session.runtime.stop(services or every)


@contextmanager
def paused(session: Session, why: str, check: Callable[[], None]) -> Iterator[bool]:
    """Stop a cluster that runs, and start it again after the block, whatever became of that.

    Gives whether it ran. `check` raises where it is not worth stopping. Call it with the lock held.
    """
    if not any(service.alive for service in session.runtime.services()):
        yield False
        return
    require_same_settings(session)
    check()
    session.recorder.notice(f"stopping the cluster {why}; it is started again afterwards")
    try:
        _stop_for_a_while(session)
        yield True
    except BaseException:
        session.recorder.notice("starting the cluster again")
        start(session)
        raise
    session.recorder.notice("starting the cluster again")
    start(session)


def require_service(session: Session, service: str) -> None:
    """Raise `InvalidInput` where the cluster has no service of this name."""
    names = [known.name for known in session.runtime.services()]
    if service not in names:
        raise InvalidInput(
            f"There is no service {service!r} here (there is: {', '.join(names) or 'none'}).",
            hint="invoke kafka.status",
        )
