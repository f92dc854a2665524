"""Load the settings from every source, in their order of precedence."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kafka_tasks.errors import InvalidInput, SettingsError
from kafka_tasks.model import kafka_line
from kafka_tasks.model.kafka_line import UnknownVersion
from kafka_tasks.project import private
from kafka_tasks.settings import client_file, connection_checks, contexts, dotenv_file
from kafka_tasks.settings.contexts import Context
from kafka_tasks.settings.values import NO_CONNECTION, Settings
from kafka_tasks.settings.variable import PREFIX, Origin, RawValue, Variable
from kafka_tasks.settings.variables import BY_FIELD, VARIABLES, find_variable

_PROJECT_PATHS = frozenset(
    {
        "broker_properties",
        "cache",
        "client_properties",
        "compose_file",
        "https_ca_location",
        "java_home",
        "topics_file",
        "ssl_ca_location",
        "ssl_certificate_location",
        "ssl_key_location",
        "ssl_keystore_location",
        "ssl_truststore_location",
    }
)


_LAST_PORT = 65535


def environment() -> dict[str, str]:
    """Return a copy of the process environment, to pass on to a child process."""
    return dict(os.environ)


def load(
    project: Path,
    *,
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    section: Mapping[str, Any] | None = None,
    remembered: Mapping[str, Any] | None = None,
    places: Mapping[str, str] | None = None,
) -> Settings:
    """Read every source and return the settings of `project`.

    `flags` maps field names to the typed text, `places` to where it was typed, if not as the flag
    of a task; `section` is the `kafka` section of Invoke's configuration; `remembered` holds
    choices of the project's last start. Raises `SettingsError` with the variable, the place and the
    allowed values.
    """
    process_environment = os.environ if environ is None else environ
    found: dict[str, RawValue] = {}
    for layer in (
        _defaults(),
        _from_project(remembered or {}),
        _from_invoke(section or {}),
        dotenv_file.read(project / ".env"),
        _from_environment(process_environment),
        _from_flags(flags or {}, places or {}),
    ):
        found.update(layer)
    for name in NO_CONNECTION:
        field = name.removeprefix(PREFIX).lower()
        if process_environment.get(name) == "" and not (flags or {}).get(field):
            found.pop(field, None)
    remote = _with_context(found, project, section or {})
    unused = _with_client_file(found, project)
    home = process_environment.get("JAVA_HOME")
    settings = Settings(
        project=project,
        java_home_variable=Path(home) if home else None,
        recorded_mode=(remembered or {}).get("recorded_mode"),
        combined=(remembered or {}).get("combined"),
        remote=remote,
        unused_properties=unused,
        origins={name: entry.origin for name, entry in found.items()},
        **_values(project, found),
    )
    _check_together(settings)
    return settings


def _with_context(
    found: dict[str, RawValue], project: Path, section: Mapping[str, Any]
) -> Context | None:
    """Replace the connection by that of the named context, if any, and return it.

    Each setting of a connection comes from it, so that no password reaches another cluster. An
    address that was typed wins over a context that was not.
    """
    if (asked := found.get("context")) is None:
        return None
    address = found.get("bootstrap_servers")
    if address and address.origin.kind == "flag" and asked.origin.kind != "flag":
        del found["context"]
        return None
    chosen = contexts.named(asked.text, project, section)
    for name in contexts.CONNECTION:
        found.pop(name, None)
    origin = Origin("context", chosen.place)
    values = {**chosen.values, **_secrets(chosen)}
    found.update({name: RawValue(text, origin) for name, text in values.items()})
    if found["runtime"].origin.kind != "flag":
        found["runtime"] = RawValue("remote", origin)
    return chosen


def _with_client_file(found: dict[str, RawValue], project: Path) -> tuple[str, ...]:
    """Add the connection of the client file, if any, below what is set otherwise.

    Returns the properties that are not used. Certificates that are set otherwise replace each
    source of them in the file.
    """
    if (named := found.get("client_properties")) is None:
        return ()
    path = _parsed(BY_FIELD["client_properties"], named)
    file = client_file.read(project / str(path), gives_tokens="token_command" not in found)
    replaced = {name for group in contexts.ONE_OF if set(group) & set(found) for name in group}
    for name, value in file.values.items():
        if name not in replaced:
            found.setdefault(name, value)
    if "bootstrap_servers" not in found and found["runtime"].text in ("auto", "remote"):
        raise SettingsError(
            f"{project / str(path)} has no bootstrap.servers, and no other source sets them.",
            hint=f"{BY_FIELD['bootstrap_servers'].name}=host:9092",
        )
    return file.unused


def _secrets(context: Context) -> dict[str, str]:
    return {name: private.first_line(path) for name, path in context.password_files.items()}


def _values(project: Path, found: Mapping[str, RawValue]) -> dict[str, Any]:
    """Return each field's value; defaults that depend on other values are filled in."""
    values: dict[str, Any] = dict.fromkeys(BY_FIELD)
    for name, entry in found.items():
        values[name] = _parsed(BY_FIELD[name], entry)
    for name in _PROJECT_PATHS:
        if values[name] is not None:
            values[name] = project / values[name]
    if values["cache"] is None:
        values["cache"] = _default_cache()
    version = kafka_line.of_version(values["version"])
    values["kafka_image"] = values["kafka_image"] or version.image
    values["zookeeper_image"] = values["zookeeper_image"] or version.zookeeper_image
    return values


