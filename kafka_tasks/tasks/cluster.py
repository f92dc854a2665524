"""The cluster's life: up, down, restart, status, list, pull, wait, verify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.confirm import require_yes
from kafka_tasks.tasks.failure import diagnosed
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import optional_word, task

if TYPE_CHECKING:
    from pathlib import Path

    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.finding import Finding
    from kafka_tasks.settings import Settings


@task(
    optional=("secure",),
    iterable=("san",),
    help={
        "secure": "tls, mtls, plain or scram (scram where no kind is given)",
        "acl": "deny what no ACL allows; only the user admin may do everything",
        "san": "secured cluster: a further name or address in its certificate (repeatable)",
    },
)
def up(
    call: Call,
    runtime: str | None = None,
    kafka_version: str | None = None,
    mode: str | None = None,
    brokers: str | None = None,
    secure: str | bool | None = None,
    acl: bool = False,
    san: Any = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Start Kafka; returns when it is proven ready."""
    call.flags = {
        "runtime": runtime,
        "version": kafka_version,
        "mode": mode,
        "brokers": brokers,
        "secure": optional_word(secure, "--secure", "kafka.up", "a kind") or _alone(secure),
        "acl": "true" if acl else None,
        "san": ",".join(san) if san else None,
        "timeout": timeout,
    }
    from kafka_tasks.lifecycle import start as lifecycle_start
    from kafka_tasks.render.views import ready

    if call.dry:
        return _dry_start(call, "start")
    with diagnosed(call, "up", starts=True) as session:
        if said := _named_runtime(session.settings):
            session.recorder.notice(said)
        found = lifecycle_start.up(session)
    return shown(ready.Ready(found), ready)


def _alone(secure: str | bool | None) -> str | None:
    """Return the kind of --secure without one."""
    return "scram" if secure else None


def _named_runtime(settings: Settings) -> str | None:
    """Return what to say where a local cluster is started although a remote one is configured."""
    if settings.runtime in ("auto", "remote") or not settings.bootstrap_servers:
        return None
    origin = settings.origins["runtime"]
    remote = f"remote cluster {','.join(map(str, settings.bootstrap_servers))}"
    later = (
        f"later tasks use the {remote} unless KAFKA_TASKS_RUNTIME={settings.runtime} is set"
        if origin.kind == "flag"
        else f"later tasks use this local cluster, not the {remote}"
    )
    return (
        f"the {settings.runtime} runtime, set by {origin.place or origin.kind}, wins over "
        f"KAFKA_TASKS_BOOTSTRAP_SERVERS; {later}"
    )


def _dry_start(call: Call, verb: str, service: str | None = None) -> Outcome:
    from kafka_tasks.lifecycle.stop import require_service
    from kafka_tasks.render.views import dry

    session = call.session()
    session.servers()
    seen = session.observe()
    if service is not None:
        require_service(seen, service)
    names = [service] if service else list(session.settings.topology.names)
    todo = [name for name in names if verb != "start" or name not in seen.alive]
    what = f"{verb} {', '.join(todo)}" if todo else "change nothing: every service is running"
    runtime = session.runtime.name
    fields = {"runtime": runtime, verb: todo}
    return shown(dry.Dry(f"{what} ({runtime}: {session.reason})", fields), dry)


