"""up: start what is not running, and prove it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from kafka_tasks.clients import processes
from kafka_tasks.errors import KafkaTasksError, ServiceDied
from kafka_tasks.lifecycle import data_version, succession
from kafka_tasks.lifecycle.locking import locked, require_same_settings
from kafka_tasks.lifecycle.registration import clear_old_registrations
from kafka_tasks.lifecycle.session import Session, signals_held
from kafka_tasks.lifecycle.status import report, status
from kafka_tasks.model.cluster import Cluster, Observation
from kafka_tasks.model.evidence import WINDOW
from kafka_tasks.model.results import Report
from kafka_tasks.probes import readiness
from kafka_tasks.project import register, state
from kafka_tasks.runtimes import ports
from kafka_tasks.runtimes.secure import access


def up(session: Session) -> Report:
    """Start what is not running and return when the cluster is proven ready.

    A ready cluster stays as it is. When the start fails or is interrupted, what this call had
    started is stopped again.
    """
    servers = session.servers()
    recorded = state.read(session.project) is not None
    if recorded and (found := _already_ready(session, session.observe())) is not None:
        return found
    servers.expect_start(session.settings)
    with locked(session, "up") as seen:
        if (found := _already_ready(session, seen)) is not None:
            return found
        return start(session, seen)


def _already_ready(session: Session, seen: Observation) -> Report | None:
    if not seen.alive:
        return None
    require_same_settings(session)
    # New certificates are not those of the brokers that run.
    access.require_files(session.project.path, session.settings.security)
    if seen.dead:
        return None
    found = status(session, seen)
    return found if found.state == "ready" else None


def start(session: Session, seen: Observation) -> Report:
    """Start what is dead by a look just taken, and wait for the proof.

    Call it with the lock held.
    """
    servers = session.servers()
    data_version.require_readable(session)
    before = set(seen.alive)
    whole = not seen.suspended
    if session.settings.runtime == "auto" and state.read(session.project) is None:
        session.recorder.notice(f"{session.runtime.name}: {session.reason}")
    register.remember(session.project)
    with _undone_on_failure(session, before):
        try:
            cluster, findings = _brought_up(session, seen)
        except ServiceDied as error:
            whole = False
            if error.service in before:
                # An interrupted stop had signalled it already.
                before.remove(error.service)
                session.recorder.notice(f"{error.service} was about to end; starting it again")
            elif not before and _lost_its_port(session, error.service):
                session.recorder.notice(
                    f"another process took the port of {error.service}; starting again"
                )
                servers.stop(None)
            else:
                raise
            cluster, findings = _brought_up(session, session.observe())
    session.preparation().prepare_next_start()
    now = session.observe()
    changed = not whole or now.alive != before
    return report(session, cluster, "ready", findings, now, changed=changed)


def _lost_its_port(session: Session, service: str | None) -> bool:
    """Return whether a port that was picked for a service, and was free, is taken by now."""
    record = state.read(session.project)
    mine = record.topology.service(service) if record and service else None
    return mine is not None and any(
        ports.is_automatic(session.settings, setting) and not processes.port_is_free(port)
        for setting, port in ports.of(mine).items()
    )


def _brought_up(session: Session, seen: Observation) -> tuple[Cluster, dict[str, str]]:
    """Start what is dead, and wait; returns what was found."""
    servers = session.servers()
    planned = session.settings.topology
    # In KRaft mode a broker waits by itself until its predecessor is no longer registered.
    doubtful = not planned.voters and session.recovery().perhaps_registered(seen)
    first = [each.name for each in planned.coordinators] if doubtful else None
    successions = succession.begin(session, planned)
    cluster = servers.start(session.settings, first, seen=seen)
    data_version.record(session, cluster)
    # Fetching and stopping take what they take; the timeout is for becoming ready.
    deadline = session.deadline()
    if doubtful:
        clear_old_registrations(session, cluster, deadline)
        cluster = servers.start(session.settings)
    found = readiness.wait_until_ready(
        cluster,
        session.watch,
        deadline,
        session.recorder,
        replicas=readiness.in_sync(cluster, required=False) if cluster.had_data else (),
        coordinated=lambda: successions.settle(cluster, deadline),
    )
    if cluster.topology.security is not None:
        from kafka_tasks.lifecycle import users

        users.settle(session, cluster, deadline)
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
            seen = session.recovery().recover().seen
            _remember_last_words(session, seen)
            mine = [name for name in seen.names if name in seen.alive and name not in before]
            session.undone.extend(mine)
            if mine:
                session.recorder.notice(f"stopping again: {', '.join(mine)}")
            if mine or not before:
                interrupted = isinstance(error, KeyboardInterrupt)
                _stop_again(session, mine if before else None, interrupted=interrupted)
        raise


def _stop_again(session: Session, services: list[str] | None, *, interrupted: bool) -> None:
    """Stop services; the reason of the failed start counts more than a stop that fails too."""
    try:
        if services is None:
            session.servers().take_back(interrupted=interrupted)
        else:
            session.servers().stop(services)
    except KafkaTasksError as error:
        session.recorder.notice(f"not all is stopped again: {error.message}")


def _remember_last_words(session: Session, seen: Observation) -> None:
    with suppress(KafkaTasksError):
        for name in seen.names:
            session.last_words[name] = session.logs(name, WINDOW)
