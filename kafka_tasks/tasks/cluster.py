"""The cluster's life: up, down, restart, status, list, pull, wait, logs, config, env, verify."""

from __future__ import annotations

from kafka_tasks.tasks._diagnosis import diagnosed, forget_failure, trouble
from kafka_tasks.tasks._options import Call, Outcome, confirmed, number, verb


@verb()
def up(
    call: Call,
    runtime: str | None = None,
    brokers: str | None = None,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Start ZooKeeper and Kafka; returns when they are proven ready."""
    call.flags = {"runtime": runtime, "brokers": brokers, "timeout": timeout}
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json, tables

    if call.dry:
        return _dry_start(call, "start")
    with diagnosed(call, "up", starts=True) as session:
        found = lifecycle.up(session)
    return Outcome(as_json.report(found), lambda: tables.report(found))


def _dry_start(call: Call, verb_: str, service: str | None = None) -> Outcome:
    from kafka_tasks import lifecycle
    from kafka_tasks.model.cluster import service_names

    session = call.session()
    session.require_lifecycle()
    if service is not None:
        lifecycle.require_service(session, service)
    alive = {entry.name for entry in session.runtime.services() if entry.alive}
    names = [service] if service else list(service_names(session.settings.brokers))
    todo = [name for name in names if verb_ != "start" or name not in alive]
    what = f"would {verb_} {', '.join(todo)}" if todo else "would change nothing: all of it runs"
    text = f"{what} ({session.runtime.name}: {session.reason})"
    document = {"schema": 1, "dry": True, "runtime": session.runtime.name, verb_: todo}
    return Outcome(document, lambda: text)


@verb(help={"wipe": "delete the data too"})
def down(
    call: Call,
    wipe: bool = False,
    yes: bool = False,
    timeout: str | None = None,
    output: str = "text",
) -> Outcome:
    """Stop the cluster and keep its data (--wipe deletes it)."""
    call.flags = {"timeout": timeout}
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json
    from kafka_tasks.snapshots import store

    call.session().require_lifecycle()
    if call.dry:
        return _dry_stop(call, wipe=wipe)
    if wipe:
        where = call.project().state
        question = [f"All topics and records of the cluster in {where} would be deleted."]
        confirmed(question, yes=yes, hint="invoke kafka.down --wipe --yes")
    with call.watched() as session:
        names = lifecycle.down(session, wipe=wipe, confirmed=wipe)
    if wipe:
        forget_failure(session)
    kept = bool(store.paths(call.project())) if wipe else False
    text = _stopped_text(names, wipe, snapshots=kept)
    return Outcome(as_json.stopped(names, wiped=wipe), lambda: text)


def _dry_stop(call: Call, *, wipe: bool) -> Outcome:
    session = call.session()
    alive = [entry.name for entry in session.runtime.services() if entry.alive]
    text = f"would stop {', '.join(alive)}" if alive else "would stop nothing: nothing runs"
    if wipe:
        text += f"\nwould delete {session.project.state}/data"
    return Outcome({"schema": 1, "dry": True, "stop": alive, "wipe": wipe}, lambda: text)


def _stopped_text(names: tuple[str, ...], wipe: bool, *, snapshots: bool) -> str:
    head = f"Stopped {', '.join(names)}." if names else "Nothing was running."
    kept = "; the snapshots are kept" if snapshots else ""
    tail = f"Data deleted{kept}." if wipe else "Data kept." if names else ""
    return f"{head} {tail}".rstrip()


@verb(help={"service": "only this service"})
def restart(
    call: Call, service: str | None = None, timeout: str | None = None, output: str = "text"
) -> Outcome:
    """Stop and start again; returns when the cluster is proven ready."""
    call.flags = {"timeout": timeout}
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json, tables

    if call.dry:
        return _dry_start(call, "restart", service)
    with diagnosed(call, "restart", starts=True) as session:
        found = lifecycle.restart(session, service)
    return Outcome(as_json.report(found), lambda: tables.report(found))


@verb()
def status(call: Call, output: str = "text") -> Outcome:
    """Show every service; exit 0 only when the cluster is ready, else 5."""
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json, tables

    found = lifecycle.status(call.session())
    code = 0 if found.state == "ready" else 5
    return Outcome(as_json.report(found), lambda: tables.status(found, width=call.width), code)


@verb(name="list")
def list_(call: Call, output: str = "text") -> Outcome:
    """Show every cluster of this tool on this machine."""
    from kafka_tasks import lifecycle, settings
    from kafka_tasks.render import as_json, tables

    call.settings(call.project())
    found = lifecycle.list_clusters(lambda path: settings.load(path))
    return Outcome(as_json.clusters(found), lambda: tables.clusters(found, width=call.width))


@verb()
def pull(call: Call, runtime: str | None = None, output: str = "text") -> Outcome:
    """Fetch what up will need: for CI caches and flights."""
    call.flags = {"runtime": runtime}
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json, tables

    if call.dry:
        text = f"would fetch what the {call.session().runtime.name} runtime needs"
        return Outcome({"schema": 1, "dry": True}, lambda: text)
    with call.watched() as session:
        found = lifecycle.pull(session)
    return Outcome(as_json.pulled(found), lambda: tables.pulled(found))


@verb()
def wait(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """Wait until the cluster is ready, without starting anything."""
    call.flags = {"timeout": timeout}
    from kafka_tasks import lifecycle
    from kafka_tasks.render import as_json, tables

    with diagnosed(call, "wait") as session:
        found = lifecycle.wait(session)
    return Outcome(as_json.report(found), lambda: tables.report(found, waited=True))


@verb(
    help={
        "service": "only this service",
        "tail": "lines a service (default 50)",
        "follow": "go on until Ctrl-C",
    }
)
def logs(
    call: Call,
    service: str | None = None,
    tail: str = "50",
    follow: bool = False,
    output: str = "text",
) -> Outcome | None:
    """Show the services' logs."""
    from kafka_tasks.errors import InvalidInput

    runtime = call.session().runtime
    count = number(tail, "--tail")
    if count is None or count < 0:
        raise InvalidInput(f"--tail is {tail!r}; it starts at 0.", hint="--tail 50")
    names = [service] if service else [entry.name for entry in runtime.services()]
    if follow:
        from kafka_tasks.tasks._follow import follow_all

        follow_all(runtime, names, count)
        return None
    found = {name: runtime.logs(name, count) for name in names}
    lines = [
        f"{name:<10}| {line}" if len(names) > 1 else line
        for name, entries in found.items()
        for line in entries
    ]
    empty = "There are no logs: nothing has been started in this project."
    return Outcome({"schema": 1, "logs": found}, lambda: "\n".join(lines) or empty)


@verb()
def config(call: Call, output: str = "text") -> Outcome:
    """Show every effective setting and where it came from."""
    from kafka_tasks.render.views import settings as settings_view

    project = call.project()
    settings = call.settings(project)
    java = _java(call)
    document = settings_view.document(settings, java)
    return Outcome(document, lambda: settings_view.text(document, width=call.width))


def _java(call: Call) -> dict[str, str | None]:
    """Which Java the embedded runtime would take, and why."""
    from kafka_tasks.errors import JavaUnfit
    from kafka_tasks.runtimes.embedded import java

    try:
        found = java.choose(call.settings(call.project()))
    except JavaUnfit as error:
        return {"home": None, "version": None, "why": error.message}
    return {"home": str(found.home), "version": found.version, "why": found.why}


@verb(
    help={
        "format": "env, properties, json or python",
        "show_secrets": "print passwords in clear",
    }
)
def env(
    call: Call, format: str = "env", show_secrets: bool = False, output: str = "text"
) -> Outcome:
    """Print what a client needs to connect."""
    from kafka_tasks.errors import InvalidInput, NotReady
    from kafka_tasks.render.views import client as client_view

    if format not in client_view.FORMATS:
        raise InvalidInput(
            f"--format is {format!r}; allowed: {', '.join(client_view.FORMATS)}.",
            hint="--format env",
        )
    session = call.session()
    cluster = session.runtime.cluster(session.settings)
    if not cluster.bootstrap:
        raise NotReady(
            "KAFKA_TASKS_PORT is auto, and no start has picked a port in this project yet.",
            hint="invoke kafka.up",
        )
    secrets = {
        name: value
        for variable, value, _ in session.settings.entries()
        if variable.secret and value
        for name in [variable.field]
    }
    document = client_view.document(cluster, hidden=() if show_secrets else tuple(secrets.values()))
    return Outcome(document, lambda: client_view.text(document, format))


@verb()
def verify(call: Call, timeout: str | None = None, output: str = "text") -> Outcome:
    """Run the acceptance checks against the cluster as it is now."""
    call.flags = {"timeout": timeout}
    from kafka_tasks.acceptance import suite

    if call.dry:
        text = "would run the acceptance checks, which create and delete topics of their own"
        return Outcome({"schema": 1, "dry": True}, lambda: text)
    with diagnosed(call, "verify", watched=False) as session:
        found = suite.verify(session)
    if found.passed:
        return Outcome(suite.document(found), lambda: suite.text(found))
    wrong, lines = trouble(call, session)
    document = {**suite.document(found), "findings": wrong}
    return Outcome(document, lambda: "\n".join([suite.text(found), *lines]), 1)
