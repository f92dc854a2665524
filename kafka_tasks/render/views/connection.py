"""What a client needs to connect, in the form that it reads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafka_tasks.model.client_names import (
    CA,
    CA_PEM,
    CERTIFICATE,
    CERTIFICATE_PEM,
    KEY,
    KEY_PASSWORD,
    KEY_PEM,
    KEY_STORE,
    KEY_STORE_PASSWORD,
    MECHANISM,
    OAUTHBEARER,
    PASSWORD,
    PYTHON,
    USER,
    is_secret,
)
from kafka_tasks.model.cluster import Cluster
from kafka_tasks.render import jaas, token_log_in
from kafka_tasks.render.document import SCHEMA, Document

_PLACEHOLDER = "<secret>"
_PEM_OF_JAVA = {
    "truststore": {CA_PEM: "ssl.truststore.certificates"},
    "keystore": {CERTIFICATE_PEM: "ssl.keystore.certificate.chain", KEY_PEM: "ssl.keystore.key"},
}
_LOGIN = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class JavaStores:
    """The PKCS#12 files that Java reads: whom a client trusts, and who it is."""

    password: str
    trust: str
    keys: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster as a client of `user` sees it, and one of `FORMATS`.

    With `hidden`, passwords and keys become placeholders; a user that is named as its password does
    not. `stores` are the files for Java, where there are any.
    """

    cluster: Cluster
    form: str
    hidden: bool = False
    user: str | None = None
    stores: JavaStores | None = None

    def shown(self, name: str, value: str) -> str:
        """Return the value of a property, or the placeholder."""
        return _PLACEHOLDER if self.hidden and is_secret(name) else value

    @property
    def hides(self) -> bool:
        """True where the text has a placeholder."""
        stores = self.stores is not None and is_java(self.form)
        runs = self.cluster.token_command is not None and self.form in RUNS_COMMANDS
        return self.hidden and (stores or runs or any(map(is_secret, self.cluster.client)))

    @property
    def client(self) -> dict[str, str]:
        """The client's properties without the addresses."""
        return {key: self.shown(key, value) for key, value in self.cluster.client.items()}

    @property
    def token_command(self) -> str | None:
        """The command that prints a token, if there is one, or the placeholder."""
        command = self.cluster.token_command
        return _PLACEHOLDER if command is not None and self.hidden else command

    @property
    def properties(self) -> dict[str, str]:
        """The client's properties, the addresses first."""
        return {"bootstrap.servers": self.cluster.bootstrap_servers, **self.client}


def is_java(form: str) -> bool:
    """Return whether this form is for Java."""
    return FORMATS[form] is _java


def document(found: Connection) -> Document:
    """Return addresses, user and client properties."""
    cluster = found.cluster
    return {
        "schema": SCHEMA,
        "bootstrap_servers": cluster.bootstrap_servers,
        "zookeeper": cluster.topology.zookeeper_connect,
        "user": found.user,
        "client": found.client,
    }


def text(found: Connection, *, width: int) -> str:
    """Return the properties in the form that was asked for."""
    return FORMATS[found.form](found)


def _env(found: Connection) -> str:
    names = {"KAFKA_BOOTSTRAP_SERVERS": found.cluster.bootstrap_servers}
    if coordinator := document(found)["zookeeper"]:
        names["ZOOKEEPER_CONNECT"] = coordinator
    names |= {f"KAFKA_{key.replace('.', '_').upper()}": v for key, v in found.client.items()}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in names.items())


def _librdkafka(found: Connection) -> str:
    return "\n".join(f"{key}={value}" for key, value in found.properties.items())


def _json(found: Connection) -> str:
    return json.dumps(found.properties, indent=2)


def _python(found: Connection) -> str:
    lines = [f"    {key!r}: {value!r}," for key, value in found.properties.items()]
    if found.token_command is None:
        return "\n".join(["config = {", *lines, "}"])
    code, value = token_log_in.callback(found.client, found.token_command)
    return "\n".join([code, "", "config = {", *lines, f"    'oauth_cb': {value},", "}"])


def _java(found: Connection) -> str:
    """Return a properties file, escaped as Java reads it."""
    client = found.client
    wanted = {"bootstrap.servers": found.cluster.bootstrap_servers}
    if protocol := client.get("security.protocol"):
        wanted["security.protocol"] = protocol
    if mechanism := client.get(MECHANISM):
        wanted["sasl.mechanism"] = mechanism
    if mechanism == OAUTHBEARER:
        wanted |= token_log_in.of_java(client)
    elif USER in client or PASSWORD in client:
        wanted["sasl.jaas.config"] = _jaas(mechanism or "PLAIN", client)
    wanted |= _java_tls(found)
    return "\n".join(f"{key}={_escaped(value)}" for key, value in wanted.items())


