"""Compose files in the long form that `docker compose config` prints, without an engine."""

from __future__ import annotations

from typing import Any

import yaml


def written_out(text: str) -> dict[str, Any]:
    """Return a file with the short forms of its services written out."""
    config: dict[str, Any] = yaml.safe_load(text)
    config["services"] = {name: _service(entry or {}) for name, entry in config["services"].items()}
    return config


def _service(entry: dict[str, Any]) -> dict[str, Any]:
    found = dict(entry)
    environment = entry.get("environment") or {}
    if isinstance(environment, list):
        pairs = (str(line).partition("=") for line in environment)
        environment = {name: value if sign else None for name, sign, value in pairs}
    found["environment"] = environment
    found["ports"] = [_port(port) for port in entry.get("ports") or ()]
    found["volumes"] = [_mount(mount) for mount in entry.get("volumes") or ()]
    needed = entry.get("depends_on") or {}
    if isinstance(needed, list):
        needed = {name: {"condition": "service_started"} for name in needed}
    found["depends_on"] = needed
    networks = entry.get("networks")
    found["networks"] = dict.fromkeys(networks) if isinstance(networks, list) else networks
    health = dict(entry.get("healthcheck") or {})
    if isinstance(health.get("test"), str):
        health["test"] = ["CMD-SHELL", health["test"]]
    found["healthcheck"] = health or None
    return found


def _port(port: Any) -> dict[str, Any]:
    if isinstance(port, dict):
        return port
    *before, target = str(port).split(":")
    host = ":".join(before[:-1]).strip("[]")
    published = before[-1] if before else None
    return {"target": int(target), "published": published, "host_ip": host or None}


def _mount(mount: Any) -> dict[str, Any]:
    if isinstance(mount, dict):
        return mount
    source, target = (*str(mount).split(":"), "")[:2]
    kind = "bind" if source.startswith((".", "/")) else "volume"
    return {"type": kind, "source": source, "target": target} if target else {"target": source}