@task(
    help={
        "wipe": "delete the data too",
        "timeout": "seconds to wait for another kafka-tasks command (default 60)",
    }
)
def down(
    call: Call,
    wipe: bool = False,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Stop the cluster and keep its data (--wipe deletes it)."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.diagnosis import last_failure
    from kafka_tasks.lifecycle import stop as lifecycle_stop
    from kafka_tasks.render.views import stopped
    from kafka_tasks.snapshots import store

    call.session().servers()
    if call.dry:
        return _dry_stop(call, wipe=wipe)
    if wipe:
        where = call.project().state
        question = [f"All topics and records of the cluster in {where} would be deleted."]
        require_yes(call, question, yes=yes)
    with call.watched() as session:
        names = lifecycle_stop.down(session, wipe=wipe, confirmed=wipe)
    if wipe:
        last_failure.forget(session.project)
    kept = wipe and bool(store.paths(session.project))
    return shown(stopped.Stopped(names, wipe, kept), stopped)


def _dry_stop(call: Call, *, wipe: bool) -> Outcome:
    from kafka_tasks.render.views import dry

    session = call.session()
    alive = [entry.name for entry in session.observe().services if entry.alive]
    what = f"stop {', '.join(alive)}" if alive else "stop nothing: nothing is running"
    if wipe:
        what += f"\nwould delete {session.project.state}/data"
    return shown(dry.Dry(what, {"stop": alive, "wipe": wipe}), dry)


@task(help={"service": "only this service"})
def restart(
    call: Call, service: str | None = None, timeout: str | None = None, output: str = "text"
) -> Outcome:
    """Restart the cluster; returns when it is proven ready."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.lifecycle import stop as lifecycle_stop
    from kafka_tasks.render.views import ready

    if call.dry:
        return _dry_start(call, "restart", service)
    with diagnosed(call, "restart", starts=True) as session:
        found = lifecycle_stop.restart(session, service)
    return shown(ready.Ready(found), ready)


@task()
def status(call: Call, output: str = "text") -> Outcome:
    """Show every service; exit 0 only when the cluster is ready, else 5."""
    from kafka_tasks.lifecycle import status as lifecycle_status
    from kafka_tasks.render.views import report

    session = call.session()
    found = lifecycle_status.status(session)
    if found.refused is not None:
        from kafka_tasks.diagnosis import hints

        found.refused.hint = hints.in_context(found.refused.hint, session.settings.remote)
    return shown(found, report, 0 if found.state == "ready" else 5)


@task(name="list")
def list_(call: Call, output: str = "text") -> Outcome:
    """Show all kafka-tasks clusters on this machine."""
    from kafka_tasks import settings
    from kafka_tasks.lifecycle.status import list_clusters
    from kafka_tasks.render.views import clusters

    call.settings(call.project())
    # A context is that of this project, and may be declared in its Invoke configuration.
    surroundings = {**settings.environment(), **settings.NO_DECLARATION}

    def load(path: Path, runtime: str | None) -> Settings:
        return settings.load(path, flags={"runtime": runtime}, environ=surroundings)

    return shown(list_clusters(load), clusters)


@task()
def pull(
    call: Call,
    runtime: str | None = None,
    kafka_version: str | None = None,
    mode: str | None = None,
    output: str = "text",
) -> Outcome:
    """Fetch what up needs: for CI caches and offline use."""
    call.flags = {"runtime": runtime, "version": kafka_version, "mode": mode}
    from kafka_tasks.lifecycle import pull as lifecycle_pull
    from kafka_tasks.render.views import dry, pulled

    if call.dry:
        what = f"fetch what the {call.session().runtime.name} runtime needs"
        return shown(dry.Dry(what, {}), dry)
    with call.watched() as session:
        found = lifecycle_pull.pull(session)
    return shown(found, pulled)


@task(help={"in_sync": "and until every replica is in sync"})
def wait(
    call: Call, in_sync: bool = False, timeout: str | None = None, output: str = "text"
) -> Outcome:
    """Wait until the cluster is ready, without starting anything."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.lifecycle import status as lifecycle_status
    from kafka_tasks.render.views import ready

    with diagnosed(call, "wait") as session:
        found = lifecycle_status.wait(session, in_sync=in_sync)
    return shown(ready.Ready(found, waited=True), ready)


@task()
def verify(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """Run the acceptance checks against the cluster as it is now."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.acceptance import suite
    from kafka_tasks.render.views import dry, verdict

    if call.dry:
        call.tell(call.settings(call.project()))
        what = "run the acceptance checks, which create and delete topics of their own"
        return shown(dry.Dry(what, {}), dry)
    with diagnosed(call, "verify", watched=False) as session:
        found = suite.verify(session)
    trouble = () if found.passed else _trouble(session)
    return shown(verdict.Verified(found, trouble), verdict, int(not found.passed))


def _trouble(session: Session) -> tuple[Finding, ...]:
    """Return what an examination finds wrong: for checks that did not pass."""
    from kafka_tasks.diagnosis import doctor
    from kafka_tasks.model.finding import trouble

    return trouble(doctor.examine(session.project, lambda: session.settings).findings)