def _jaas(mechanism: str, client: Mapping[str, str]) -> str:
    kind = "scram.ScramLoginModule" if mechanism.startswith("SCRAM") else "plain.PlainLoginModule"
    options = {"username": client.get(USER, ""), "password": client.get(PASSWORD, "")}
    return jaas.log_in(f"{_LOGIN}.{kind}", options)


def _java_tls(found: Connection) -> dict[str, str]:
    client, stores = found.client, found.stores
    if stores is not None:
        password = found.shown("ssl.truststore.password", stores.password)
        wanted = _store("truststore", "PKCS12", stores.trust)
        wanted["ssl.truststore.password"] = password
        if stores.keys:
            wanted |= _store("keystore", "PKCS12", stores.keys)
            wanted |= {"ssl.keystore.password": password, "ssl.key.password": password}
        return wanted
    wanted = _store("truststore", "PEM", client[CA]) if CA in client else {}
    if CERTIFICATE in client:
        wanted |= _store("keystore", "PEM", client[CERTIFICATE])
    if KEY_STORE in client:
        wanted |= _store("keystore", "PKCS12", client[KEY_STORE])
        secret = client.get(KEY_STORE_PASSWORD, "")
        wanted |= {"ssl.keystore.password": secret, "ssl.key.password": secret}
    for kind, given in _PEM_OF_JAVA.items():
        texts = {name: client[each] for each, name in given.items() if each in client}
        wanted |= {f"ssl.{kind}.type": "PEM", **texts} if texts else {}
    if KEY_PASSWORD in client:
        wanted["ssl.key.password"] = client[KEY_PASSWORD]
    return wanted


def _store(kind: str, form: str, path: str) -> dict[str, str]:
    return {f"ssl.{kind}.type": form, f"ssl.{kind}.location": path}


def _escaped(value: str) -> str:
    """Return a value as a properties file has it: Java reads these in Latin-1.

    Java drops blanks before a value.
    """
    out = value.replace("\\", "\\\\").replace("\n", "\\n")
    units = (out[i].encode("utf-16-be").hex() for i in range(len(out)))
    pairs = zip(out, units, strict=True)
    written = "".join(
        char if 31 < ord(char) < 127 else "".join(f"\\u{u[i : i + 4]}" for i in range(0, len(u), 4))
        for char, u in pairs
    )
    return f"\\{written}" if written.startswith(" ") else written


def _aiokafka(found: Connection) -> str:
    """Return the arguments of aiokafka's clients, which take a TLS context."""
    client = found.client
    lines = ["config = {"]
    lines += [f"    {PYTHON[k]!r}: {v!r}," for k, v in found.properties.items() if k in PYTHON]
    code: list[str] = []
    if client.get(MECHANISM) == OAUTHBEARER:
        code = [token_log_in.provider(client, found.token_command), ""]
        lines.append("    'sasl_oauth_token_provider': TokenProvider(),")
    if not client.get("security.protocol", "").endswith("SSL"):
        return "\n".join([*code, *lines, "}"])
    context = [
        *code,
        "from ssl import create_default_context",
        "",
        f"context = create_default_context(cafile={client.get(CA)!r}, cadata={pem!r})"
        if (pem := client.get(CA_PEM))
        else f"context = create_default_context(cafile={client.get(CA)!r})",
    ]
    if CERTIFICATE in client:
        keys = f"{client[CERTIFICATE]!r}, {client.get(KEY)!r}, {client.get(KEY_PASSWORD)!r}"
        context.append(f"context.load_cert_chain({keys})")
    return "\n".join([*context, *lines, "    'ssl_context': context,", "}"])


# Form → the properties that it cannot have, and that files can replace.
LACKS = {
    **dict.fromkeys(("librdkafka", "kcat"), (CA_PEM, CERTIFICATE_PEM, KEY_PEM)),
    "aiokafka": (CERTIFICATE_PEM, KEY_PEM, KEY_STORE),
}
# The forms that are code, which can run a command for each token.
RUNS_COMMANDS = ("python", "aiokafka")
FORMATS: Mapping[str, Callable[[Connection], str]] = {
    "env": _env,
    "json": _json,
    "python": _python,
    "librdkafka": _librdkafka,
    "java": _java,
    "properties": _java,
    "aiokafka": _aiokafka,
    "kcat": _librdkafka,
}
