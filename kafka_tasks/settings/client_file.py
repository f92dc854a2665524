"""A client file of Java or of librdkafka, read as the settings of a connection."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from kafka_tasks.errors import SettingsError
from kafka_tasks.project import private
from kafka_tasks.settings import java_properties
from kafka_tasks.settings.java_properties import Entry
from kafka_tasks.settings.variable import Origin, RawValue

_MAX_BYTES = 256 * 1024
_OF_BOTH = {
    "bootstrap.servers": "bootstrap_servers",
    "security.protocol": "security_protocol",
    "sasl.mechanism": "sasl_mechanism",
    "ssl.key.password": "ssl_key_password",
    "sasl.oauthbearer.token.endpoint.url": "sasl_oauthbearer_token_endpoint_url",
    "sasl.oauthbearer.client.credentials.client.id": "sasl_oauthbearer_client_id",
    "sasl.oauthbearer.client.credentials.client.secret": "sasl_oauthbearer_client_secret",
    "sasl.oauthbearer.scope": "sasl_oauthbearer_scope",
}
_OF_LIBRDKAFKA = {
    "metadata.broker.list": "bootstrap_servers",
    "sasl.mechanisms": "sasl_mechanism",
    "sasl.username": "sasl_username",
    "sasl.password": "sasl_password",
    "ssl.ca.location": "ssl_ca_location",
    "ssl.ca.pem": "ssl_ca_pem",
    "ssl.certificate.location": "ssl_certificate_location",
    "ssl.certificate.pem": "ssl_certificate_pem",
    "ssl.key.location": "ssl_key_location",
    "ssl.key.pem": "ssl_key_pem",
    "sasl.oauthbearer.client.id": "sasl_oauthbearer_client_id",
    "sasl.oauthbearer.client.secret": "sasl_oauthbearer_client_secret",
    "sasl.oauthbearer.extensions": "sasl_oauthbearer_extensions",
    "https.ca.location": "https_ca_location",
    "https.ca.pem": "https_ca_pem",
}
_STORES_OF_LIBRDKAFKA = {
    "ssl.keystore.location": "ssl_keystore_location",
    "ssl.keystore.password": "ssl_keystore_password",
}
_OF_JAVA = {
    "ssl.truststore.certificates": "ssl_ca_pem",
    "ssl.keystore.certificate.chain": "ssl_certificate_pem",
    "ssl.keystore.key": "ssl_key_pem",
}
_JAAS, _HANDLER = "sasl.jaas.config", "sasl.login.callback.handler.class"
# The only values that kafka-tasks knows: it does the same without them.
_IMPLIED = {
    "ssl.endpoint.identification.algorithm": ("https",),
    "sasl.oauthbearer.method": ("oidc",),
    "sasl.oauthbearer.grant.type": ("client_credentials",),
    _HANDLER: java_properties.TOKEN_HANDLERS,
}
_STORES_OF_JAVA = tuple(
    f"ssl.{kind}.{part}"
    for kind in ("truststore", "keystore")
    for part in ("type", "location", "password")
)
_PASSWORD_MODULES = ("PlainLoginModule", "ScramLoginModule")
_JKS = b"\xfe\xed\xfe\xed"
_SECRETS = ("password", "pem", "secret")


class ClientFile(Struct, frozen=True):
    """The settings that a file has, and the properties of it that kafka-tasks does not use."""

    values: Mapping[str, RawValue]
    unused: tuple[str, ...]


def read(path: Path, *, gives_tokens: bool = True) -> ClientFile:
    """Return what a file says; raises `SettingsError` with file and line.

    A file with a property that only librdkafka has is one of librdkafka: its values have no
    escapes. Relative paths are relative to the file. Without `gives_tokens`, a command gives them,
    and how Java gets its own does not matter.
    """
    found = {entry.name: entry for entry in _entries(path)}
    if _JAAS in found or not set(found) & set(_OF_LIBRDKAFKA):
        values, known = (
            dict(_of_java(path, found, gives_tokens=gives_tokens)),
            {*_OF_JAVA, *_STORES_OF_JAVA, _JAAS},
        )
    else:
        names = {**_OF_LIBRDKAFKA, **_STORES_OF_LIBRDKAFKA}
        values, known = dict(_named(path, found, names)), set(names)
    values.update(_named(path, found, _OF_BOTH, but=values))
    known |= {
        name for name, words in _IMPLIED.items() if name in found and found[name].value in words
    }
    if any(name.endswith(_SECRETS) for name in values):
        private.require_private(path, "client file")
    return ClientFile(values, tuple(sorted(set(found) - known - set(_OF_BOTH))))


def _entries(path: Path) -> list[Entry]:
    """Return every property; raises `SettingsError`."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise ValueError(f"it is larger than {_MAX_BYTES // 1024} KB")
        # Java reads Latin-1, and writes everything else as an escape.
        found = list(java_properties.entries(content.decode("latin-1")))
        if any(entry.name in _OF_LIBRDKAFKA for entry in found) and _JAAS not in (
            entry.name for entry in found
        ):
            return list(_of_plain_lines(content.decode("utf-8-sig")))
        return found
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The client file {path} cannot be read: {error}.",
            hint=f"ls -l {shlex.quote(str(path))}; it has lines of the form name=value",
        ) from error


