"""Every setting, where it came from, and the only reader of the environment and of `.env`.

Precedence: flag > environment > `.env` of the project > `kafka` section of Invoke's configuration
> what the project remembers (ports picked by `auto`, number of brokers) > default.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from kafka_tasks.errors import InvalidInput, SettingsError
from kafka_tasks.model.cluster import MAX_BROKERS, Address

PREFIX = "KAFKA_TASKS_"
# A file of this size has thousands of lines, and takes seconds to read.
_MAX_DOTENV = 256 * 1024
_MAX_VARIABLES = 100

OriginKind = Literal["flag", "environment", ".env", "invoke", "project", "default"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from: `place` is what a person would look at (`--brokers`, `.env:3`)."""

    kind: OriginKind
    place: str = ""

    def __str__(self) -> str:
        return f"{self.kind} ({self.place})" if self.place else self.kind

    @property
    def explicit(self) -> bool:
        """Whether a person asked for the value."""
        return self.kind not in ("default", "project")


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting: its field of `Settings`, default, reader, and what it is for."""

    field: str
    default: str | None
    parse: Callable[[str], object]
    allowed: str
    meaning: str
    secret: bool = False

    @property
    def name(self) -> str:
        """The environment variable."""
        return PREFIX + self.field.upper()


def _text(value: str) -> str:
    if not value.strip() or "\0" in value:
        raise ValueError
    return value


def _choice(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError
        return value

    return parse


def _port(value: str) -> int | Literal["auto"]:
    if value == "auto":
        return "auto"
    return _whole(value, 1, 65535)


def _whole(value: str, low: int, high: int) -> int:
    if not (value.isascii() and value.isdigit()) or not low <= int(value) <= high:
        raise ValueError
    return int(value)


def _brokers(value: str) -> int:
    return _whole(value, 1, MAX_BROKERS)


def _seconds(value: str) -> float:
    seconds = float(value)
    if not 0 < seconds <= 86400:
        raise ValueError
    return seconds


def _boolean(value: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in words:
        raise ValueError
    return words[value.lower()]


def _version(value: str) -> str:
    match = re.fullmatch(r"7\.(\d{1,2})\.(\d{1,3})", value, re.ASCII)
    if not match or int(match[1]) < 5:
        raise ValueError
    return value


def _heap(value: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", value, re.ASCII):
        raise ValueError
    return value


def _path(value: str) -> Path:
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError as error:  # ~name of nobody
        raise ValueError from error


def _servers(value: str) -> tuple[Address, ...]:
    return tuple(Address.parse(part) for part in value.split(","))


_SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")

VARIABLES: tuple[Variable, ...] = (
    Variable(
        "runtime",
        "auto",
        _choice("auto", "embedded", "compose", "remote"),
        "auto, embedded, compose or remote",
        "where the cluster lives",
    ),
    Variable(
        "port",
        "9092",
        _port,
        "a port from 1 to 65535, or auto",
        "port of the first broker on 127.0.0.1; further brokers take the ports after it",
    ),
    Variable(
        "zookeeper_port",
        "2181",
        _port,
        "a port from 1 to 65535, or auto",
        "port of ZooKeeper on 127.0.0.1",
    ),
    Variable(
        "version",
        "7.9.6",
        _version,
        "a Confluent Platform version with three parts from 7.5.0 up to the last 7.x, say 7.9.6 "
        "(8.0 and later have no ZooKeeper)",
        "Confluent Platform version; it fixes the Apache Kafka line too (7.5 = 3.5 … 7.9 = 3.9)",
    ),
    Variable(
        "kafka_image",
        None,
        _text,
        "an image name",
        "broker image (confluentinc/cp-kafka:$VERSION)",
    ),
    Variable(
        "zookeeper_image",
        None,
        _text,
        "an image name",
        "ZooKeeper image (confluentinc/cp-zookeeper:$VERSION)",
    ),
    Variable("brokers", "1", _brokers, f"a number from 1 to {MAX_BROKERS}", "number of brokers"),
    Variable("network", None, _text, "a network name", "Docker network (kafka-tasks-<project>)"),
    Variable(
        "network_external",
        "false",
        _boolean,
        "true or false",
        "join a network that exists already and never delete it",
    ),
    Variable(
        "broker_properties",
        None,
        _path,
        "the path of a file",
        "a file of further broker properties, for both runtimes",
    ),
    Variable(
        "launch",
        "direct",
        _choice("direct", "image"),
        "direct or image",
        "compose: start the servers directly, or through the images' own preflight",
    ),
    Variable(
        "compose_file",
        None,
        _path,
        "the path of a file",
        "Compose file (the project's if it has our services, else the packaged one)",
    ),
    Variable("timeout", "60", _seconds, "seconds, more than 0", "seconds to become ready"),
    Variable(
        "bootstrap_servers",
        None,
        _servers,
        "host:port, several with commas",
        "a cluster that somebody else runs",
    ),
    Variable(
        "security_protocol",
        None,
        _choice(*_SECURITY),
        ", ".join(_SECURITY),
        "how to connect to a remote cluster",
    ),
    Variable(
        "sasl_mechanism",
        None,
        _choice("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
        "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512",
        "SASL mechanism of a remote cluster",
    ),
    Variable("sasl_username", None, _text, "a name", "SASL user of a remote cluster"),
    Variable(
        "sasl_password", None, _text, "a password", "SASL password of a remote cluster", secret=True
    ),
    Variable(
        "ssl_ca_location", None, _path, "the path of a file", "CA certificates of a remote cluster"
    ),
    Variable(
        "ssl_certificate_location", None, _path, "the path of a file", "client certificate (PEM)"
    ),
    Variable("ssl_key_location", None, _path, "the path of a file", "client key (PEM)"),
    Variable(
        "ssl_key_password", None, _text, "a password", "password of the client key", secret=True
    ),
    Variable("topics_file", "topics.yaml", _path, "the path of a file", "topics as code"),
    Variable("heap", "512m", _heap, "a size such as 512m or 1g", "heap of a broker (embedded)"),
    Variable(
        "zookeeper_heap", "256m", _heap, "a size such as 256m", "heap of ZooKeeper (embedded)"
    ),
    Variable(
        "java_home",
        None,
        _path,
        "the path of a Java installation",
        "the Java to use, binding (else JAVA_HOME, the bundled Java, java on PATH)",
    ),
    Variable(
        "cache",
        None,
        _path,
        "the path of a directory",
        "jars and JVM class archives, shared by projects (the platform's user cache directory)",
    ),
)

_BY_FIELD = {variable.field: variable for variable in VARIABLES}
_BY_NAME = {variable.name: variable for variable in VARIABLES}
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


@dataclass(frozen=True, slots=True)
class Settings:
    """Every effective setting of one project; `origins` says where each field came from."""

    project: Path
    runtime: str
    port: int | Literal["auto"]
    zookeeper_port: int | Literal["auto"]
    version: str
    kafka_image: str
    zookeeper_image: str
    brokers: int
    network: str | None
    network_external: bool
    broker_properties: Path | None
    launch: str
    compose_file: Path | None
    timeout: float
    bootstrap_servers: tuple[Address, ...] | None
    security_protocol: str | None
    sasl_mechanism: str | None
    sasl_username: str | None
    sasl_password: str | None = field(repr=False)
    ssl_ca_location: Path | None
    ssl_certificate_location: Path | None
    ssl_key_location: Path | None
    ssl_key_password: str | None = field(repr=False)
    topics_file: Path
    heap: str
    zookeeper_heap: str
    java_home: Path | None
    cache: Path
    java_home_variable: Path | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict, repr=False)

    @property
    def kafka_line(self) -> str:
        """The Apache Kafka line of this Confluent Platform version: 7.9.6 runs 3.9."""
        return f"3.{self.version.split('.')[1]}"

    def entries(self) -> Iterator[tuple[Variable, Any, Origin]]:
        """Each variable with its value and origin, in the order of the documentation."""
        for variable in VARIABLES:
            origin = self.origins.get(variable.field, Origin("default"))
            yield variable, getattr(self, variable.field), origin

    def explicit(self, name: str) -> bool:
        """Whether a person asked for this field's value."""
        return self.origins.get(name, Origin("default")).explicit

    def client(self) -> dict[str, str]:
        """The librdkafka properties that connect to a secured cluster."""
        wanted = {
            "security.protocol": self.security_protocol,
            "sasl.mechanism": self.sasl_mechanism,
            "sasl.username": self.sasl_username,
            "sasl.password": self.sasl_password,
            "ssl.ca.location": self.ssl_ca_location,
            "ssl.certificate.location": self.ssl_certificate_location,
            "ssl.key.location": self.ssl_key_location,
            "ssl.key.password": self.ssl_key_password,
        }
        return {key: str(value) for key, value in wanted.items() if value is not None}


