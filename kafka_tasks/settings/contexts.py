"""Remote clusters by name: `contexts` of Invoke's configuration, and the user's contexts.yaml."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from kafka_tasks.errors import SettingsError
from kafka_tasks.settings.variable import command

# A context has all settings of a connection, so that none of another cluster is mixed in.
CONNECTION = (
    "client_properties",
    *("bootstrap_servers", "security_protocol", "sasl_mechanism", "sasl_username"),
    *("sasl_password", "ssl_ca_location", "ssl_certificate_location", "ssl_key_location"),
    *("ssl_key_password", "ssl_ca_pem", "ssl_certificate_pem", "ssl_key_pem"),
    *("ssl_truststore_location", "ssl_truststore_password"),
    *("ssl_keystore_location", "ssl_keystore_password"),
    *("sasl_oauthbearer_token_endpoint_url", "sasl_oauthbearer_client_id"),
    *("sasl_oauthbearer_client_secret", "sasl_oauthbearer_scope", "sasl_oauthbearer_extensions"),
    *("https_ca_location", "https_ca_pem", "token_command"),
)
# Of each line, one setting names the certificates, or where tokens come from.
ONE_OF = (
    ("ssl_ca_location", "ssl_ca_pem", "ssl_truststore_location"),
    ("ssl_certificate_location", "ssl_certificate_pem", "ssl_keystore_location"),
    ("ssl_key_location", "ssl_key_pem", "ssl_keystore_location"),
    ("https_ca_location", "https_ca_pem"),
    ("sasl_oauthbearer_token_endpoint_url", "token_command"),
)
# Secret → the key that names a file with it.
_SECRETS = {
    "sasl_password": "password_file",
    "sasl_oauthbearer_client_secret": "client_secret_file",
    "ssl_key_password": "key_password_file",
    "ssl_key_pem": "ssl_key_location",
    "ssl_truststore_password": "truststore_password_file",
    "ssl_keystore_password": "keystore_password_file",
}
_PLAIN = tuple(name for name in CONNECTION if name not in _SECRETS)
_PASSWORD_FILES = tuple(key for key in _SECRETS.values() if key.endswith("_file"))
# Secret → the key that has a command which prints it.
COMMANDS = {
    "sasl_password": "password_command",
    "sasl_oauthbearer_client_secret": "client_secret_command",
}
_OTHERS = (*_PASSWORD_FILES, *COMMANDS.values(), "read_only", "confirm", "color")
# Those that every terminal has, by the names that Rich gives them.
_SIMPLE_COLORS = ("red", "green", "yellow", "blue", "magenta", "cyan", "white", "black")
_COLORS = (*_SIMPLE_COLORS, *(f"bright_{name}" for name in _SIMPLE_COLORS))
_PATHS = ("client_properties", *(name for name in _PLAIN if name.endswith("_location")))
_INVOKE = "the kafka section of Invoke's configuration"


class Context(Struct, frozen=True, kw_only=True):
    """A remote cluster by name; `place` is where it is declared, `values` are settings as text.

    `password_files` has a file for each secret setting that has one, `commands` a command line.
    With `read_only`, tasks that change something are refused; with `asks_name`, a person confirms
    by typing the name. `color` is how a terminal shows the name before a change.
    """

    name: str
    place: str
    values: Mapping[str, str]
    password_files: Mapping[str, Path]
    commands: Mapping[str, str] = {}
    read_only: bool = False
    asks_name: bool = False
    color: str = "cyan"


def _user_file() -> Path:
    """Return where the user's own contexts are declared, whether or not there are any."""
    from platformdirs import user_config_path

    return user_config_path("kafka-tasks") / "contexts.yaml"


def declared(project: Path, section: Mapping[str, Any]) -> dict[str, Context]:
    """Return every context by name; those of Invoke's configuration win.

    Raises `SettingsError` that names the file and the key.
    """
    file = _user_file()
    found = _of(_read(file), str(file), file.parent)
    return dict(sorted({**found, **_of(section.get("contexts"), _INVOKE, project)}.items()))