def _of_plain_lines(text: str) -> Iterator[Entry]:
    """Yield the properties of a file of librdkafka, whose values are as they are."""
    for number, line in enumerate(text.splitlines(), start=1):
        name, sign, value = line.partition("=")
        if sign and not line.lstrip().startswith("#"):
            value = value if name == name.rstrip() else value.lstrip()
            yield Entry(name.strip(), value, number, value)


def _named(
    path: Path,
    found: Mapping[str, Entry],
    names: Mapping[str, str],
    *,
    but: Iterable[str] = (),
) -> Iterator[tuple[str, RawValue]]:
    """Yield the settings that are properties of these names."""
    for name, field in names.items():
        if name in found and field not in but and found[name].value:
            yield field, _raw(path, found[name], _written(path, field, found[name].value))


def _written(path: Path, field: str, value: str) -> str:
    if field.endswith("_location"):
        return str(_beside(path, value))
    if field == "security_protocol":
        return value.upper()
    return "".join(value.split()) if field == "bootstrap_servers" else value


def _beside(path: Path, value: str) -> Path:
    return path.parent / Path(value).expanduser()


def _raw(path: Path, entry: Entry, text: str) -> RawValue:
    return RawValue(text, Origin("client file", f"{path}:{entry.line}"))


def _of_java(
    path: Path, found: Mapping[str, Entry], *, gives_tokens: bool
) -> Iterator[tuple[str, RawValue]]:
    yield from _named(path, found, _OF_JAVA)
    if _JAAS in found:
        yield from _log_in(path, found, gives_tokens=gives_tokens)
    yield from _trust_store(path, found)
    yield from _key_store(path, found)


def _log_in(
    path: Path, found: Mapping[str, Entry], *, gives_tokens: bool
) -> Iterator[tuple[str, RawValue]]:
    """Yield user and password; raises `SettingsError`, which shows neither."""
    entry = found[_JAAS]
    where = f"{path}:{entry.line}: {_JAAS}"
    example = 'ScramLoginModule required username="alice" password="…";'
    try:
        told = java_properties.log_in(entry.value)
    except ValueError as error:
        hint = f"{_JAAS}=org.apache.kafka.common.security.scram.{example}"
        raise SettingsError(f"{where} is invalid: {error}.", hint=hint) from error
    if told.module == java_properties.TOKEN_MODULE:
        if gives_tokens:
            yield from _tokens(path, found, told.options)
        return
    if told.module not in _PASSWORD_MODULES:
        raise SettingsError(
            f"{where} has {told.module}; kafka-tasks reads {', '.join(_PASSWORD_MODULES)} and "
            f"{java_properties.TOKEN_MODULE}.",
            hint=f"invoke kafka.config shows every setting of a connection; {path} needs {example}",
        )
    if "sasl.mechanism" not in found:
        raise SettingsError(
            f"{path} has {_JAAS}, but no sasl.mechanism: Java takes GSSAPI then.",
            hint=f"add sasl.mechanism=SCRAM-SHA-512 to {path}",
        )
    for name in ("username", "password"):
        if name in told.options:
            yield f"sasl_{name}", _raw(path, entry, told.options[name])


