"""The cluster seen from outside: logs, config, env."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kafka_tasks.tasks.call import Call
from kafka_tasks.tasks.output import Outcome, shown
from kafka_tasks.tasks.task import number, task

if TYPE_CHECKING:
    from kafka_tasks.lifecycle.session import Session
    from kafka_tasks.model.cluster import Cluster
    from kafka_tasks.render.views.connection import Connection
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
        "format": "env, json, python, librdkafka, java, aiokafka or kcat",
        "user": "user of a secured cluster (default admin)",
        "show_secrets": "print passwords in clear",
    }
)
def env(
    call: Call,
    format: str = "env",
    user: str | None = None,
    show_secrets: bool = False,
    output: str = "text",
) -> Outcome:
    """Print what a client needs to connect."""
    from kafka_tasks.errors import InvalidInput, NotReady
    from kafka_tasks.render.views import connection

    if format not in connection.FORMATS:
        raise InvalidInput(
            f"--format is {format!r}; allowed: {', '.join(connection.FORMATS)}.",
            hint="--format env",
        )
    with call.watched() as session:
        cluster = session.cluster()
        if not cluster.bootstrap_servers:
            raise NotReady(
                "KAFKA_TASKS_PORT is auto, and no start has picked a port in this project yet.",
                hint="invoke kafka.up",
            )
        found = _connection(session, cluster, format, user)
        found = dataclasses.replace(found, hidden=not show_secrets)
        for said in _notices(found):
            session.recorder.notice(said)
    return shown(found, connection)


def _connection(session: Session, cluster: Cluster, form: str, user: str | None) -> Connection:
    """Return the cluster as a client of this user connects to it; raises `InvalidInput`."""
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.model.client_names import CERTIFICATE, KEY
    from kafka_tasks.model.security import ADMIN
    from kafka_tasks.render.views import connection
    from kafka_tasks.runtimes.secure import access

    security = cluster.topology.security
    if user is not None and (security is None or not security.knows_users):
        raise InvalidInput(
            f"--user is {user}, but this cluster has no users of kafka-tasks.",
            hint="KAFKA_TASKS_SASL_USERNAME names the user of a remote cluster; "
            "invoke kafka.up --secure starts a cluster with the users admin, alice and bob",
        )
    if security is not None:
        name = (user or ADMIN) if security.knows_users else None
        mine = access.as_user(cluster, name)
        files = access.java_stores(cluster, name)
        return connection.Connection(
            mine, form, user=name, stores=connection.JavaStores(*files) if files else None
        )
    _require_expressible(cluster, form)
    client = cluster.client
    if connection.is_java(form) and client.get(CERTIFICATE) != client.get(KEY):
        raise InvalidInput(
            "Java reads a client certificate and its key from one file; these settings have two.",
            hint=f"cat {client.get(KEY)} {client.get(CERTIFICATE)} > client.pem, and set both "
            "KAFKA_TASKS_SSL_CERTIFICATE_LOCATION and KAFKA_TASKS_SSL_KEY_LOCATION to it",
        )
    return connection.Connection(_trusting(cluster, form), form)


def _trusting(cluster: Cluster, form: str) -> Cluster:
    """Return a cluster whose client names whom it trusts at a token endpoint, for librdkafka."""
    from kafka_tasks.clients.kafka.connection import authorities_of_endpoint

    if form not in ("env", "json", "python", "librdkafka"):
        return cluster
    client = {**cluster.client, **authorities_of_endpoint(cluster.client)}
    return dataclasses.replace(cluster, client=client)


def _require_expressible(cluster: Cluster, form: str) -> None:
    """Raise `InvalidInput` where a form has no room for this connection's certificates."""
    from kafka_tasks.errors import InvalidInput
    from kafka_tasks.render.views import connection

    lacking = [name for name in connection.LACKS.get(form, ()) if name in cluster.client]
    if lacking:
        raise InvalidInput(
            f"The format {form} has no room for {lacking[0]}.",
            hint="save the certificates as PEM files and set KAFKA_TASKS_SSL_CA_LOCATION, "
            "…_CERTIFICATE_LOCATION and …_KEY_LOCATION; --format json has everything",
        )


def _notices(found: Connection) -> Iterator[str]:
    """Yield what the printed text does not tell."""
    if found.hides:
        yield "passwords are placeholders; --show-secrets prints them"
    client = found.cluster.client
    if found.form == "kcat" and client.get("sasl.mechanism", "").startswith("SCRAM"):
        yield (
            "kcat needs librdkafka 2.6.1 or newer to log in to Kafka 4 by SCRAM (Debian's has "
            "2.0.2); kcat -V shows its version"
        )
    yield from _of_tokens(found)


def _of_tokens(found: Connection) -> Iterator[str]:
    """Yield what a log-in by a token needs besides the printed text."""
    from kafka_tasks.model.client_names import TOKEN_URL
    from kafka_tasks.render.views import connection

    for_java, url = connection.is_java(found.form), found.cluster.client.get(TOKEN_URL)
    if found.cluster.token_command is not None and found.form not in connection.RUNS_COMMANDS:
        yield "the token command is not printed; --format python and aiokafka run it"
        if for_java:
            yield f"Java reads a token from a file: {TOKEN_URL}=file:///PATH"
    if found.form == "kcat" and url:
        yield "kcat needs a librdkafka that is built with OIDC: that of Debian is not"
    if for_java and (url or found.cluster.token_command):
        where = f"urls={url}" if url else "files=PATH"
        yield f"Kafka 4 needs the flag -Dorg.apache.kafka.sasl.oauthbearer.allowed.{where} of Java"
