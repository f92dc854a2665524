"""status, wait and list: what is there, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path

from kafka_tasks.errors import KafkaTasksError, NotReady
from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.model.cluster import Cluster, ServiceState, State
from kafka_tasks.model.results import Known, Report
from kafka_tasks.probes import readiness
from kafka_tasks.probes.answering import answering
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import is_held
from kafka_tasks.retry import NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings


def status(session: Session) -> Report:
    """Every service, and how far up the readiness ladder the cluster is right now."""
    runtime = session.runtime
    services = runtime.services()
    cluster = runtime.cluster(session.settings)
    if not any(service.alive for service in services):
        return report(session, cluster, _resting_state(session, services), {})
    glance = readiness.glance(cluster, session.watch, session.recorder)
    overall = _overall(session, services, glance)
    well = answering(cluster, services) if _needs_closer_look(cluster, overall, glance) else ()
    return report(session, cluster, overall, glance.findings, glance=glance, well=well)


def _needs_closer_look(cluster: Cluster, overall: State, glance: readiness.Glance) -> bool:
    """Whether the ladder stopped at one service and says nothing about the others."""
    alone = cluster.brokers == 1
    return overall == "degraded" and (
        glance.failed == "process" or (glance.failed == "broker" and not alone)
    )


def _resting_state(session: Session, services: Sequence[ServiceState]) -> State:
    record = state.read(session.project)
    if not services or record is None or record.wanted == "stopped":
        return "stopped"
    return "starting" if is_held(session.project) else "failed"


def _overall(session: Session, services: Sequence[ServiceState], glance: readiness.Glance) -> State:
    if glance.failed is None:
        return "ready"
    if not session.runtime.capabilities.lifecycle:
        return "failed" if glance.failed == "broker" else "degraded"
    if all(service.alive for service in services) and is_held(session.project):
        return "starting"
    return "degraded"


def wait(session: Session) -> Report:
    """Return when the cluster is ready; starts nothing, and nothing need run yet."""
    deadline = session.deadline()
    recorder = session.recorder

    def check() -> Cluster:
        services = session.runtime.services()
        if not services:
            raise NotYet("nothing has been started in this project")
        dead = [service.name for service in services if not service.alive]
        if dead:
            raise NotYet(f"{', '.join(dead)} not running")
        return session.runtime.cluster(session.settings)

    try:
        cluster = RetryPolicy(first_s=0.05, cap_s=0.25).until(check, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"Not ready in time: layer process does not hold: {error}.",
            layer="process",
            hint="invoke kafka.up",
        ) from error
    patient = replace(session.watch, fail_on_death=False)
    findings = readiness.wait_until_ready(cluster, patient, deadline, recorder)
    return report(session, cluster, "ready", findings)


def list_clusters(load: Callable[[Path], Settings]) -> list[Known]:
    """Every cluster of this tool on this machine; `load` reads the settings of a project."""
    found = []
    for project in registry.projects_here():
        try:
            session = _recorded_session(project, load(project.path))
            if not session.runtime.capabilities.lifecycle:
                continue
            seen = status(session)
        except KafkaTasksError:
            record = state.read(project)
            runtime = record.runtime if record else "unknown"
            found.append(Known(project.path, runtime, "failed", None, None))
            continue
        if state.read(project) is None and not seen.services:
            continue
        found.append(
            Known(project.path, seen.runtime, seen.state, seen.bootstrap_servers, seen.zookeeper)
        )
    return found


def _recorded_session(project: Project, settings: Settings) -> Session:
    """Another project's session: on the runtime that it has, whatever is set here."""
    record = state.read(project)
    if record is not None:
        settings = replace(settings, runtime=record.runtime, bootstrap_servers=None)
    return open_session(project, settings)


def report(
    session: Session,
    cluster: Cluster,
    overall: State,
    findings: dict[str, str],
    *,
    changed: bool = False,
    glance: readiness.Glance | None = None,
    well: Collection[str] = (),
) -> Report:
    """What was found, with every service judged by it."""
    services = tuple(
        _judged(service, overall, glance, well) for service in session.runtime.services()
    )
    return Report(
        project=session.project.path,
        runtime=session.runtime.name,
        state=overall,
        bootstrap_servers=cluster.bootstrap_servers or None,
        zookeeper=str(cluster.zookeeper) if cluster.zookeeper else None,
        cluster_id=findings.get("cluster_id"),
        kafka_version=cluster.kafka_version,
        services=services,
        timeline=session.recorder.timeline,
        elapsed_s=round(session.recorder.elapsed(), 3),
        changed=changed,
        failed_layer=glance.failed if glance else None,
        reason=glance.reason if glance else None,
    )


def _judged(
    service: ServiceState, overall: State, glance: readiness.Glance | None, well: Collection[str]
) -> ServiceState:
    """The service with its own state: alive is not yet ready; those in `well` answer."""
    if not service.alive:
        return replace(service, state="stopped" if overall == "stopped" else "failed")
    failed = glance.failed if glance else None
    if failed is None or service.name in well:
        return replace(service, state="ready")
    if service.role == "zookeeper" and failed not in ("process", "zookeeper"):
        return replace(service, state="ready")
    return replace(service, state="starting" if overall == "starting" else "degraded")
