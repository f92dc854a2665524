"""A dedicated controller: a voter of the quorum that serves no clients."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from kafka_tasks.model.role import Role
from kafka_tasks.model.topology import Service, Topology
from kafka_tasks.runtimes.roles import broker, quorum
from kafka_tasks.runtimes.roles.recipe import Recipe


def _configure(service: Service, topology: Topology, further: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of one controller on loopback.

    It decides the defaults of new topics, and so takes the user's own properties too.
    """
    mine = broker.configure(service, topology, further)
    for name in ("advertised.listeners", "listeners", "inter.broker.listener.name"):
        mine.pop(name, None)
    return {**mine, "listeners": quorum.listener(service)}


RECIPE = Recipe(
    role=Role.CONTROLLER,
    title="the controller",
    main_class="kafka.Kafka",
    archive="controller",
    port_setting="controller_port",
    heap_setting="heap",
    container=broker.CONTAINER,
    configure=_configure,
    goodbye=b"shut down completed",
    shows_version=True,
    coordinator=quorum.coordinator,
    registered_s=quorum.SESSION_S,
)
COMBINED = replace(
    broker.RECIPE,
    role=Role.COMBINED,
    archive="combined",
    quorum_port_setting="controller_port",
    coordinator=quorum.coordinator,
    registered_s=quorum.SESSION_S,
)
