"""Every source in its order, and the only reader of the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kafka_tasks.errors import InvalidInput, SettingsError
from kafka_tasks.settings import dotenv_file
from kafka_tasks.settings.values import Settings
from kafka_tasks.settings.variables import (
    BY_FIELD,
    PREFIX,
    VARIABLES,
    Found,
    Origin,
    Variable,
    known,
)

_PROJECT_PATHS = frozenset(
    {
        "broker_properties",
        "cache",
        "compose_file",
        "java_home",
        "topics_file",
        "ssl_ca_location",
        "ssl_certificate_location",
        "ssl_key_location",
    }
)


def environment() -> dict[str, str]:
    """The process environment, for those who hand one on to a child."""
    return dict(os.environ)


def load(
    project: Path,
    *,
    flags: Mapping[str, str | None] | None = None,
    environ: Mapping[str, str] | None = None,
    section: Mapping[str, Any] | None = None,
    remembered: Mapping[str, Any] | None = None,
) -> Settings:
    """Read every source and return the settings of `project`.

    `flags` maps field names to what was typed; `section` is the `kafka` part of Invoke's
    configuration; `remembered` is what the project's last start left as choices of its own. Raises
    `SettingsError` that names the variable, the place and what is allowed.
    """
    surroundings = os.environ if environ is None else environ
    found: dict[str, Found] = {}
    for layer in (
        _defaults(),
        _remembered(remembered or {}),
        _invoke(section or {}),
        dotenv_file.read(project / ".env"),
        _environment(surroundings),
        _flags(flags or {}),
    ):
        found.update(layer)
    values: dict[str, Any] = dict.fromkeys(BY_FIELD)
    for name, entry in found.items():
        values[name] = _read(BY_FIELD[name], entry)
    for name in _PROJECT_PATHS:
        if values[name] is not None:
            values[name] = project / values[name]
    if values["cache"] is None:
        values["cache"] = _default_cache()
    for kind in ("kafka", "zookeeper"):
        if values[f"{kind}_image"] is None:
            values[f"{kind}_image"] = f"confluentinc/cp-{kind}:{values['version']}"
    home = surroundings.get("JAVA_HOME")
    settings = Settings(
        project=project,
        java_home_variable=Path(home) if home else None,
        origins={name: entry.origin for name, entry in found.items()},
        **values,
    )
    _check_together(settings)
    return settings


def _read(variable: Variable, entry: Found) -> object:
    try:
        return variable.parse(entry.text)
    except (ValueError, InvalidInput) as error:
        shown = "***" if variable.secret else repr(entry.text)
        place = f" in {entry.origin.place}" if entry.origin.kind in (".env", "invoke") else ""
        typed = entry.origin.place if entry.origin.kind == "flag" else variable.name
        raise SettingsError(
            f"{typed}{place} is {shown}; allowed: {variable.allowed}.",
            hint=_hint(variable, entry),
        ) from error


def _hint(variable: Variable, entry: Found) -> str:
    if variable.field == "version" and re.fullmatch(r"7\.([5-9]|\d\d)", entry.text):
        return f"{variable.name}={entry.text}.{'6' if entry.text == '7.9' else '0'}"
    if entry.origin.kind == "flag":
        return f"{entry.origin.place} {variable.default}"
    return f"{variable.name}={variable.default or '…'}, or remove the line to get the default"


def _defaults() -> dict[str, Found]:
    return {
        variable.field: Found(variable.default, Origin("default"))
        for variable in VARIABLES
        if variable.default is not None
    }


def _remembered(values: Mapping[str, Any]) -> dict[str, Found]:
    return {
        name: Found(_written(value), Origin("project", "remembered"))
        for name, value in values.items()
        if name in BY_FIELD and value is not None
    }


def _flags(flags: Mapping[str, str | None]) -> dict[str, Found]:
    return {
        name: Found(value, Origin("flag", "--" + name.replace("_", "-")))
        for name, value in flags.items()
        if value is not None and name in BY_FIELD
    }


def _environment(environ: Mapping[str, str]) -> dict[str, Found]:
    found = {}
    for name, text in environ.items():
        if name.startswith(PREFIX):
            variable = known(name, "the environment")
            if text != "":
                found[variable.field] = Found(text, Origin("environment", name))
    return found


def _invoke(section: Mapping[str, Any]) -> dict[str, Found]:
    found = {}
    for key, value in section.items():
        variable = known(PREFIX + str(key).upper(), "the kafka section of Invoke's configuration")
        if value is not None:
            found[variable.field] = Found(_written(value), Origin("invoke", f"kafka.{key}"))
    return found


def _written(value: object) -> str:
    """A value as it would stand in the environment; a number too long for Python has no text."""
    try:
        return str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:
        return "…"


def _check_together(settings: Settings) -> None:
    port, keeper = settings.port, settings.zookeeper_port
    if isinstance(port, int):
        last = port + settings.brokers - 1
        if last > 65535:
            raise SettingsError(
                f"KAFKA_TASKS_PORT={port} leaves no room for {settings.brokers} brokers: "
                "each takes the next port, and 65535 is the last.",
                hint="KAFKA_TASKS_PORT=9092",
            )
        if isinstance(keeper, int) and port <= keeper <= last:
            raise SettingsError(
                f"KAFKA_TASKS_ZOOKEEPER_PORT={keeper} is also a broker's port "
                f"({settings.brokers} from {port}).",
                hint="KAFKA_TASKS_ZOOKEEPER_PORT=2181",
            )
    if settings.runtime == "remote" and not settings.bootstrap_servers:
        raise SettingsError(
            "KAFKA_TASKS_RUNTIME is remote, but KAFKA_TASKS_BOOTSTRAP_SERVERS is not set.",
            hint="KAFKA_TASKS_BOOTSTRAP_SERVERS=host:9092",
        )


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("kafka-tasks")
