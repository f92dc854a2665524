"""up, down, restart, wait, status: lock + runtime + probes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from kafka_tasks.errors import InvalidInput, KafkaTasksError, NotReady, Refused
from kafka_tasks.model.cluster import (
    ZOOKEEPER,
    Cluster,
    Runtime,
    ServiceState,
    State,
    broker_id,
)
from kafka_tasks.model.events import Recorder
from kafka_tasks.model.evidence import WINDOW
from kafka_tasks.model.results import Known, Pulled, Report
from kafka_tasks.probes import readiness
from kafka_tasks.probes.answering import answering
from kafka_tasks.probes.zookeeper import ZookeeperProbe
from kafka_tasks.project import register, state
from kafka_tasks.project.directory import Project
from kafka_tasks.project.lock import exclusive, is_held
from kafka_tasks.retry import Deadline, NotYet, OutOfTime, RetryPolicy
from kafka_tasks.runtimes import registry
from kafka_tasks.settings import Settings


@dataclass(frozen=True, slots=True)
class Session:
    """What every verb works with.

    `last_words` has what the services said before a failed start was undone: a container that is
    removed takes its log along.
    """

    project: Project
    settings: Settings
    runtime: Runtime
    reason: str
    recorder: Recorder
    last_words: dict[str, list[str]] = field(default_factory=dict, compare=False, repr=False)

    @property
    def watch(self) -> readiness.Watch:
        """How the probes see this cluster's services."""
        return readiness.Watch(
            self.runtime.services, self.runtime.logs, self.runtime.capabilities.lifecycle
        )

    def watch_only(self, name: str) -> readiness.Watch:
        """The same, for one service."""
        mine = self.watch
        return replace(mine, services=lambda: tuple(s for s in mine.services() if s.name == name))

    def require_lifecycle(self) -> None:
        """Raise `InvalidInput` where the cluster is run by somebody else."""
        if not self.runtime.capabilities.lifecycle:
            self.runtime.start(self.settings)

    def require_running(self) -> None:
        """Raise `NotReady` where no service is alive."""
        if not any(service.alive for service in self.runtime.services()):
            raise NotReady(f"No cluster is running in {self.project.path}.", hint="invoke kafka.up")

    def deadline(self) -> Deadline:
        """The moment the settings give, from now."""
        return Deadline.after(self.settings.timeout)


def open_session(project: Project, settings: Settings, recorder: Recorder | None = None) -> Session:
    """Choose the runtime and put everything together."""
    recorder = recorder or Recorder()
    choice = registry.choose(project, settings, recorder)
    return Session(project, settings, choice.runtime, choice.reason, recorder)


# -- up ----------------------------------------------------------------------------------------


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
        return _start(session)


def _already_ready(session: Session) -> Report | None:
    services = session.runtime.services()
    if not any(service.alive for service in services):
        return None
    require_same_settings(session)
    if not all(service.alive for service in services):
        return None
    found = status(session)
    return found if found.state == "ready" else None


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


@contextmanager
def changing(session: Session, doing: str) -> Iterator[None]:
    """Hold the project's lock, with what a crash left put right first."""
    waiting = session.recorder.notice
    with exclusive(session.project, doing, session.deadline(), waiting=waiting):
        _heal(session)
        yield


def _heal(session: Session) -> None:
    """Make record and data tell the truth again after a crash or a damage; wake what is held."""
    from kafka_tasks.snapshots import settle

    kept = state.set_aside_if_corrupt(session.project)
    if kept:
        session.recorder.notice(f"the state file was unreadable; it was moved to {kept}")
    if adopted := session.runtime.adopt():
        session.recorder.notice(f"found running and not recorded: {', '.join(adopted)}")
    if resumed := session.runtime.resume():
        session.recorder.notice(f"was suspended and goes on: {', '.join(resumed)}")
    settle.settle(session)


def _start(session: Session) -> Report:
    runtime = session.runtime
    before = {service.name for service in runtime.services() if service.alive}
    if session.settings.runtime == "auto" and state.read(session.project) is None:
        session.recorder.notice(f"{runtime.name}: {session.reason}")
    register.remember(session.project)
    with _undone_on_failure(session, before):
        doubtful = runtime.perhaps_registered()
        cluster = runtime.start(session.settings, [ZOOKEEPER] if doubtful else None)
        # Fetching and stopping take what they take; the timeout is for becoming ready.
        deadline = session.deadline()
        if doubtful:
            _wait_out_old_registrations(session, cluster, deadline)
            cluster = runtime.start(session.settings)
        findings = readiness.wait_until_ready(cluster, session.watch, deadline, session.recorder)
    runtime.settled()
    return _report(session, cluster, "ready", findings, changed=True)


@contextmanager
def _undone_on_failure(session: Session, before: set[str]) -> Iterator[None]:
    """Stop again what was started since, when the start fails or is interrupted."""
    try:
        yield
    except BaseException:
        with signals_held():
            runtime = session.runtime
            runtime.adopt()
            _remember_last_words(session)
            mine = [s.name for s in runtime.services() if s.alive and s.name not in before]
            if mine:
                session.recorder.notice(f"stopping again: {', '.join(mine)}")
                runtime.stop(mine if before else None)
        raise