def _parsed(variable: Variable, entry: RawValue) -> object:
    try:
        return variable.parse(entry.text)
    except (ValueError, InvalidInput) as error:
        shown = "***" if variable.secret else repr(entry.text)
        in_file = entry.origin.kind in (".env", "invoke", "context", "client file")
        place = f" in {entry.origin.place}" if in_file else ""
        typed = entry.origin.place if entry.origin.kind == "flag" else variable.name
        reason = f", {error.reason}" if isinstance(error, UnknownVersion) else ""
        raise SettingsError(
            f"{typed}{place} is {shown}{reason}; allowed: {variable.allowed}.",
            hint=_hint(variable, entry, error),
        ) from error


def _hint(variable: Variable, entry: RawValue, error: Exception) -> str:
    instead = error.instead if isinstance(error, UnknownVersion) else variable.default
    if entry.origin.kind == "flag":
        place = entry.origin.place
        if instead is None:
            return f"leave out {place}"
        return f"{place} {instead}" if place.startswith("--") else f"{place} = {instead}"
    if isinstance(error, UnknownVersion):
        return f"{variable.name}={instead}"
    return f"{variable.name}={variable.default or '…'}, or remove the line to get the default"


def _defaults() -> dict[str, RawValue]:
    return {
        variable.field: RawValue(variable.default, Origin("default"))
        for variable in VARIABLES
        if variable.default is not None
    }


def _from_project(values: Mapping[str, Any]) -> dict[str, RawValue]:
    return {
        name: RawValue(_as_text(value), Origin("project", "remembered"))
        for name, value in values.items()
        if name in BY_FIELD and value is not None
    }


def _from_flags(flags: Mapping[str, str | None], places: Mapping[str, str]) -> dict[str, RawValue]:
    return {
        name: RawValue(value, Origin("flag", places.get(name, BY_FIELD[name].flag)))
        for name, value in flags.items()
        if value is not None and name in BY_FIELD
    }


def _from_environment(environ: Mapping[str, str]) -> dict[str, RawValue]:
    found = {}
    for name, text in environ.items():
        if name.startswith(PREFIX):
            variable = find_variable(name, "the environment")
            if text != "":
                found[variable.field] = RawValue(text, Origin("environment", name))
    return found


def _from_invoke(section: Mapping[str, Any]) -> dict[str, RawValue]:
    found = {}
    for key, value in section.items():
        if key == "contexts":
            continue
        place = "the kafka section of Invoke's configuration"
        variable = find_variable(PREFIX + str(key).upper(), place)
        if value is not None:
            found[variable.field] = RawValue(_as_text(value), Origin("invoke", f"kafka.{key}"))
    return found