@dataclass(frozen=True, slots=True)
class _Found:
    text: str
    origin: Origin


def environment() -> dict[str, str]:
    """The process environment, for those who hand one on to a child."""
    return dict(os.environ)


def as_environment(settings: Settings) -> dict[str, str]:
    """What a person asked for, as variables for a child that shall have the same settings."""
    found = {}
    for variable, value, origin in settings.entries():
        if origin.explicit and value is not None:
            parts = value if isinstance(value, tuple) else (value,)
            text = ",".join(map(str, parts))
            found[variable.name] = text.lower() if isinstance(value, bool) else text
    return found


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
    found: dict[str, _Found] = {}
    for layer in (
        _defaults(),
        _remembered(remembered or {}),
        _invoke(section or {}),
        _dotenv(project / ".env"),
        _environment(surroundings),
        _flags(flags or {}),
    ):
        found.update(layer)
    values: dict[str, Any] = dict.fromkeys(_BY_FIELD)
    for name, entry in found.items():
        values[name] = _read(_BY_FIELD[name], entry)
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


def _read(variable: Variable, entry: _Found) -> object:
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


def _hint(variable: Variable, entry: _Found) -> str:
    if variable.field == "version" and re.fullmatch(r"7\.([5-9]|\d\d)", entry.text):
        return f"{variable.name}={entry.text}.{'6' if entry.text == '7.9' else '0'}"
    if entry.origin.kind == "flag":
        return f"{entry.origin.place} {variable.default}"
    return f"{variable.name}={variable.default or '…'}, or remove the line to get the default"


