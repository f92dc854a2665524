"""up: start what is not running, and prove it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kafka_tasks.clients import processes
from kafka_tasks.errors import KafkaTasksError, ServiceDied
from kafka_tasks.lifecycle.locking import changing, require_same_settings
from kafka_tasks.lifecycle.registration import wait_out_old_registrations
from kafka_tasks.lifecycle.session import Session, signals_held
from kafka_tasks.lifecycle.status import report, status
from kafka_tasks.model.cluster import ZOOKEEPER, Cluster
from kafka_tasks.model.evidence import WINDOW
from kafka_tasks.model.results import Report
from kafka_tasks.probes import readiness
from kafka_tasks.project import register, state
from kafka_tasks.runtimes import ports


def up(session: Session) -> Report:
    """Start what is not running and return when the cluster is proven ready.

    A ready cluster is left as it is. When the start fails or is interrupted, what this call had
    started is stopped again.
    """
    session.require_lifecycle()
    recorded = state.read(session.project) is not None
    if recorded and (found := _already_ready(session)) is not None:
        return found
    with changing(session, "up"):
        if (found := _already_ready(session)) is not None:
            return found
        return start(session)


def _already_ready(session: Session) -> Report | None:
    services = session.runtime.services()
    if not any(service.alive for service in services):
        return None
    require_same_settings(session)
    if not all(service.alive for service in services):
        return None
    found = status(session)
    return found if found.state == "ready" else None


def start(session: Session) -> Report:
    """Start what is dead and wait for the proof. Call it with the lock held."""
    runtime = session.runtime
    before = {service.name for service in runtime.services() if service.alive}
    whole = not any(service.suspended for service in runtime.services())
    if session.settings.runtime == "auto" and state.read(session.project) is None:
        session.recorder.notice(f"{runtime.name}: {session.reason}")
    register.remember(session.project)
    with _undone_on_failure(session, before):
        try:
            cluster, findings = _brought_up(session)
        except ServiceDied as error:
            whole = False
            if error.service in before:
                # A stop that was interrupted had told it to end.
                before.remove(error.service)
                session.recorder.notice(f"{error.service} was about to end; starting it again")
            elif not before and _lost_its_port(session, error.service):
                session.recorder.notice(f"somebody took the port of {error.service}; starting anew")
                runtime.stop(None)
            else:
                raise
            cluster, findings = _brought_up(session)
    runtime.settled()
    now = {service.name for service in runtime.services() if service.alive}
    return report(session, cluster, "ready", findings, changed=not whole or now != before)


def _lost_its_port(session: Session, service: str | None) -> bool:
    """Whether a port that was picked for it, and was free then, is somebody else's by now."""
    record, settings = state.read(session.project), session.settings
    if record is None or service is None:
        return False
    picked = settings.zookeeper_port if service == ZOOKEEPER else settings.port
    port = ports.of_service(service, record.port, record.zookeeper_port)
    return picked == "auto" and not processes.port_is_free(port)


def _brought_up(session: Session) -> tuple[Cluster, dict[str, str]]:
    """Start what is dead, and wait; returns what was found."""
    runtime = session.runtime
    doubtful = runtime.perhaps_registered()
    cluster = runtime.start(session.settings, [ZOOKEEPER] if doubtful else None)
    # Fetching and stopping take what they take; the timeout is for becoming ready.
    deadline = session.deadline()
    if doubtful:
        wait_out_old_registrations(session, cluster, deadline)
        cluster = runtime.start(session.settings)
    found = readiness.wait_until_ready(cluster, session.watch, deadline, session.recorder)
    return cluster, found


@contextmanager
def _undone_on_failure(session: Session, before: set[str]) -> Iterator[None]:
    """Stop again what was started since, when the start fails or is interrupted.

    An interrupted one is no longer wanted, also where nothing lives yet.
    """
    try:
        yield
    except BaseException as error:
        with signals_held():
            runtime = session.runtime
            runtime.adopt()
            _remember_last_words(session)
            mine = [s.name for s in runtime.services() if s.alive and s.name not in before]
            if mine:
                session.recorder.notice(f"stopping again: {', '.join(mine)}")
            if mine or (isinstance(error, KeyboardInterrupt) and not before):
                _stop_again(session, mine if before else None)
        raise


def _stop_again(session: Session, services: list[str] | None) -> None:
    """Why the start failed is what counts, also where somebody else stops things meanwhile."""
    try:
        session.runtime.stop(services)
    except KafkaTasksError as error:
        session.recorder.notice(f"not all is stopped again: {error.message}")


def _remember_last_words(session: Session) -> None:
    with suppress(KafkaTasksError):
        for service in session.runtime.services():
            session.last_words[service.name] = session.runtime.logs(service.name, WINDOW)