def _remember_last_words(session: Session) -> None:
    with suppress(KafkaTasksError):
        for service in session.runtime.services():
            session.last_words[service.name] = session.runtime.logs(service.name, WINDOW)


@contextmanager
def signals_held() -> Iterator[None]:
    """A second Ctrl-C does not interrupt the cleaning up after the first."""
    import signal
    import threading

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {
        number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _wait_out_old_registrations(session: Session, cluster: Cluster, deadline: Deadline) -> None:
    """Wait until no dead broker is registered in ZooKeeper, which was started alone, any more.

    A broker that is started while its predecessor's znode lives dies of NodeExists.
    """
    runtime = session.runtime
    readiness.wait_until_ready(
        cluster, session.watch_only(ZOOKEEPER), deadline, Recorder(), layers=[ZookeeperProbe()]
    )
    alive = {
        broker_id(service.name)
        for service in runtime.services()
        if service.name != ZOOKEEPER and service.alive
    }
    dead = set(range(1, cluster.brokers + 1)) - alive
    await_deregistration(cluster, dead, deadline, session.recorder)


def await_deregistration(
    cluster: Cluster,
    ids: set[int],
    deadline: Deadline,
    recorder: Recorder,
    policy: RetryPolicy | None = None,
) -> None:
    """Return when ZooKeeper lists none of these broker ids; raises `NotReady`."""
    from kafka_tasks.clients import zookeeper

    if cluster.zookeeper is None:
        return
    address = cluster.zookeeper
    told = False

    def check() -> None:
        nonlocal told
        try:
            listed = ids & set(zookeeper.registered_brokers(address, timeout_s=5.0))
        except zookeeper.Unanswered as error:
            raise NotYet(str(error)) from error
        if listed:
            names = ", ".join(map(str, sorted(listed)))
            if not told:
                recorder.notice(
                    f"ZooKeeper still lists broker {names}, which was killed; "
                    "waiting for its session to expire (6 s)"
                )
                told = True
            raise NotYet(f"broker {names} is still registered")

    try:
        (policy or RetryPolicy(first_s=0.1, cap_s=0.25)).until(check, deadline)
    except OutOfTime as error:
        raise NotReady(
            f"The registration of a killed broker did not expire in time: {error}.",
            layer="zookeeper",
            service=ZOOKEEPER,
            hint="invoke kafka.up --timeout 120",
        ) from error


# -- down and restart --------------------------------------------------------------------------


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
            _require_service(session, service)
        _stop_for_a_while(session, [service] if service else None)
        return _start(session)


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
        _start(session)
        raise
    session.recorder.notice("starting the cluster again")
    _start(session)


def _require_service(session: Session, service: str) -> None:
    names = [known.name for known in session.runtime.services()]
    if service not in names:
        raise InvalidInput(
            f"There is no service {service!r} here (there is: {', '.join(names) or 'none'}).",
            hint="invoke kafka.status",
        )


# -- looking -----------------------------------------------------------------------------------


def status(session: Session) -> Report:
    """Every service, and how far up the readiness ladder the cluster is right now."""
    runtime = session.runtime
    services = runtime.services()
    cluster = runtime.cluster(session.settings)
    if not any(service.alive for service in services):
        return _report(session, cluster, _resting_state(session, services), {})
    glance = readiness.glance(cluster, session.watch, session.recorder)
    overall = _overall(session, services, glance)
    well = answering(cluster, services) if _needs_closer_look(cluster, overall, glance) else ()
    return _report(session, cluster, overall, glance.findings, glance=glance, well=well)


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
    return _report(session, cluster, "ready", findings)


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


def _report(
    session: Session,
    cluster: Cluster,
    overall: State,
    findings: dict[str, str],
    *,
    changed: bool = False,
    glance: readiness.Glance | None = None,
    well: Collection[str] = (),
) -> Report:
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


# -- pull --------------------------------------------------------------------------------------


def pull(session: Session) -> Pulled:
    """Fetch what `up` will need, the class archive of the embedded runtime included.

    The archive needs a start to learn from: a cluster in a temporary directory, on ports of its
    own, that is gone again afterwards.
    """
    import tempfile

    settings = session.settings
    what = list(session.runtime.pull(settings))
    if session.runtime.wants_rehearsal(settings):
        session.recorder.notice("making the Java class archive (about 15 s)")
        with tempfile.TemporaryDirectory(prefix="kafka-tasks-") as scratch:
            _rehearse(replace(settings, project=Path(scratch), runtime=session.runtime.name))
        if not session.runtime.wants_rehearsal(settings):
            what.append("Java class archive")
    return Pulled(session.runtime.name, tuple(what), round(session.recorder.elapsed(), 3))


def _rehearse(settings: Settings) -> None:
    project = Project(settings.project)
    single = replace(settings, port="auto", zookeeper_port="auto", brokers=1)
    session = open_session(project, single, Recorder())
    deadline = session.deadline()
    try:
        cluster = session.runtime.start(single)
        readiness.wait_until_ready(cluster, session.watch, deadline, Recorder())
        session.runtime.settled(wait=True)
    finally:
        with signals_held():
            session.runtime.stop(wipe=True)
