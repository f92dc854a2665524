"""The override file of a start: what kafka-tasks adds to a Compose file, and takes from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

FILE = "compose.override.yml"


def rendered(
    services: Mapping[str, Any],
    *,
    topology: Topology,
    further: BrokerProperties,
    start_interval: bool,
) -> str | None:
    """Return an override file: further broker properties, and no key that an old engine refuses.

    None where there is nothing to override.
    """
    import yaml

    changes: dict[str, dict[str, Any]] = {}
    # Controllers decide the defaults of new topics.
    for node in dict.fromkeys((*topology.brokers, *topology.voters)):
        if found := further.of(node):
            # Compose would read a $ as the beginning of a variable.
            prefix = ConfiguredService(node.name, services.get(node.name) or {}).prefix
            environment = {
                variable_of(key, prefix): text.replace("$", "$$") for key, text in found.items()
            }
            changes.setdefault(node.name, {})["environment"] = environment
    text = yaml.safe_dump({"services": changes}, sort_keys=True) if changes else ""
    if start_interval:
        return text or None
    # `!reset` takes a key away again; Compose knows it from 2.24 on, PyYAML does not.
    asking = [
        name
        for name, service in services.items()
        if "start_interval" in (service.get("healthcheck") or {})
    ]
    if not asking:
        return text or None
    lines = ["services:"]
    for name in sorted({*asking, *changes}):
        lines.append(f"  {name}:")
        if name in asking:
            lines += ["    healthcheck:", "      start_interval: !reset null"]
        if name in changes:
            block = yaml.safe_dump(changes[name], sort_keys=True)
            lines += [f"    {line}" for line in block.splitlines()]
    return "\n".join(lines) + "\n"


def variable_of(key: str, prefix: str = "KAFKA_") -> str:
    """Return the variable that the images turn into a property: a.b_c-d is KAFKA_A_B__C___D."""
    text = key.replace("_", "__").replace("-", "___").replace(".", "_")
    return f"{prefix}{text.upper()}"
