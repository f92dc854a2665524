"""`kafka.env`: what a client needs to connect, in the form that it reads."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kafka_tasks.model.cluster import Cluster

PLACEHOLDER = "<secret>"


def document(cluster: Cluster, *, hidden: Sequence[str]) -> dict[str, Any]:
    """Addresses and client properties; values in `hidden` become a placeholder."""
    client = {
        key: PLACEHOLDER if value in hidden else value for key, value in cluster.client.items()
    }
    return {
        "schema": 1,
        "bootstrap_servers": cluster.bootstrap_servers,
        "zookeeper": str(cluster.zookeeper) if cluster.zookeeper else None,
        "client": client,
    }


def text(found: Mapping[str, Any], form: str) -> str:
    """The document in one of `FORMATS`."""
    return FORMATS[form](found)


def _properties_of(found: Mapping[str, Any]) -> dict[str, str]:
    return {"bootstrap.servers": found["bootstrap_servers"], **found["client"]}


def _env(found: Mapping[str, Any]) -> str:
    names = {"KAFKA_BOOTSTRAP_SERVERS": found["bootstrap_servers"]}
    if found["zookeeper"]:
        names["ZOOKEEPER_CONNECT"] = found["zookeeper"]
    names |= {f"KAFKA_{key.replace('.', '_').upper()}": v for key, v in found["client"].items()}
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in names.items())


def _properties(found: Mapping[str, Any]) -> str:
    return "\n".join(f"{key}={value}" for key, value in _properties_of(found).items())


def _json(found: Mapping[str, Any]) -> str:
    return json.dumps(_properties_of(found), indent=2)


def _python(found: Mapping[str, Any]) -> str:
    lines = [f"    {key!r}: {value!r}," for key, value in _properties_of(found).items()]
    return "\n".join(["config = {", *lines, "}"])


FORMATS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "env": _env,
    "properties": _properties,
    "json": _json,
    "python": _python,
}