def _defaults() -> dict[str, _Found]:
    return {
        variable.field: _Found(variable.default, Origin("default"))
        for variable in VARIABLES
        if variable.default is not None
    }


def _remembered(values: Mapping[str, Any]) -> dict[str, _Found]:
    return {
        name: _Found(_written(value), Origin("project", "remembered"))
        for name, value in values.items()
        if name in _BY_FIELD and value is not None
    }


def _flags(flags: Mapping[str, str | None]) -> dict[str, _Found]:
    return {
        name: _Found(value, Origin("flag", "--" + name.replace("_", "-")))
        for name, value in flags.items()
        if value is not None and name in _BY_FIELD
    }


def _environment(environ: Mapping[str, str]) -> dict[str, _Found]:
    found = {}
    for name, text in environ.items():
        if name.startswith(PREFIX):
            variable = _known(name, "the environment")
            if text != "":
                found[variable.field] = _Found(text, Origin("environment", name))
    return found


def _invoke(section: Mapping[str, Any]) -> dict[str, _Found]:
    found = {}
    for key, value in section.items():
        variable = _known(PREFIX + str(key).upper(), "the kafka section of Invoke's configuration")
        if value is not None:
            found[variable.field] = _Found(_written(value), Origin("invoke", f"kafka.{key}"))
    return found


def _written(value: object) -> str:
    """A value as it would stand in the environment; a number too long for Python has no text."""
    try:
        return str(value).lower() if isinstance(value, bool) else str(value)
    except ValueError:
        return "…"


def _dotenv(path: Path) -> dict[str, _Found]:
    try:
        source = _source(path).decode("utf-8-sig").replace("\r\n", "\n")
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError) as error:
        hint = f'ls -l "{path}"; file "{path}"'
        raise SettingsError(f"{path} cannot be read: {error}.", hint=hint) from error
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    found: dict[str, _Found] = {}
    lines: dict[str, int] = {}
    for binding in parse_stream(io.StringIO(source)):
        text = binding.original.string.lstrip()
        # The parser counts the empty lines before a binding as part of it.
        before = binding.original.string.removesuffix(text)
        line = binding.original.line + before.count("\n")
        # Reading them takes time that grows with the square of their number.
        if text.count("${") > _MAX_VARIABLES:
            raise SettingsError(
                f"{path}, line {line}: {_masked(text)!r} has more than {_MAX_VARIABLES} variables.",
                hint=f"put # before line {line} of {path}",
            )
        if binding.error or _is_half(binding.key, binding.value):
            raise SettingsError(
                f"{path}, line {line}: {_masked(text)!r} is not a line of the form NAME=value.",
                hint=f"write NAME=value, or put # before it, in line {line} of {path}",
            )
        if binding.key is not None:
            lines[binding.key] = line
    for name, value in dotenv_values(stream=io.StringIO(source)).items():
        if name.startswith(PREFIX):
            variable = _known(name, f"{path}, line {lines[name]}")
            if value:
                origin = Origin(".env", f".env:{lines[name]}")
                found[variable.field] = _Found(value, origin)
    return found


def dotenv_values_of(path: Path) -> dict[str, str]:
    """Every name that a `.env` file gives a value, ours or not; none where it is unreadable."""
    from dotenv import dotenv_values

    try:
        source = _source(path).decode("utf-8-sig", errors="replace")
    except (OSError, SettingsError):
        return {}
    plain = source.count("${") > _MAX_VARIABLES
    found = dotenv_values(stream=io.StringIO(source), interpolate=not plain)
    return {name: value for name, value in found.items() if value}


def _source(path: Path) -> bytes:
    """What stands in a `.env` file; raises `SettingsError` for one that is none by its size."""
    with open(path, "rb") as file:
        content = file.read(_MAX_DOTENV + 1)
    if len(content) > _MAX_DOTENV:
        size = f"{_MAX_DOTENV // 1024} KB"
        raise SettingsError(f"{path} is larger than {size}.", hint=f'ls -l "{path}"')
    return content


def _is_half(name: str | None, value: str | None) -> bool:
    """A line without `=` is a name that others may know; one of ours has to have a value."""
    if name is None or value is not None:
        return False
    return name.startswith(PREFIX) or not re.fullmatch(r"[A-Za-z_][\w.-]*", name, re.ASCII)


def _masked(text: str) -> str:
    """A malformed line's name alone: what follows may be a secret."""
    match = re.match(r"(?:export\s+)?[A-Za-z_]\w*", text, re.ASCII)
    return f"{match[0][:60]}…" if match else "…"


def _known(name: str, place: str) -> Variable:
    if name in _BY_NAME:
        return _BY_NAME[name]
    from difflib import get_close_matches

    near = get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    raise SettingsError(
        f"{name} in {place} is not a setting of kafka-tasks.",
        hint=f"did you mean {near[0]}?" if near else "invoke kafka.config lists every setting",
    )


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