def _tokens(
    path: Path, found: Mapping[str, Entry], options: Mapping[str, str]
) -> Iterator[tuple[str, RawValue]]:
    """Yield what gets a token; raises `SettingsError` where another class than Kafka's does."""
    entry, handler = found[_JAAS], found.get(_HANDLER)
    if handler is None or handler.value not in java_properties.TOKEN_HANDLERS:
        has = (
            handler.value if handler else f"no {_HANDLER}, so that Java makes a token without proof"
        )
        raise SettingsError(
            f"{path} has {has}; kafka-tasks reads {java_properties.TOKEN_HANDLERS[0]}.",
            hint="KAFKA_TASKS_TOKEN_COMMAND has a command that prints a token, for any other kind",
        )
    for name, field in java_properties.OF_TOKENS.items():
        if options.get(name):
            yield field, _raw(path, entry, options[name])
    extensions = [
        f"{name.removeprefix(java_properties.EXTENSION)}={value}"
        for name, value in options.items()
        if name.startswith(java_properties.EXTENSION)
    ]
    if extensions:
        yield "sasl_oauthbearer_extensions", _raw(path, entry, ",".join(extensions))
    if trusted := options.get("ssl.truststore.location"):
        store = _beside(path, trusted)
        if not _is_pem(path, entry, store):
            raise SettingsError(
                f"{path}:{entry.line}: {store}, for the token endpoint, is not PEM.",
                hint=f"openssl pkcs12 -in {shlex.quote(str(store))} -nokeys -out ca.pem",
            )
        yield "https_ca_location", _raw(path, entry, str(store))


def _trust_store(path: Path, found: Mapping[str, Entry]) -> Iterator[tuple[str, RawValue]]:
    entry = found.get("ssl.truststore.location")
    if entry is None or not entry.value:
        return
    store = _beside(path, entry.value)
    if _is_pem(path, entry, store):
        yield "ssl_ca_location", _raw(path, entry, str(store))
        return
    yield "ssl_truststore_location", _raw(path, entry, str(store))
    if word := found.get("ssl.truststore.password"):
        yield "ssl_truststore_password", _raw(path, word, word.value)


def _key_store(path: Path, found: Mapping[str, Entry]) -> Iterator[tuple[str, RawValue]]:
    entry = found.get("ssl.keystore.location")
    if entry is None or not entry.value:
        return
    store = _beside(path, entry.value)
    if _is_pem(path, entry, store):
        yield "ssl_certificate_location", _raw(path, entry, str(store))
        yield "ssl_key_location", _raw(path, entry, str(store))
        return
    yield "ssl_keystore_location", _raw(path, entry, str(store))
    if word := found.get("ssl.keystore.password"):
        yield "ssl_keystore_password", _raw(path, word, word.value)


def _is_pem(path: Path, entry: Entry, store: Path) -> bool:
    """Return whether a store is PEM, else it is PKCS#12; raises `SettingsError` for JKS.

    The content decides: Java writes PKCS#12 for the type JKS, too.
    """
    try:
        with store.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SettingsError(
            f"{path}:{entry.line}: {entry.name} cannot be read: {error}.",
            hint=f"ls -l {shlex.quote(str(store))}",
        ) from error
    if head.startswith(_JKS):
        source, made = shlex.quote(str(store)), shlex.quote(str(store.with_suffix(".p12")))
        raise SettingsError(
            f"{path}:{entry.line}: {store} is a JKS file, which kafka-tasks does not read.",
            hint=f"keytool -importkeystore -srckeystore {source} -destkeystore {made} "
            f"-deststoretype PKCS12, and set {entry.name} to it",
        )
    return b"-----BEGIN " in head