def _as_text(value: object) -> str:
    """Return a value as text for the environment; Python has no text for a very long number."""
    try:
        return str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:
        return "…"


def _check_together(settings: Settings) -> None:
    _check_mode(settings)
    _check_security(settings)
    _check_ports(settings)
    connection_checks.check(settings)
    if settings.runtime == "remote" and not settings.bootstrap_servers:
        raise SettingsError(
            "KAFKA_TASKS_RUNTIME is remote, but KAFKA_TASKS_BOOTSTRAP_SERVERS is not set.",
            hint="KAFKA_TASKS_BOOTSTRAP_SERVERS=host:9092",
        )


def _check_ports(settings: Settings) -> None:
    """Raise `SettingsError` for ports beyond the last, and for a coordinator's on a broker's."""
    planned = settings.topology
    field, servers = "zookeeper_port", "ZooKeeper servers"
    if planned.voters:
        field, servers = "controller_port", "controllers"
    count = len(planned.voters or planned.coordinators)
    brokers = _ports(settings, "port", len(planned.brokers), "brokers")
    others = _ports(settings, field, count, servers)
    shared = sorted({*brokers} & {*others})
    if shared:
        variable = BY_FIELD[field]
        port = shared[0]
        many = f" (port {port} of {count} from {others[0]})" if port != others[0] else ""
        raise SettingsError(
            f"{variable.name}={others[0]} is also a broker's port{many} "
            f"({len(brokers)} from {brokers[0]}).",
            hint=f"{variable.name}=auto",
        )


def _ports(settings: Settings, field: str, count: int, servers: str) -> range:
    """Return the ports of these servers; none where the first one is picked."""
    first = getattr(settings, field)
    if not isinstance(first, int):
        return range(0)
    if first + count - 1 > _LAST_PORT:
        variable = BY_FIELD[field]
        raise SettingsError(
            f"{variable.name}={first} leaves no room for {count} {servers}: each "
            f"{servers.removesuffix('s')} uses the next port, and {_LAST_PORT} is the last.",
            hint=f"{variable.name}={variable.default}",
        )
    return range(first, first + count)


def _check_mode(settings: Settings) -> None:
    mode, line = settings.resolved_mode, settings.line
    if mode not in line.modes:
        raise SettingsError(
            f"{_as_typed(settings, 'mode')} is {mode}, but version {settings.version} is Kafka "
            f"{line.kafka}: Kafka 4 has no ZooKeeper.",
            hint=f"{BY_FIELD['version'].name}={kafka_line.DEFAULT.text}",
        )
    if settings.controllers and settings.explicit("controllers") and mode == "zookeeper":
        raise SettingsError(
            f"{_as_typed(settings, 'controllers')} is {settings.controllers}, but the mode is "
            "zookeeper: only KRaft has dedicated controllers.",
            hint=f"{BY_FIELD['mode'].name}=kraft, or {BY_FIELD['controllers'].name}=0",
        )


def _check_security(settings: Settings) -> None:
    """Raise `SettingsError` for an authorizer without users, and names without a certificate."""
    security = settings.security
    if security is None and settings.explicit("san"):
        variable = BY_FIELD["secure"].name
        raise SettingsError(
            f"{_as_typed(settings, 'san')} is {settings.san}, but {variable} is none: only a "
            "secured cluster has a certificate.",
            hint=f"{variable}=scram, or remove {BY_FIELD['san'].name}",
        )
    if not (settings.acl and settings.explicit("acl")) or (security and security.knows_users):
        return
    variable = BY_FIELD["secure"].name
    raise SettingsError(
        f"{_as_typed(settings, 'acl')} is true, but {variable} is {settings.secure}: clients have "
        "no names, and no one could be granted a right.",
        hint=f"{variable}=scram, or {BY_FIELD['acl'].name}=false",
    )


def _as_typed(settings: Settings, field: str) -> str:
    """Return the flag or the variable that set a field."""
    origin = settings.origins[field]
    return origin.place if origin.kind == "flag" else BY_FIELD[field].name


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("kafka-tasks")