def named(name: str, project: Path, section: Mapping[str, Any]) -> Context:
    """Return the context of this name; raises `SettingsError` with the nearest that exists."""
    there = declared(project, section)
    if name in there:
        return there[name]
    raise SettingsError(
        f"There is no context {name} (there is: {', '.join(there) or 'none'}).",
        hint=_nearest(name, there) or f"declare it in {_user_file()}",
    )


def key_of(field: str) -> str:
    """Return the key by which a context has a setting of the connection."""
    return _SECRETS.get(field, field)


def _read(path: Path) -> Any:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise _wrong(str(path), f"it cannot be read: {error}") from error
    import yaml

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _wrong(str(path), f"it is not YAML: {' '.join(str(error).split())}") from error
    if content is None:
        return None
    if not isinstance(content, Mapping) or set(content) - {"contexts"}:
        raise _wrong(str(path), "it has one key, contexts")
    return content.get("contexts")


def _of(contexts: Any, place: str, folder: Path) -> dict[str, Context]:
    if contexts is None:
        return {}
    if not hasattr(contexts, "items"):
        raise _wrong(place, "contexts has a name for each cluster")
    entries = ((str(name), entry) for name, entry in contexts.items())
    return {name: _context(name, entry, place, folder) for name, entry in entries}


def _context(name: str, entry: Any, place: str, folder: Path) -> Context:
    where = f"contexts.{name}"
    if not hasattr(entry, "items"):
        raise _wrong(place, f"{where} has settings such as bootstrap_servers")
    given = {str(key): value for key, value in entry.items() if value is not None}
    for key in given:
        _check_key(key, where, place)
    if not {"bootstrap_servers", "client_properties"} & set(given):
        raise _wrong(place, f"{where} has no bootstrap_servers")
    at = f"{where} in {place}"
    read_only = _choice(given, "read_only", (False, True), at) is True
    asks_name = _choice(given, "confirm", (None, "name"), at) == "name"
    usual = "red" if asks_name else "green" if read_only else "cyan"
    return Context(
        name=name,
        place=at,
        values={key: _text(key, given[key], folder) for key in _PLAIN if key in given},
        password_files={
            secret: _path(given[key], folder)
            for secret, key in _SECRETS.items()
            if key in _PASSWORD_FILES and key in given
        },
        commands={
            setting: _command(given[key], f"{where}.{key}", place)
            for setting, key in COMMANDS.items()
            if key in given
        },
        read_only=read_only,
        asks_name=asks_name,
        color=_choice(given, "color", (usual, *_COLORS), at),
    )


def _command(value: Any, where: str, place: str) -> str:
    """Return a command line; raises `SettingsError` for what is none."""
    with contextlib.suppress(ValueError):
        return command(str(value))
    raise _wrong(place, f"{where} is no command line", f"{where.rpartition('.')[2]}: COMMAND")


def _check_key(key: str, where: str, place: str) -> None:
    if key in _SECRETS:
        why = f"{where}.{key}: secrets stay in a file of their own"
        raise _wrong(place, why, f"{_SECRETS[key]}: FILE")
    if key not in (*_PLAIN, *_OTHERS):
        every = (*_PLAIN, *_OTHERS)
        hint = _nearest(key, every) or f"allowed: {', '.join(every)}"
        raise _wrong(place, f"{where}.{key} is not a setting of a context", hint)


def _nearest(word: str, known: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    near = get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]}?" if near else None


def _choice(given: Mapping[str, Any], key: str, allowed: tuple[Any, ...], place: str) -> Any:
    value = given.get(key, allowed[0])
    if not any(value is each or (isinstance(each, str) and value == each) for each in allowed):
        every = dict.fromkeys(str(each).lower() for each in allowed if each is not None)
        words = ", ".join(every)
        why = f"{key} is {value!r}; allowed: {words}"
        raise _wrong(place, why, f"{key}: {next(iter(every))}")
    return value


def _text(key: str, value: Any, folder: Path) -> str:
    if key in _PATHS:
        return str(_path(value, folder))
    return ",".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _path(value: Any, folder: Path) -> Path:
    return folder / Path(str(value)).expanduser()


def _wrong(place: str, why: str, hint: str | None = None) -> SettingsError:
    example = "contexts: {staging: {bootstrap_servers: 'kafka.example.com:9093'}}"
    return SettingsError(f"{place} is invalid: {why}.", hint=hint or f"write {example}")
