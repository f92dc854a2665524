"""What a client needs to connect, in the form that it reads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kafka_tasks.model.cluster import Cluster
from kafka_tasks.render.document import SCHEMA, Document

_PLACEHOLDER = "<secret>"


@dataclass(frozen=True, slots=True)
class Connection:
    """A cluster and one of `FORMATS`; values in `hidden` become a placeholder."""

    cluster: Cluster
    form: str
    hidden: tuple[str, ...] = ()

    @property
    def client(self) -> dict[str, str]:
        """The client's properties without the addresses."""
        return {
            key: _PLACEHOLDER if value in self.hidden else value
            for key, value in self.cluster.client.items()
        }

    @property
    def properties(self) -> dict[str, str]:
        """The client's properties, the addresses first."""
        return {"bootstrap.servers": self.cluster.bootstrap_servers, **self.client}


def document(found: Connection) -> Document:
    """Return addresses and client properties."""
    cluster = found.cluster
    return {
        "schema": SCHEMA,
        "bootstrap_servers": cluster.bootstrap_servers,
        "zookeeper": cluster.topology.zookeeper_connect,
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


def _properties(found: Connection) -> str:
    return "\n".join(f"{key}={value}" for key, value in found.properties.items())


def _json(found: Connection) -> str:
    return json.dumps(found.properties, indent=2)


def _python(found: Connection) -> str:
    lines = [f"    {key!r}: {value!r}," for key, value in found.properties.items()]
    return "\n".join(["config = {", *lines, "}"])


FORMATS: Mapping[str, Callable[[Connection], str]] = {
    "env": _env,
    "properties": _properties,
    "json": _json,
    "python": _python,
}
