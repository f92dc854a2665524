"""The override file of a start: what kafka-tasks adds to a Compose file, and takes from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kafka_tasks.model.topology import Topology
from kafka_tasks.runtimes.broker_properties import BrokerProperties
from kafka_tasks.runtimes.compose.service_config import ConfiguredService

FILE = "compose.override.yml"


class _Reset:
    """A value that takes a key away again; Compose knows it from 2.24 on."""


RESET = _Reset()


def rendered(
    services: Mapping[str, Any],
    *,
    topology: Topology,
    further: BrokerProperties,
    start_interval: bool,
    secured: Mapping[str, Mapping[str, Any]] | None = None,
) -> str | None:
    """Return an override file: further broker properties, and no key that an old engine refuses.

    `secured` has what the services of a secured cluster have besides. Properties of the environment
    are named as Kafka does. None where there is nothing to override.
    """
    changes: dict[str, dict[str, Any]] = {
        name: {**change, **_environment(name, services, change.get("environment", {}))}
        for name, change in (secured or {}).items()
    }
    # Controllers decide the defaults of new topics.
    for node in dict.fromkeys((*topology.brokers, *topology.voters)):
        if found := further.of(node):
            mine = changes.setdefault(node.name, {})
            added = _environment(node.name, services, found)["environment"]
            mine["environment"] = {**mine.get("environment", {}), **added}
    for name in () if start_interval else _asking(services):
        mine = changes.setdefault(name, {})
        mine["healthcheck"] = {**mine.get("healthcheck", {}), "start_interval": RESET}
    return _dumped({"services": changes}) if changes else None


def _environment(
    name: str, services: Mapping[str, Any], properties: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Return properties as the variables of a service's image; nothing without any."""
    prefix = ConfiguredService(name, services.get(name) or {}).prefix
    found = {variable_of(key, prefix): text for key, text in properties.items()}
    return {"environment": found} if found else {}


def _asking(services: Mapping[str, Any]) -> Iterable[str]:
    """Yield the services whose health check runs more often at first."""
    for name, service in services.items():
        if "start_interval" in (service.get("healthcheck") or {}):
            yield name


def variable_of(key: str, prefix: str = "KAFKA_") -> str:
    """Return the variable that the images turn into a property: a.b_c-d is KAFKA_A_B__C___D."""
    text = key.replace("_", "__").replace("-", "___").replace(".", "_")
    return f"{prefix}{text.upper()}"


def _dumped(document: Mapping[str, Any]) -> str:
    """Return a file that Compose reads as this document."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """YAML with Compose's tag for a key that is taken away."""

        def ignore_aliases(self, data: Any) -> bool:
            """Return True: each value is written out."""
            return True

    # As a list it is written without quotation marks.
    Dumper.add_representer(
        _Reset, lambda dumper, _: dumper.represent_sequence("!reset", [], flow_style=True)
    )
    return str(yaml.dump(_escaped(document), Dumper=Dumper, sort_keys=True))


def _escaped(value: Any) -> Any:
    """Return the same with two dollars for each: Compose reads one as the beginning of a name."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: _escaped(each) for key, each in value.items()}
    return [_escaped(each) for each in value] if isinstance(value, list) else value
