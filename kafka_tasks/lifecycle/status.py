"""status, wait and list: what is there, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import KafkaTasksError, NotReady
from kafka_tasks.lifecycle.session import Session, open_session
from kafka_tasks.model.cluster import Cluster, Observation, ServiceState, State
from kafka_tasks.model.results import Known, Report
from kafka_tasks.probes import readiness
from kafka_tasks.probes.answering import answering
from kafka_tasks.project import state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import is_held
from kafka_tasks.retry import NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings


def status(session: Session, seen: Observation | None = None) -> Report:
    """Return every service, and how far up the readiness ladder the cluster is right now.

    `seen` is a look that was just taken; without it, one is taken.
    """
    seen = session.observe() if seen is None else seen
    cluster = session.cluster()
    if not seen.alive:
        return report(session, cluster, _resting_state(session, seen), {}, seen)
    limit_s = session.settings.timeout
    glance = readiness.glance(cluster, session.watch, session.recorder, limit_s=limit_s)
    overall = _overall(session, seen, glance)
    closer = _needs_closer_look(cluster, overall, glance)
    well = answering(cluster, seen.services) if closer else ()
    return report(session, cluster, overall, glance.findings, seen, glance=glance, well=well)


def _needs_closer_look(cluster: Cluster, overall: State, glance: readiness.Glance) -> bool:
    """Return whether the ladder stopped at one service and says nothing about the others."""
    alone = cluster.brokers == 1
    return overall == "degraded" and (
        glance.failed == "process" or (glance.failed == "broker" and not alone)
    )


def _resting_state(session: Session, seen: Observation) -> State:
    record = state.read(session.project)
    if not seen.services or record is None or record.wanted == "stopped":
        return "stopped"
    return "starting" if is_held(session.project) else "failed"


def _overall(session: Session, seen: Observation, glance: readiness.Glance) -> State:
    if glance.failed is None:
        return "degraded" if glance.absent else "ready"
    if not session.is_local:
        return "failed" if glance.failed == "broker" else "degraded"
    if not seen.dead and is_held(session.project):
        return "starting"
    return "degraded"


def wait(session: Session, *, in_sync: bool = False) -> Report:
    """Return when the cluster is ready, or in sync; starts nothing, and nothing need run yet."""
    deadline = session.deadline()
    recorder = session.recorder

    def check() -> Cluster:
        seen = session.observe()
        if not seen.services:
            raise NotYet("nothing has been started in this project")
        if seen.dead:
            raise NotYet(f"{', '.join(service.name for service in seen.dead)} not running")
        return session.cluster()

    try:
        cluster = RetryPolicy(first_s=0.05, cap_s=0.25).until(check, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"Not ready in time: layer process does not hold: {error}.",
            layer="process",
            hint="invoke kafka.up",
        ) from error
    patient = replace(session.watch, fail_on_death=False)
    replicas = readiness.in_sync(cluster, required=True) if in_sync else ()
    findings = readiness.wait_until_ready(cluster, patient, deadline, recorder, replicas=replicas)
    return report(session, cluster, "ready", findings, session.observe())


def list_clusters(load: Callable[[Path, str | None], Settings]) -> list[Known]:
    """Return all kafka-tasks clusters on this machine.

    `load` reads a project's settings, with the runtime of its cluster if that is recorded.
    """
    found = []
    for project in registry.projects_here():
        try:
            session = _recorded_session(project, load)
            if not session.is_local:
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


def _recorded_session(project: Project, load: Callable[[Path, str | None], Settings]) -> Session:
    """Return another project's session, on the runtime that it has."""
    record = state.read(project)
    settings = load(project.path, record.runtime if record else None)
    return open_session(project, replace(settings, bootstrap_servers=None) if record else settings)


def report(
    session: Session,
    cluster: Cluster,
    overall: State,
    findings: dict[str, str],
    seen: Observation,
    *,
    changed: bool = False,
    glance: readiness.Glance | None = None,
    well: Collection[str] = (),
) -> Report:
    """Return what was found, with every service judged by it."""
    judged = _Judge(cluster, overall, glance, well)
    return Report(
        project=session.project.path,
        runtime=session.runtime.name,
        state=overall,
        bootstrap_servers=cluster.bootstrap_servers or None,
        zookeeper=cluster.topology.zookeeper_connect,
        mode=cluster.topology.mode,
        cluster_id=findings.get("cluster_id"),
        kafka_version=cluster.kafka_version,
        services=tuple(map(judged, seen.services)),
        timeline=session.recorder.timeline,
        elapsed_s=round(session.recorder.elapsed(), 3),
        changed=changed,
        failed_layer=glance.failed if glance else None,
        reason=(glance.reason or _absence(glance.absent)) if glance else None,
        refused=glance.refused if glance else None,
    )


def _absence(brokers: Collection[int]) -> str | None:
    if not brokers:
        return None
    return f"brokers with replicas are not registered: {', '.join(map(str, sorted(brokers)))}"


class _Judge(Struct, frozen=True):
    """Gives each service its own state: alive is not yet ready; those in `well` answer."""

    cluster: Cluster
    overall: State
    glance: readiness.Glance | None
    well: Collection[str]

    def __call__(self, service: ServiceState) -> ServiceState:
        return replace(service, state=self._state(service))

    def _state(self, service: ServiceState) -> State:
        if not service.alive:
            return "stopped" if self.overall == "stopped" else "failed"
        if self.glance and service.name in self.glance.without:
            return "failed"
        failed = self.glance.failed if self.glance else None
        if failed is None or service.name in self.well:
            return "ready"
        layers = self.cluster.topology.layers
        proven_by = service.role.proven_by
        if proven_by in layers and layers.index(failed) > layers.index(proven_by):
            return "ready"
        return "starting" if self.overall == "starting" else "degraded"
