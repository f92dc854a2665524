"""The cluster seen from outside: logs, config, env."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import number, task

if TYPE_CHECKING:
    from kafka_tasks.settings import Settings


@task(
    help={
        "service": "only this service",
        "tail": "lines per service (default 50)",
        "follow": "print new lines until Ctrl-C",
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
    from kafka_tasks.render.views import logs as view

    session = call.session()
    count = number(tail, "--tail")
    if count is None or count < 0:
        raise InvalidInput(f"--tail is {tail!r}; it starts at 0.", hint="--tail 50")
    names = [service] if service else session.observe().names
    if follow:
        from kafka_tasks.tasks.follow import follow_all

        follow_all(session.servers(), names, count)
        return None
    return shown({name: session.logs(name, count) for name in names}, view)


@task()
def config(call: Call, output: str = "text") -> Outcome:
    """Show every effective setting and its origin."""
    from kafka_tasks.render.views import configuration

    settings = call.settings(call.project())
    return shown(configuration.Configuration(settings, _java(settings)), configuration)


def _java(settings: Settings) -> dict[str, str | None]:
    """Return the Java that the embedded runtime would use, and why."""
    from kafka_tasks.errors import JavaUnfit
    from kafka_tasks.runtimes.embedded import java

    try:
        found = java.choose(settings)
    except JavaUnfit as error:
        return {"home": None, "version": None, "why": error.message}
    return {"home": str(found.home), "version": found.version, "why": found.why}


@task(
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
    from kafka_tasks.render.views import connection

    if format not in connection.FORMATS:
        raise InvalidInput(
            f"--format is {format!r}; allowed: {', '.join(connection.FORMATS)}.",
            hint="--format env",
        )
    session = call.session()
    cluster = session.cluster()
    if not cluster.bootstrap:
        raise NotReady(
            "KAFKA_TASKS_PORT is auto, and no start has picked a port in this project yet.",
            hint="invoke kafka.up",
        )
    hidden = () if show_secrets else _secrets(session.settings)
    return shown(connection.Connection(cluster, format, hidden), connection)


def _secrets(settings: Settings) -> tuple[str, ...]:
    return tuple(
        str(value) for variable, value, _ in settings.entries() if variable.secret and value
    )
